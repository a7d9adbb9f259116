"""Does it rank well: over all, over time, and for those who can contact so many at a time."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.prequential import auc
from streams.core.time import DAY_MS
from streams.replay.report.budgets import Budget, budgets, unit_of
from streams.replay.report.estimates import (
    EACH_MIN,
    Estimate,
    Graded,
    auc_error,
    estimated,
    says_something,
)
from streams.replay.report.past import Past, each_of

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

SPANS_DAYS: Final = (1, 7, 14, 30, 91, 182, 365)
PERIODS_MAX: Final = 26
"""More periods cannot be read in a chart."""
ROWS_WITHIN: Final = 30
"""Questions of one time that ranking among them needs."""
TOP: Final = 0.1


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
        per_unit=asked / max(past.span_ms / (span_days * DAY_MS), 1.0),
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


def period_days(span_ms: float) -> int:
    """Return how long a period should be, so that a chart of them can be read."""
    fits = (days for days in SPANS_DAYS if span_ms <= days * DAY_MS * PERIODS_MAX)
    return next(fits, SPANS_DAYS[-1])


def periods(past: Past) -> tuple[Period, ...]:
    """Return ranking and share of leavers over time; periods without a question are left out."""
    if not past.asked:
        return ()
    span_ms = period_days(past.span_ms) * DAY_MS
    numbers = past.spans(span_ms)
    begin = float(past.people.at_ms[0])
    return tuple(
        _period(begin + number * span_ms, span_ms, past.said[pick], past.left[pick])
        for number, pick in each_of(numbers)
    )


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
    for _, pick in each_of(numbers):
        count = pick.stop - pick.start
        found = auc(said[pick], left[pick]) if count >= ROWS_WITHIN else None
        if found is not None:
            total += found * count
            rows += count
    return total / rows if rows else None
