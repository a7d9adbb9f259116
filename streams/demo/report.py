"""The last page of the demo: the proof, the run in numbers, and where to look next."""

from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape

from streams.core.rules import Rules
from streams.core.time import DAY_MS
from streams.demo.observed import Model
from streams.demo.proof import Proof
from streams.demo.summary import Arm, Detection, Summary
from streams.demo.view import learned
from streams.demo.wording import TEXTS, say
from streams.pages.wording import Language


class Ending(NamedTuple):
    """What is known when the curtain falls.

    Attributes:
        proof: Whether anything was lost or doubled.
        summary: The run in numbers.
        model: The last one.
        rate: Events per second that became durable, over the feed.
        seconds: From the start of the demo.
        directory: Logs and results.
        log_path: The log that was fed.
    """

    proof: Proof
    summary: Summary
    model: Model
    rate: float
    seconds: float
    directory: Path
    log_path: Path


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


def lines_of_detection(found: Detection, rules: Rules, language: Language) -> list[tuple[str, str]]:
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


def lines_of_run(ending: Ending, rules: Rules, language: Language) -> list[tuple[str, str]]:
    """Return the run in numbers, as titles and values."""
    summary = ending.summary
    triggers = summary.by_trigger
    by = say(language, "alerts_by", risk=triggers.get("risk", 0),
             silence=triggers.get("silence", 0))  # fmt: skip
    counted = sorted(summary.answers.items(), key=lambda found: -found[1])
    answers = ", ".join(f"{count:,} {_answer(name, language)}" for name, count in counted)
    arms = say(language, "arms", touched=_rate(summary.touched), held_out=_rate(summary.held_out),
               touched_cases=summary.touched.cases, held_out_cases=summary.held_out.cases,
               days=rules.churn.horizon_ms / DAY_MS)  # fmt: skip
    return [
        (say(language, "alerts"), f"{summary.alerts:,} ({by})"),
        *lines_of_detection(summary.detection, rules, language),
        (say(language, "touches"), f"{summary.touches:,}"),
        (say(language, "answers"), answers),
        (say(language, "came_back"), arms),
        (say(language, "model"), learned(ending.model, language)),
        (say(language, "speed"), say(language, "paced", rate=round(ending.rate),
                                     seconds=ending.seconds)),
    ]  # fmt: skip


def lines_of_next(ending: Ending, rules_path: Path, language: Language) -> list[tuple[str, str]]:
    """Return where to look next, as commands and why."""
    log, folder = ending.log_path, ending.directory
    return [
        (f"less {folder / 'sender.txt'}", say(language, "next_touches")),
        (f"ls {folder}", say(language, "next_logs")),
        (f"less {rules_path}", say(language, "next_rules")),
        (f"winback backtest {log} --horizon-days 30", say(language, "next_backtest")),
        (f"winback explain USER {log}", say(language, "next_explain")),
        ("winback kafka up && winback topics apply && winback run", say(language, "next_service")),
    ]


def print_ending(
    console: Console, ending: Ending, rules: Rules, rules_path: Path, language: Language
) -> None:
    """Print the last page."""

    def write(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    write(f"\n[bold]{say(language, 'proof')}[/bold]")
    for line in lines_of_proof(ending.proof, rules, ending.summary.touches, language):
        colour = "red" if "✗" in line else "green" if "✓" in line else "dim"
        write(f"  [{colour}]{escape(line)}[/{colour}]")
    write(f"\n[bold]{say(language, 'run')}[/bold]")
    for title, value in lines_of_run(ending, rules, language):
        write(f"  [dim]{escape(title)}[/dim]  {escape(value)}")
    write(f"\n[bold]{say(language, 'next')}[/bold]")
    for command, why in lines_of_next(ending, rules_path, language):
        write(f"  [cyan]{escape(command)}[/cyan]  [dim]# {escape(why)}[/dim]")


def _answer(name: str, language: Language) -> str:
    """Return what became of a touch in words; an outcome that is new to us stays as it is."""
    key = f"answer_{name}"
    return say(language, key) if key in TEXTS else name


def _rate(arm: Arm) -> str:
    return "–" if arm.rate is None else f"{arm.rate:.0%}"
