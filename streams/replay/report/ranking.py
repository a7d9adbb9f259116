"""Does it rank well: over all, over time, and for those who can contact so many at a time."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.prequential import auc
from streams.core.time import DAY_MS
from streams.replay.report.estimates import (
    EACH_MIN,
    Estimate,
    Graded,
    auc_error,
    estimated,
    says_something,
    share,
)
from streams.replay.report.past import Past

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

SPANS_DAYS: Final = (1, 7, 14, 30, 91, 182, 365)
PERIODS_MAX: Final = 26
"""More periods cannot be read in a chart."""
ROWS_WITHIN: Final = 30
"""Questions of one time that ranking among them needs."""
TOP: Final = 0.1
UNITS: Final = (
    ("day", 1, 1_000), ("week", 7, 20), ("month", 30, 20), ("quarter", 91, 20), ("year", 365, 1),
)  # fmt: skip
"""Units in which a budget is counted, their days, and how many customers must be looked at in one;
fewer, and the next is taken."""
BUDGETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
BUDGETS_SHOWN: Final = 6
SHARE_MAX: Final = 0.4
"""A budget for more of the customers than that needs no ranking."""


class Period(msgspec.Struct, frozen=True):
    """Questions of one time.

    Attributes:
        from_ms: When it begins, epoch ms UTC.
        to_ms: When it ends.
        asked: Questions.
        left: Share of them that left.
        auc: Ranking among them, None where there are too few of either kind.
    """

    from_ms: float
    to_ms: float
    asked: int
    left: float
    auc: Estimate | None


class Budget(msgspec.Struct, frozen=True):
    """What becomes of a budget of contacts.

    Attributes:
        contacts: Per unit of time.
        of: Share of those looked at.
        contacted: In all.
        leavers: Of them, who left.
        precision: Leavers per contact.
        lift: The same beside contacts by chance.
        found: Share of all leavers that was contacted.
        by_silence: Precision when the longest silent are contacted instead.
    """

    contacts: int
    of: float
    contacted: int
    leavers: int
    precision: Estimate
    lift: float
    found: float
    by_silence: float


class Ranking(msgspec.Struct, frozen=True):
    """How well users are ranked.

    Attributes:
        cannot_say: Why there are no figures; empty if there are.
        asked: Questions whose answer is in the log.
        users: Different users in them.
        left: Share that left.
        auc: Of what was in force, with its interval.
        auc_within: Mean AUC among those asked about at the same time.
        ap: Average precision.
        precision_top: Share that left, of the tenth with the highest risk.
        brier: Mean squared error.
        auc_silence: AUC of silence alone.
        top_silence: Share that left of the tenth that was silent for longest.
        periods: The same over time.
        unit: Of the budgets.
        per_unit: Customers looked at per unit of time.
        budgets: What so many contacts per unit find.
    """

    cannot_say: str = ""
    asked: int = 0
    users: int = 0
    left: float | None = None
    auc: Estimate | None = None
    auc_within: float | None = None
    ap: Estimate | None = None
    precision_top: Estimate | None = None
    brier: Estimate | None = None
    auc_silence: float | None = None
    top_silence: float | None = None
    periods: tuple[Period, ...] = ()
    unit: str = ""
    per_unit: float = 0.0
    budgets: tuple[Budget, ...] = ()


def ranking(past: Past, horizon_ms: float) -> Ranking:
    """Return how well what was in force ranked."""
    asked = past.asked
    gone = int(np.count_nonzero(past.left))
    if not says_something(past.left):
        return Ranking(
            cannot_say=too_few(asked, gone),
            asked=asked,
            users=len(np.unique(past.people.users)),
            left=gone / asked if asked else None,
            periods=periods(past),
        )
    graded, silent = Graded(past.said, past.left), Graded(past.silence, past.left)
    found = estimated(
        past.people.users,
        {
            "auc": graded.auc,
            "ap": graded.ap,
            "brier": graded.brier,
            "top": lambda weight: graded.at_top(TOP, weight),
        },
    )
    everybody = np.ones(asked)
    unit, span_days = unit_of(past)
    return Ranking(
        asked=asked,
        users=len(np.unique(past.people.users)),
        left=gone / asked,
        auc=found["auc"],
        auc_within=auc_within(past.said, past.left, past.spans(horizon_ms / 4)),
        ap=found["ap"],
        precision_top=found["top"],
        brier=found["brier"],
        auc_silence=silent.auc(everybody),
        top_silence=silent.at_top(TOP, everybody),
        periods=periods(past),
        unit=unit,
        per_unit=asked / max(span_of(past) / (span_days * DAY_MS), 1.0),
        budgets=budgets(past, span_days * DAY_MS),
    )


def too_few(asked: int, gone: int) -> str:
    """Return why so many questions, of which so many were answered with yes, say nothing."""
    if not asked:
        return (
            "no customer was active on enough days and then watched for a whole horizon: the log "
            "is too short, or too few come back"
        )
    if not gone:
        return f"nobody of {asked:,} left"
    if gone == asked:
        return f"all of {asked:,} left"
    return (
        f"of {asked:,} looks at customers {gone:,} were followed by leaving and {asked - gone:,} "
        f"by staying; at least {EACH_MIN} of each are needed"
    )


def span_of(past: Past) -> float:
    """Return the time from the first question to the last, ms."""
    at_ms = past.people.at_ms
    return float(at_ms[-1] - at_ms[0]) if len(at_ms) else 0.0


def period_days(span_ms: float) -> int:
    """Return how long a period should be, so that a chart of them can be read."""
    fits = (days for days in SPANS_DAYS if span_ms <= days * DAY_MS * PERIODS_MAX)
    return next(fits, SPANS_DAYS[-1])


def periods(past: Past) -> tuple[Period, ...]:
    """Return ranking and share of leavers over time; periods without a question are left out."""
    if not past.asked:
        return ()
    span_ms = period_days(span_of(past)) * DAY_MS
    numbers = past.spans(span_ms)
    begin = float(past.people.at_ms[0])
    return tuple(
        _period(begin + number * span_ms, span_ms, past.said[pick], past.left[pick])
        for number, pick in _each(numbers)
    )


def _each(numbers: NDArray[np.intp]) -> list[tuple[int, slice]]:
    """Return the runs of equal numbers in a sorted array."""
    if not len(numbers):
        return []
    found, starts = np.unique(numbers, return_index=True)
    ends = np.append(starts[1:], len(numbers))
    return [
        (int(number), slice(int(start), int(end)))
        for number, start, end in zip(found, starts, ends, strict=True)
    ]


def _period(from_ms: float, span_ms: float, said: F64, left: Flags) -> Period:
    return Period(from_ms, from_ms + span_ms, len(left), float(left.mean()), auc_of(said, left))


def auc_of(said: F64, left: Flags) -> Estimate | None:
    """Return an AUC with the interval of independent outcomes, None of too few."""
    found = auc(said, left) if says_something(left) else None
    if found is None:
        return None
    gone = int(np.count_nonzero(left))
    reach = 1.96 * auc_error(found, gone, len(left) - gone)
    return Estimate(found, max(found - reach, 0.0), min(found + reach, 1.0))


def auc_within(said: F64, left: Flags, numbers: NDArray[np.intp]) -> float | None:
    """Return the mean AUC among those of the same period (numbers sorted), weighted by rows."""
    total, rows = 0.0, 0
    for _, pick in _each(numbers):
        count = pick.stop - pick.start
        found = auc(said[pick], left[pick]) if count >= ROWS_WITHIN else None
        if found is not None:
            total += found * count
            rows += count
    return total / rows if rows else None


def unit_of(past: Past) -> tuple[str, int]:
    """Return the unit of time in which a budget is counted, and its days."""
    per_day = past.asked / max(span_of(past) / DAY_MS, 1.0)
    fits = ((unit, days) for unit, days, least in UNITS if per_day * days >= least)
    return next(fits, UNITS[-1][:2])


def budgets(past: Past, unit_ms: float) -> tuple[Budget, ...]:
    """Return what the contacts of a budget find: in each unit of time, those at highest risk."""
    each = _each(past.spans(unit_ms))
    per_unit = past.asked / max(len(each), 1)
    sizes = [size for size in BUDGETS if size <= SHARE_MAX * per_unit][-BUDGETS_SHOWN:]
    hits = {name: _hits(said, past.left, each) for name, said in _rankings(past).items()}
    base, gone = float(past.left.mean()), int(np.count_nonzero(past.left))
    out = []
    for size in sizes:
        leavers, contacted = _sum(hits["said"], size)
        precision = share(leavers, contacted)
        if precision is None or not gone:
            continue
        by_silence, _ = _sum(hits["silence"], size)
        out.append(
            Budget(
                contacts=size,
                of=contacted / past.asked,
                contacted=contacted,
                leavers=leavers,
                precision=precision,
                lift=precision.value / base,
                found=leavers / gone,
                by_silence=by_silence / contacted,
            )
        )
    return tuple(out)


def _rankings(past: Past) -> dict[str, F64]:
    return {"said": past.said, "silence": past.silence}


def _hits(said: F64, left: Flags, each: list[tuple[int, slice]]) -> list[NDArray[np.intp]]:
    """Return per unit of time how many left among the first 1, 2, … by a ranking."""
    return [
        np.cumsum(left[pick][np.argsort(-said[pick], kind="stable")], dtype=np.intp)
        for _, pick in each
    ]


def _sum(hits: list[NDArray[np.intp]], size: int) -> tuple[int, int]:
    """Return leavers and contacts of a budget."""
    leavers = sum(int(found[min(size, len(found)) - 1]) for found in hits)
    return leavers, sum(min(size, len(found)) for found in hits)
