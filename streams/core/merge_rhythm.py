"""The numbers of two ids that are one person, as close as can be to what one id would have had.

Exact are what adds up or is an extreme: events, net value, first and last activity, decayed sums
(but for rounding), slots. What depends on the order of all activities is not kept per activity, so
it is put together as if one id had been used after the other; where that is so, and no day was
shared, active days and the number of gaps are exact as well. Means of gaps are weighed by how many
gaps count in them, the histogram fades as if the later id's gaps had followed the earlier one's.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.features import GAP_EDGES, GAP_LEAST, SLOTS_KEPT, SLOTS_PER_HORIZON, Rhythm
from streams.core.rhythm import DAY_RATE_LEAST, GAP_FADE, GAP_RATE_LEAST
from streams.core.rules import Churn
from streams.core.state import LIVE_WIDTH, Column
from streams.core.time import DAY_MS

HALF_LIVES: Final = {  # In horizons.
    Rhythm.EVENTS_30TH: 1 / 30,
    Rhythm.EVENTS_8: 8,
    Rhythm.AMOUNT_1: 1,
    Rhythm.AMOUNT_4: 4,
    Rhythm.KIND0: 1,
    Rhythm.KIND1: 1,
    Rhythm.KIND2: 1,
    Rhythm.KIND3: 1,
    Rhythm.KIND4: 1,
    Rhythm.KIND5: 1,
    Column.VALUE_DECAYED: 4,
}
DAY_HALF_LIVES: Final = {
    Rhythm.DAYS_30TH: 1 / 30,
    Rhythm.DAYS_10TH: 1 / 10,
    Rhythm.DAYS_HALF: 1 / 2,
    Rhythm.DAYS_1: 1,
    Rhythm.DAYS_2: 2,
    Rhythm.DAYS_4: 4,
    Rhythm.DAYS_8: 8,
}
GAPS_COUNT: Final = 1.0 / GAP_RATE_LEAST
DAYS_COUNT: Final = 1.0 / DAY_RATE_LEAST
"""So many gaps, and days, count in a running mean."""

_HISTOGRAM: Final = slice(Rhythm.GAP_0, Rhythm.GAP_6 + 1)
_MEANS: Final = (Rhythm.GAP_LOG_MEAN, Rhythm.GAP_LOG_SQUARE, Rhythm.GAP_MEAN)


def merged_rhythm(one: Sequence[float], other: Sequence[float], churn: Churn) -> list[float]:
    """Return the first `LIVE_WIDTH` numbers of a person with two ids.

    What depends on who is asked (traits, the pending example) is that of ``one``.

    Args:
        one: Head of the id under which the person is known.
        other: Head of the id that is given up.
        churn: What a horizon is.
    """
    earlier, later = (one, other) if one[Rhythm.LAST] <= other[Rhythm.LAST] else (other, one)
    if not earlier[Column.EVENTS] or not later[Column.EVENTS]:
        made = list((later if later[Column.EVENTS] else earlier)[:LIVE_WIDTH])
        made[Column.VALUE_DECAYED] = one[Column.VALUE_DECAYED] + other[Column.VALUE_DECAYED]
    else:
        made = _joined(earlier, later, churn)
    made[Column.EVENTS] = one[Column.EVENTS] + other[Column.EVENTS]
    made[Column.VALUE_NET] = one[Column.VALUE_NET] + other[Column.VALUE_NET]
    for column in (Rhythm.TRAITS, Rhythm.TRAITS_AT, Column.FROZEN_AT):
        made[column] = one[column]
    made[Column.SCORED_AT] = max(one[Column.SCORED_AT], other[Column.SCORED_AT])
    return made


def _joined(earlier: Sequence[float], later: Sequence[float], churn: Churn) -> list[float]:
    """Return the numbers of two ids that were both used; ``later`` was used last."""
    made = list(later[:LIVE_WIDTH])
    since, horizon = later[Rhythm.LAST] - earlier[Rhythm.LAST], float(churn.horizon_ms)
    is_same_day = later[Rhythm.LAST] // DAY_MS == earlier[Rhythm.LAST] // DAY_MS
    made[Rhythm.FIRST] = min(earlier[Rhythm.FIRST], later[Rhythm.FIRST])
    for column, half_life in HALF_LIVES.items():
        made[column] += earlier[column] * float(np.exp2(-since / (half_life * horizon)))
    for column, half_life in DAY_HALF_LIVES.items():
        decay = float(np.exp2(-since / (half_life * horizon)))
        twice = decay if is_same_day else 0.0
        was = earlier[column] * decay
        made[column] = max(later[column], was, later[column] + was - twice)
    days = earlier[Rhythm.ACTIVE_DAYS] + later[Rhythm.ACTIVE_DAYS] - is_same_day
    made[Rhythm.ACTIVE_DAYS] = min(
        days, made[Rhythm.LAST] // DAY_MS - made[Rhythm.FIRST] // DAY_MS + 1
    )
    slot_ms = horizon / SLOTS_PER_HORIZON
    passed = int(later[Rhythm.LAST] // slot_ms - earlier[Rhythm.LAST] // slot_ms)
    slots = int(earlier[Rhythm.SLOTS]) << passed if passed < SLOTS_KEPT else 0
    made[Rhythm.SLOTS] = float((int(later[Rhythm.SLOTS]) | slots) & ((1 << SLOTS_KEPT) - 1))
    _join_gaps(made, earlier, later, float(churn.period_ms))
    _join_days(made, earlier, later, is_same_day=is_same_day)
    return made


def _join_gaps(
    made: list[float], earlier: Sequence[float], later: Sequence[float], unit_ms: float
) -> None:
    """Put the gaps together, with the one between two ids of which one was used after the other."""
    gap_ms = later[Rhythm.FIRST] - earlier[Rhythm.LAST]
    is_between = later[Rhythm.FIRST] // DAY_MS > earlier[Rhythm.LAST] // DAY_MS
    weights = [min(earlier[Rhythm.GAPS], GAPS_COUNT), min(later[Rhythm.GAPS], GAPS_COUNT)]
    gap = max(gap_ms / unit_ms, GAP_LEAST)
    log_gap = float(np.log(gap))
    for column, between in zip(_MEANS, (log_gap, log_gap * log_gap, gap), strict=True):
        said = [earlier[column], later[column], between]
        made[column] = _weighed(said, [*weights, float(is_between)], later[column])
    after = int(min(later[Rhythm.GAPS], 1_000.0))
    fade = GAP_FADE**after
    if is_between:
        fade *= GAP_FADE
    histogram = [
        was * fade + now for was, now in zip(earlier[_HISTOGRAM], later[_HISTOGRAM], strict=True)
    ]
    if is_between:
        histogram[int(np.searchsorted(GAP_EDGES, gap, side="right"))] += GAP_FADE**after
    made[_HISTOGRAM] = histogram
    made[Rhythm.GAPS] = earlier[Rhythm.GAPS] + later[Rhythm.GAPS] + is_between


def _join_days(
    made: list[float], earlier: Sequence[float], later: Sequence[float], *, is_same_day: bool
) -> None:
    """Put together how many events a day has."""
    weights = [
        min(max(each[Rhythm.ACTIVE_DAYS] - 1.0, 0.0), DAYS_COUNT) for each in (earlier, later)
    ]
    said = [earlier[Rhythm.DAY_LOG_MEAN], later[Rhythm.DAY_LOG_MEAN]]
    if is_same_day:
        made[Rhythm.DAY_EVENTS] = earlier[Rhythm.DAY_EVENTS] + later[Rhythm.DAY_EVENTS]
    else:  # The last day of the earlier one is over.
        weights.append(1.0)
        said.append(float(np.log1p(earlier[Rhythm.DAY_EVENTS])))
    made[Rhythm.DAY_LOG_MEAN] = _weighed(said, weights, later[Rhythm.DAY_LOG_MEAN])


def _weighed(said: Sequence[float], weights: Sequence[float], default: float) -> float:
    """Return a weighed mean; the default where nothing weighs."""
    total = sum(weights)
    if not total:
        return default
    return sum(each * weight for each, weight in zip(said, weights, strict=True)) / total
