"""The report on a terminal: what an operations lead needs first, in a screenful."""

import re
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.replay.report import numbers, words
from streams.replay.report.facts import Facts
from streams.replay.report.figures import Figures
from streams.replay.report.lead import Earlier, Quality

WIDTH_MOST: Final = 100
"""Columns, also when the output is no terminal; longer lines are hard to read."""


def shown(found: Figures, facts: Facts) -> str:
    """Return a report as text for people, in colour on a terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = min(console.width if console.is_terminal else WIDTH_MOST, WIDTH_MOST)
    with console.capture() as capture:
        if found.control is not None:
            style = "bold red" if found.control.is_sound is False else "bold"
            console.print(Text(words.control_said(found) + "\n", style=style))
        for sentence in words.three_sentences(found, facts):
            console.print(sentence)
        if caution := words.caution(found, facts):
            console.print(Text(caution, style="yellow"))
        console.print(_titled("alerts", _alerts(found)))
        console.print(_titled("ranking and belief", _quality(found)))
        console.print(_titled(*_models(found)))
        if found.comparison is not None:
            console.print(_titled("beside batch jobs", _compared(found)))
        console.print(_titled("model", Text(_standing(found, facts))))
    lines = "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)


def _titled(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 1)))


def _table(*columns: str) -> Table:
    """Return an empty table; the first column is words, all others numbers."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(Text(column), justify="right" if place else "left", no_wrap=bool(place))
    return table


def _cannot(why: str) -> Text:
    return Text(f"cannot say, because {why}")


def _alerts(found: Figures) -> RenderableType:
    lead = found.lead
    if lead.cannot_say or (lead.sent is None and not lead.rules):
        return _cannot(lead.cannot_say or "no alert was sent whose outcome is in the log")
    table = _table(
        "", "alerts", "right", "leavers\nreached", "silent for\n(median)", "earlier than\nthe rule"
    )
    if lead.sent is not None:
        sent = lead.sent
        table.add_row(
            "as sent", f"{sent.project.alerts:,}",
            _right(sent.project),
            numbers.percent(sent.project.recall),
            "–" if sent.delay_days is None else numbers.days(sent.delay_days),
            f"{_ahead(sent.earlier)} ({numbers.days(sent.rule_days)})",
            style="bold",
        )  # fmt: skip
    for rule in words.shown_rules(found):
        middle = rule.delays_days[10] if rule.delays_days else None
        table.add_row(
            f"as many as “silent > {numbers.days(rule.days)}”", f"{rule.project.alerts:,}",
            _right(rule.project),
            numbers.percent(rule.project.recall),
            "–" if middle is None else numbers.days(middle),
            _ahead(rule.earlier),
        )  # fmt: skip
    return table


def _right(quality: Quality) -> str:
    return numbers.percent(None if quality.precision is None else quality.precision.value)


def _ahead(earlier: Earlier | None) -> str:
    return "–" if earlier is None else f"{earlier.median:+.1f} days"


def _quality(found: Figures) -> RenderableType:
    ranking, belief = found.ranking, found.belief
    if ranking.auc is None:
        return _cannot(ranking.cannot_say)
    table = _table("", "winback", "beside")
    table.add_row(
        "AUC (95 %)", numbers.interval(ranking.auc), f"silence alone {ranking.auc_silence:.3f}"
    )
    table.add_row(
        "average precision", numbers.interval(ranking.ap), f"by chance {ranking.left:.3f}"
    )
    table.add_row(
        "right in the tenth at highest risk", numbers.interval(ranking.precision_top),
        f"silence alone {ranking.top_silence:.3f}",
    )  # fmt: skip
    table.add_row("Brier score", numbers.interval(ranking.brier, 4), "")
    if belief.ece is not None:
        table.add_row(
            "calibration error (ECE)", f"{belief.ece:.4f}", f"floor {belief.ece_floor:.4f}"
        )
    return table


def _models(found: Figures) -> tuple[str, RenderableType]:
    models = found.models
    if models.cannot_say:
        return "models", _cannot(models.cannot_say)
    better = {each.name: each.advantage for each in found.report.models}
    table = _table("", "AUC", "AP", "Brier", "ECE", "Brier better than the champion's by")
    for model in models.models:
        ahead = better.get(model.name)
        table.add_row(
            model.name, f"{model.auc:.4f}", f"{model.ap:.4f}", f"{model.brier:.4f}",
            f"{model.ece:.4f}",
            "" if ahead is None else f"{ahead.mean:+.4f} [{ahead.low:+.4f}, {ahead.high:+.4f}]",
        )  # fmt: skip
    return f"models, on the same {models.asked:,} questions", table


def _compared(found: Figures) -> RenderableType:
    comparison = found.comparison
    assert comparison is not None
    if comparison.cannot_say:
        return _cannot(comparison.cannot_say)
    table = _table("", "AUC", "same time", "AP", "Brier", "ECE", "AUC of winback ahead by (95 %)")
    for one in comparison.opponents:
        ahead = one.ahead.get("auc")
        table.add_row(
            one.name, f"{one.auc:.4f}", _four(one.auc_within), f"{one.ap:.4f}", _four(one.brier),
            _four(one.ece),
            "" if ahead is None else f"{ahead.value:+.4f} [{ahead.low:+.4f}, {ahead.high:+.4f}]",
        )  # fmt: skip
    return Group(table, Text(words.compared_said(comparison)))


def _four(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _standing(found: Figures, facts: Facts) -> str:
    report = found.report
    standing = [
        f"{report.champion} in force ({report.phase}), {report.examples:,} examples learned",
        "calibration in force" if found.drift.entries and found.drift.entries[-1].is_calibrated
        else "calibration not in force",
    ]  # fmt: skip
    lines = ["; ".join(standing)]
    lines += [
        f"{numbers.date(each.at_ms)}: {each.name} instead of {each.over}: {each.why}"
        for each in report.promotions
    ] or ["no promotion: no challenger was better for certain"]
    names = sorted({name for entry in found.drift.entries for name in entry.alarms})
    standing_now = sorted(alarm.name for alarm in report.alarms)
    if names:
        now = ", ".join(standing_now) or "none"
        lines.append(f"alarms on the way: {', '.join(names)}; at the end: {now}")
    else:
        lines.append("no alarm")
    lines.append(
        f"{facts.events:,} events of {numbers.customers(facts.users)} up to "
        f"{numbers.date(facts.last_ms)} in {facts.seconds:g} s"
    )
    return "\n".join(lines)
