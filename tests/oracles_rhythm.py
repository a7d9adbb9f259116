"""Slow twin of the rhythm fold: one event into one user's numbers, in plain Python."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from models.features import Rhythm

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_MS: Final = 86_400_000
GAP_EDGES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
HALF_LIVES: Final = {  # Of the decayed columns, in horizons.
    Rhythm.DAYS_30TH: 1 / 30,
    Rhythm.DAYS_10TH: 1 / 10,
    Rhythm.DAYS_HALF: 1 / 2,
    Rhythm.DAYS_1: 1,
    Rhythm.DAYS_2: 2,
    Rhythm.DAYS_4: 4,
    Rhythm.DAYS_8: 8,
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
}
KINDS: Final = tuple(column for column in Rhythm if column.name.startswith("KIND"))
DAY_COLUMNS: Final = tuple(range(Rhythm.DAYS_30TH, Rhythm.DAYS_8 + 1))


def newcomer(at_ms: float) -> list[float]:
    """Return the numbers of a user before its first event at ``at_ms``."""
    head = [0.0] * len(Rhythm)
    head[Rhythm.FIRST] = head[Rhythm.LAST] = at_ms
    head[Rhythm.GAP_LOG_MEAN] = math.log(0.5)
    head[Rhythm.GAP_LOG_SQUARE] = math.log(0.5) ** 2 + 1.5
    head[Rhythm.GAP_MEAN] = 1.0
    return head


def fold_event(
    before: Sequence[float] | None,
    at_ms: float,
    horizon_ms: float,
    *,
    amount: float = 0.0,
    kind: int | None = None,
) -> list[float]:
    """Return the numbers after one event that is not older than the last one.

    Args:
        before: The 36 numbers, or None for a new user.
        at_ms: Event time, epoch ms UTC.
        horizon_ms: H, ms.
        amount: Whatever the event brought; negative counts as nothing.
        kind: 0 … 5 if the event is of a kind named in the rules.
    """
    head = newcomer(at_ms) if before is None else list(before)
    elapsed_ms = at_ms - head[Rhythm.LAST]
    for column, half_life in HALF_LIVES.items():
        head[column] *= 2 ** (-elapsed_ms / (half_life * horizon_ms))
    if before is None:
        head[Rhythm.ACTIVE_DAYS] = 1
        for column in DAY_COLUMNS:
            head[column] = 1.0
    elif at_ms // DAY_MS > head[Rhythm.LAST] // DAY_MS:
        begin_day(head, elapsed_ms / (horizon_ms / 4))
    head[Rhythm.DAY_EVENTS] += 1
    head[Rhythm.EVENTS_30TH] += 1
    head[Rhythm.EVENTS_8] += 1
    value = math.log1p(max(amount, 0.0))
    head[Rhythm.AMOUNT_1] += value
    head[Rhythm.AMOUNT_4] += value
    if kind is not None:
        head[KINDS[kind]] += 1
    slot_ms = horizon_ms / 32
    passed = int(at_ms // slot_ms - head[Rhythm.LAST] // slot_ms)
    head[Rhythm.SLOTS] = ((int(head[Rhythm.SLOTS]) << min(passed, 16)) & 0xFFFF) | 1
    head[Rhythm.LAST] = at_ms
    return head


def begin_day(head: list[float], silence: float) -> None:
    """Close the last active day and begin a new one after a silence in units of H/4."""
    completed = head[Rhythm.ACTIVE_DAYS]
    share = max(1 / completed, 0.1)
    today = math.log1p(head[Rhythm.DAY_EVENTS])
    head[Rhythm.DAY_LOG_MEAN] += share * (today - head[Rhythm.DAY_LOG_MEAN])
    head[Rhythm.DAY_EVENTS] = 0
    head[Rhythm.ACTIVE_DAYS] += 1
    for column in DAY_COLUMNS:
        head[column] += 1
    gap = max(silence, 0.02)
    head[Rhythm.GAPS] += 1
    share = max(1 / (head[Rhythm.GAPS] + 1), 0.07)
    log_gap = math.log(gap)
    head[Rhythm.GAP_LOG_MEAN] += share * (log_gap - head[Rhythm.GAP_LOG_MEAN])
    head[Rhythm.GAP_LOG_SQUARE] += share * (log_gap**2 - head[Rhythm.GAP_LOG_SQUARE])
    head[Rhythm.GAP_MEAN] += share * (gap - head[Rhythm.GAP_MEAN])
    for bin_ in range(7):
        head[Rhythm.GAP_0 + bin_] *= 0.97
    head[Rhythm.GAP_0 + bisect_right(GAP_EDGES, gap)] += 1
