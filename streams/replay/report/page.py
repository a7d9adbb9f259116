"""The report as one HTML file that needs nothing else: no network, no script to be read."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from streams.core.reasons import TEXTS
from streams.pages.render import rendered
from streams.replay.report import charts, charts_of_models, numbers, words
from streams.replay.report.facts import Facts
from streams.replay.report.figures import Figures
from streams.replay.report.limits import limits

TEMPLATE: Final = "page.html.j2"


def page(found: Figures, facts: Facts) -> str:
    """Return the report."""
    return rendered(
        __package__,
        TEMPLATE,
        filters={
            "percent": numbers.percent, "number": numbers.number, "of_100": numbers.of_100,
            "days": numbers.days, "date": numbers.date, "interval": numbers.interval,
        },
        pictures={name: draw() for name, draw in _charts(found, facts).items()},
        f=found,
        facts=facts,
        said=_said(found, facts),
        limits=limits(found, facts),
        reasons=TEXTS,
        tiles=_tiles(found, facts),
    )  # fmt: skip


def _charts(found: Figures, facts: Facts) -> dict[str, Callable[[], str]]:
    """Return the pictures that can be drawn, by name."""
    drawable: dict[str, tuple[bool, Callable[[], str]]] = {
        "lead": (
            not found.lead.cannot_say and bool(found.lead.rules or found.lead.sent),
            partial(charts.lead_chart, found),
        ),
        "periods": (bool(found.ranking.periods), partial(charts.periods_chart, found.ranking)),
        "belief": (bool(found.belief.bins), partial(charts.belief_chart, found)),
        "budgets": (bool(found.ranking.budgets), partial(charts.budget_chart, found.ranking)),
        "drivers": (
            any(driver.first > 0 for driver in found.drivers), partial(charts.drivers_chart, found)
        ),
        "drift": (not found.drift.cannot_say, partial(charts_of_models.drift_chart, found)),
        "models": (bool(found.models.models), partial(charts_of_models.models_chart, found)),
        "phases": (
            bool(found.drift.entries),
            partial(charts_of_models.phases_chart, found, facts.first_ms, facts.last_ms),
        ),
        "comparison": (
            found.comparison is not None and not found.comparison.cannot_say,
            partial(charts_of_models.comparison_chart, found),
        ),
    }  # fmt: skip
    return {name: draw for name, (can, draw) in drawable.items() if can}


def _said(found: Figures, facts: Facts) -> dict[str, Any]:
    said: dict[str, Any] = {
        "three": words.three_sentences(found, facts),
        "ranking": words.ranking_said(found.ranking),
        "belief": words.belief_said(found),
        "lead": words.lead_said(found),
        "sent": words.sent_said(found, facts),
        "caution": words.caution(found, facts),
        "budget": words.budget_said(found.ranking),
    }
    if found.comparison is not None:
        said["comparison"] = words.compared_said(found.comparison)
    if found.control is not None:
        said["control"] = words.control_said(found)
    return said


def _tiles(found: Figures, facts: Facts) -> list[tuple[str, str, str, str]]:
    """Return the numbers that come first: number, its name in two languages, beside what."""
    tiles: list[tuple[str, str, str, str]] = []
    sent = found.lead.sent
    if sent is not None and sent.project.precision is not None:
        tiles.append((numbers.number(sent.per_week), "alerts a week", "每周预警", ""))
        tiles.append((
            f"{sent.project.precision.value * 100:.0f}<small> of 100</small>",
            "alerts are right", "条预警正确", "",
        ))  # fmt: skip
        if sent.project.recall is not None:
            tiles.append((
                f"{sent.project.recall * 100:.0f}<small> of 100</small>",
                "leavers are alerted", "位流失客户被预警", "",
            ))  # fmt: skip
        if sent.delay_days is not None:
            tiles.append((
                numbers.days(facts.horizon_days - sent.delay_days),
                "left to act (median)", "留给挽回的时间（中位数）", "",
            ))  # fmt: skip
    if found.ranking.auc is not None and found.ranking.auc_silence is not None:
        tiles.append((
            f"{found.ranking.auc.value * 100:.0f}<small> of 100</small>",
            "pairs ranked right", "对客户排序正确",
            f"silence alone: {found.ranking.auc_silence * 100:.0f}",
        ))  # fmt: skip
    return tiles
