"""Why users leave: foremost reasons and complaints, over time, by source and cohort."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from streams.console.views.asked import Book
from streams.core.playbook import INSTANT

DIMENSIONS: Final = {
    "source": "c.source", "cohort": "COALESCE(u.cohort, '')", "tier": "c.tier",
    "trigger": "c.trigger",
}  # fmt: skip
"""What reasons are split by."""
ROWS_MAX: Final = 12


class OverTime(msgspec.Struct, frozen=True):
    """Cases opened on a day, or in a week, by code."""

    day: str
    cases: dict[str, int]


class Row(msgspec.Struct, frozen=True):
    """A value of a dimension, and how often each reason was the foremost one with it."""

    value: str
    cases: int
    reasons: dict[str, int]
    loss: int


class Leaving(msgspec.Struct, frozen=True):
    """The page.

    Attributes:
        cases: Opened in the period.
        loss: Expected with them, minor units.
        reasons: Code to cases, most frequent first.
        over_time: Reasons by day or week.
        complaints: Complaints, refunds, cancellations by day or week.
        by: Dimension of the table.
        rows: Of the table.
        rest: Values that are not shown.
        is_weekly: Whether days are weeks.
    """

    cases: int
    loss: int
    reasons: dict[str, int]
    over_time: tuple[OverTime, ...]
    complaints: tuple[OverTime, ...]
    by: str
    rows: tuple[Row, ...]
    rest: int
    is_weekly: bool


def leaving(book: Book, days: int, by: str = "source") -> Leaving:
    """Return the page, of a period."""
    since_ms = book.since_ms(days)
    is_weekly = days > 31  # noqa: PLR2004 (more bars than that are a comb)
    step_ms = (7 if is_weekly else 1) * 86_400_000
    reasons: Counter[str] = Counter()
    over_time: defaultdict[int, Counter[str]] = defaultdict(Counter)
    complaints: defaultdict[int, Counter[str]] = defaultdict(Counter)
    cases = loss = 0
    for step, reason, trigger, count, lost in book.db.execute(
        "SELECT opened_ms / ?, reason, trigger, count(*), sum(loss) FROM cases WHERE opened_ms > ? "
        "GROUP BY 1, 2, 3", (step_ms, since_ms),
    ):  # fmt: skip
        cases, loss = cases + count, loss + lost
        reasons[reason] += count
        over_time[step][reason] += count
        if trigger in INSTANT:
            complaints[step][trigger] += count
    steps = range(min(over_time, default=0), max(over_time, default=-1) + 1)
    rows = _rows(book, since_ms, by)
    return Leaving(
        cases=cases,
        loss=loss,
        reasons=dict(reasons.most_common()),
        over_time=tuple(OverTime(_day(step * step_ms), dict(over_time[step])) for step in steps),
        complaints=tuple(OverTime(_day(step * step_ms), dict(complaints[step])) for step in steps)
        if complaints else (),
        by=by,
        rows=rows[:ROWS_MAX],
        rest=max(0, len(rows) - ROWS_MAX),
        is_weekly=is_weekly,
    )  # fmt: skip


def exported(book: Book, days: int) -> Iterator[tuple[str, ...]]:
    """Yield rows for product teams: no user, but day, reason, trigger, source, cohort, counts."""
    query = (
        "SELECT date(c.opened_ms / 1000, 'unixepoch'), c.reason, c.trigger, c.source, "
        "COALESCE(u.cohort, ''), c.tier, count(*), sum(c.loss) FROM cases c "
        "LEFT JOIN users u ON u.user_id = c.user_id WHERE c.opened_ms > ? "
        "GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"
    )
    for row in book.db.execute(query, (book.since_ms(days),)):
        yield tuple(map(str, row))


def _rows(book: Book, since_ms: int, by: str) -> tuple[Row, ...]:
    column = DIMENSIONS[by]
    join = "LEFT JOIN users u ON u.user_id = c.user_id" if by == "cohort" else ""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    losses: Counter[str] = Counter()
    for value, reason, count, lost in book.db.execute(
        f"SELECT {column}, c.reason, count(*), sum(c.loss) FROM cases c {join} "  # noqa: S608
        "WHERE c.opened_ms > ? GROUP BY 1, 2", (since_ms,),
    ):  # fmt: skip
        found[value][reason] += count
        losses[value] += lost
    rows = [Row(value, by_reason.total(), dict(by_reason), losses[value])
            for value, by_reason in found.items()]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-row.cases, row.value)))


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()
