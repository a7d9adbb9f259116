"""The last page of the demo: the proof, the run in numbers, and where to look next."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from streams.core.rules import Rules
from streams.demo.observed import Model
from streams.demo.places import Kept
from streams.demo.proof import Proof
from streams.demo.show import REPORT
from streams.demo.spells import CONTACTED
from streams.demo.summary import Detection, Summary
from streams.demo.view import learned
from streams.demo.wording import TEXTS, say
from streams.pages.wording import Language, Text
from streams.reporting.earned import Earned
from streams.reporting.figures import Figures
from streams.reporting.numbers import signed
from streams.reporting.vocabulary import ruling_said, value_said
from streams.reporting.words import effect_said

COMMA: Final = Text(", ", "、")

COLOURS: Final = {"✓": "green", "✗": "red", "!": "yellow"}

Lines = list[tuple[str, str]]
"""Titles and values."""


class Ending(NamedTuple):
    """What is known when the curtain falls.

    Attributes:
        proof: Whether anything was lost or doubled.
        summary: The run in numbers.
        figures: Those of the report.
        model: The last one.
        rate: Events per second that became durable, over the feed.
        seconds: From the start of the demo.
        day_s: Seconds that a day of the log took.
        directory: Logs and results.
        log_path: The log that was fed.
    """

    proof: Proof
    summary: Summary
    figures: Figures
    model: Model
    rate: float
    seconds: float
    day_s: float
    directory: Path
    log_path: Path

    @property
    def holds(self) -> bool:
        """Whether nothing was lost or doubled, and no budget exceeded."""
        return self.proof.holds and not any(kept.over for kept in self.summary.budgets.values())


def lines_of_proof(proof: Proof, rules: Rules, touches: int, language: Language) -> list[str]:
    """Return the proof in words, every line with its mark."""
    live, replayed = proof.events
    if proof.differences:
        head = say(language, "proof_fails", differences=proof.differences, live=live,
                   replayed=replayed)  # fmt: skip
        said = [f"✗ {head}", *(f"    {line}" for line in proof.differing)]
    else:
        value = proof.value_minor[0] / rules.minor_units
        said = ["✓ " + say(language, "proof_holds", events=live, users=proof.users, value=value,
                           currency=rules.currency)]  # fmt: skip
    if proof.repeated_touches:
        said.append("✗ " + say(language, "touches_twice", repeated=proof.repeated_touches))
    else:
        said.append("✓ " + say(language, "touches_once", touches=touches))
    return said


def lines_of_budget(budgets: Mapping[str, Kept], language: Language) -> list[str]:
    """Return whether the budget held on every day, a line a channel class."""
    said = []
    for kind, kept in budgets.items():
        facts = {
            "what": value_said("class", kind, language), "most": kept.most, "days": kept.days,
            "per_day": kept.per_day, "full": kept.full_days, "over": kept.over,
        }  # fmt: skip
        key, mark = ("budget_fails", "✗") if kept.over else ("budget_holds", "✓")
        said.append(f"{mark} {say(language, key, **facts)}")
    return said


def line_of_chance(earned: Earned, language: Language) -> str:
    """Return whether the effect, which is none in a log of the past, lies in the interval."""
    if earned.returns is None:
        return "· " + say(language, "chance_unknown")
    low, high = earned.returns.low, earned.returns.high
    holds = low <= 0 <= high
    key, mark = ("chance_holds", "✓") if holds else ("chance_fails", "!")
    return f"{mark} {say(language, key, low=signed(low), high=signed(high))}"


def lines_of_detection(found: Detection, rules: Rules, language: Language) -> Lines:
    """Return how good the alerts were, as titles and values."""
    precision = say(language, "precision")
    if found.precision is None or found.rule_precision is None or found.rule_days is None:
        return [(precision, say(language, "not_enough", days=rules.horizon_days))]
    beside = say(language, "beside", ours=f"{found.precision:.1%}", alerts=found.alerts,
                 days=found.rule_days, rule=f"{found.rule_precision:.1%}",
                 rule_alerts=found.rule_alerts)  # fmt: skip
    lines = [(precision, beside)]
    if found.days_earlier is not None and found.delay_days is not None:
        delay = say(language, "delay", earlier=found.days_earlier, delay=found.delay_days,
                    rule=found.rule_days)  # fmt: skip
        lines.append((say(language, "earlier"), delay))
    return lines


def lines_of_contact(ending: Ending, language: Language) -> Lines:
    """Return who was at risk, who was contacted and why, why others were not, what it earned."""
    summary, figures = ending.summary, ending.figures
    contacted = summary.fates.get(CONTACTED, 0)
    others = {name: count for name, count in summary.fates.items() if name != CONTACTED}
    reasons = next((found.groups for found in figures.divisions if found.by == "reason"), ())
    foremost = {group.value: group.touches for group in reasons}
    channels = _listed(
        summary.channels, lambda name: value_said("channel", name, language), COMMA.say(language)
    )
    closed = sum(summary.outcomes.values())
    return [
        (say(language, "at_risk_in_all"), say(
            language, "times", times=summary.at_risk, users=summary.users_at_risk,
            now=summary.at_risk_now)),
        (say(language, "contacted"), say(language, "contacted_times", times=contacted)),
        (say(language, "why_not"), _listed(others, lambda name: _fate(name, language))),
        *([(say(language, "fuse"), say(language, "fused", days=summary.fused_days))]
          if summary.fused_days else []),
        (say(language, "touches"), say(
            language, "touches_by", touches=summary.touches, channels=channels,
            revoked=summary.revoked, day_s=ending.day_s)),
        (say(language, "why"), _listed(
            foremost, lambda name: value_said("reason", name, language))),
        (say(language, "answers"), _listed(
            summary.answers, lambda name: _answer(name, language), COMMA.say(language))),
        (say(language, "returns"), say(
            language, "returned", returned=summary.outcomes.get("returned", 0), closed=closed)),
        (say(language, "effect"), effect_said(figures, language)),
    ]  # fmt: skip


def lines_of_run(ending: Ending, rules: Rules, language: Language) -> Lines:
    """Return how good alerts and model were, and how fast it went."""
    triggers = ending.summary.by_trigger
    by = say(language, "cases_by", cases=ending.summary.cases, risk=triggers.get("risk", 0),
             silence=triggers.get("silence", 0))  # fmt: skip
    return [
        (say(language, "cases"), by),
        *lines_of_detection(ending.summary.detection, rules, language),
        (say(language, "model"), learned(ending.model, language)),
        (say(language, "speed"), say(language, "paced", rate=round(ending.rate),
                                     seconds=ending.seconds)),
    ]  # fmt: skip


def lines_of_next(ending: Ending, rules_path: Path, language: Language) -> Lines:
    """Return where to look next, as commands and why."""
    log, folder = ending.log_path, ending.directory
    return [
        ((folder / REPORT).as_uri(), say(language, "next_report")),
        (f"less {folder / 'sender.txt'}", say(language, "next_touches")),
        (f"ls {folder}", say(language, "next_logs")),
        (f"less {rules_path}", say(language, "next_rules")),
        (f"winback backtest {log} --horizon-days 30", say(language, "next_backtest")),
        (
            f"winback explain {ending.summary.newest or 'USER'} {log} --rules {rules_path}",
            say(language, "next_explain"),
        ),
        ("winback kafka up && winback topics apply && winback run", say(language, "next_service")),
    ]


def print_ending(
    console: Console, ending: Ending, rules: Rules, rules_path: Path, language: Language
) -> None:
    """Print the last page."""

    def write(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    write(f"\n[bold]{say(language, 'proof')}[/bold]")
    for line in (
        *lines_of_proof(ending.proof, rules, ending.summary.touches, language),
        *lines_of_budget(ending.summary.budgets, language),
        line_of_chance(ending.figures.whole.earned, language),
    ):
        colour = COLOURS.get(line[0], "dim")
        write(f"  [{colour}]{escape(line)}[/{colour}]")
    for heading, lines in (
        ("loop", lines_of_contact(ending, language)),
        ("run", lines_of_run(ending, rules, language)),
    ):
        write(f"\n[bold]{say(language, heading)}[/bold]")
        for title, value in lines:
            first, *others = value.split("\n")
            write(f"  [dim]{escape(title)}[/dim]  {escape(first)}")
            for other in others:
                write(f"  {' ' * cell_len(title)}  {escape(other)}")
    write(f"\n[bold]{say(language, 'next')}[/bold]")
    for command, why in lines_of_next(ending, rules_path, language):
        write(f"  [cyan]{escape(command)}[/cyan]  [dim]# {escape(why)}[/dim]")


def _listed(counts: Mapping[str, int], name: Callable[[str], str], between: str = "\n") -> str:
    """Return counts with their names, the largest first."""
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return between.join(f"{count:,} {name(code)}" for code, count in found if count) or "–"


def _fate(name: str, language: Language) -> str:
    """Return why nobody was contacted, in words."""
    key = f"fate_{name}"
    return say(language, key) if key in TEXTS else ruling_said(name, language)


def _answer(name: str, language: Language) -> str:
    """Return what became of a touch in words; an outcome that is new to us stays as it is."""
    key = f"answer_{name}"
    return say(language, key) if key in TEXTS else name
