"""Slow twins of a report's figures: one pair, one silence, one week at a time, in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_MS = 86_400_000


def auc(said: Sequence[float], left: Sequence[bool], weight: Sequence[float]) -> float:
    """Return the share of weighted pairs in the right order, ties by half."""
    right = total = 0.0
    for p, is_left, w in zip(said, left, weight, strict=True):
        for q, is_other, v in zip(said, left, weight, strict=True):
            if is_left and not is_other:
                total += w * v
                right += w * v * (1.0 if p > q else 0.5 if p == q else 0.0)
    return right / total


def average_precision(
    said: Sequence[float], left: Sequence[bool], weight: Sequence[float]
) -> float:
    """Return the precision at each leaver, where equal scores come together."""
    rows = list(zip(said, left, weight, strict=True))
    total = sum(w for _, is_left, w in rows if is_left)
    found = 0.0
    for p, is_left, w in rows:
        if is_left and w:
            above = [(other, v) for q, other, v in rows if q >= p]
            precision = sum(v for other, v in above if other) / sum(v for _, v in above)
            found += w * precision
    return found / total


class Silence(NamedTuple):
    """A silence: whose, from when, how long, and active days at its begin."""

    user: int
    start_ms: float
    length_ms: float
    active_days: int


def silences(events: Sequence[tuple[int, int]]) -> list[Silence]:
    """Return the silences between events (user, instant), in order of user and time."""
    found = []
    for user in sorted({user for user, _ in events}):
        times = sorted(at_ms for whose, at_ms in events if whose == user)
        days: set[int] = set()
        for place, at_ms in enumerate(times):
            days.add(at_ms // DAY_MS)
            following = times[place + 1] if place + 1 < len(times) else float("inf")
            found.append(Silence(user, at_ms, following - at_ms, len(days)))
    return found


def budget(
    said: Sequence[float], left: Sequence[bool], periods: Sequence[int], size: int
) -> tuple[int, int]:
    """Return leavers and contacts when in each period the highest so many are contacted."""
    leavers = contacted = 0
    for period in sorted(set(periods)):
        rows = [row for row, number in enumerate(periods) if number == period]
        chosen = sorted(rows, key=lambda row: -said[row])[:size]
        leavers += sum(left[row] for row in chosen)
        contacted += len(chosen)
    return leavers, contacted
