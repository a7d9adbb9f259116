"""Slow twin of the silences of ``winback define``: event by event, in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_MS: Final = 86_400_000
Event = tuple[str, int]
"""User and instant in epoch ms."""


class Silence:
    """What follows an event of a user until the next one."""

    def __init__(self, at_ms: int, next_ms: float, active_days: int) -> None:
        self.at_ms, self.next_ms, self.active_days = at_ms, next_ms, active_days
        self.length_ms = next_ms - at_ms


def silences(events: Sequence[Event]) -> list[Silence]:
    """Return one silence per event, however short."""
    times: defaultdict[str, list[int]] = defaultdict(list)
    for user, at_ms in events:
        times[user].append(at_ms)
    found = []
    for own in times.values():
        for place, at_ms in enumerate(own):
            next_ms = own[place + 1] if place + 1 < len(own) else math.inf
            active_days = len({earlier // DAY_MS for earlier in own[: place + 1]})
            found.append(Silence(at_ms, next_ms, active_days))
    return found


def horizon(events: Sequence[Event], days: int, least: int) -> dict[str, object]:
    """Return what a horizon would mean."""
    h = days * DAY_MS
    begin, end = min(at for _, at in events), max(at for _, at in events)
    own = [silence for silence in silences(events) if silence.active_days >= least]
    reached = [s for s in own if s.length_ms >= h and s.at_ms + 2 * h <= end]
    known = [s for s in own if s.at_ms + h <= end]
    lost = [s for s in known if s.length_ms >= h]
    recent = end - min(365 * DAY_MS, (end - begin) // 2)
    watched_ms = present_ms = leaving_ms = 0.0
    for s in own:
        quiet = min(s.next_ms, s.at_ms + h)
        watched_ms += inside(s.at_ms, quiet, recent, end)
        present_ms += inside(s.at_ms, quiet, begin, end - h)
        leaving_ms += inside(s.at_ms, min(s.at_ms + h, s.next_ms - h), begin, end - h)
    alerts = [s.at_ms + 2 / 3 * h for s in own if s.length_ms >= 2 / 3 * h]
    return {
        "silences": len(reached),
        "back_soon": share([s.length_ms < 2 * h for s in reached]),
        "back_later": share([2 * h <= s.length_ms < math.inf for s in reached]),
        "not_back": share([s.length_ms == math.inf for s in reached]),
        "right_after": tuple(
            len(lost) / passed if (passed := sum(s.length_ms > part * h for s in known)) else None
            for part in (1 / 4, 1 / 2, 3 / 4)
        ),
        "users_watched": watched_ms / max(end - recent, 1),
        "leave": leaving_ms / present_ms if present_ms else None,
        "alerts_per_day": sum(recent <= at <= end for at in alerts) * DAY_MS / max(end - recent, 1),
    }


def usual_pause_days(events: Sequence[Event], least: int, wanted: Fraction) -> float | None:
    """Return the pause that so large a share of the returns keep to, every user weighing one."""
    times: defaultdict[str, list[int]] = defaultdict(list)
    for user, at_ms in events:
        times[user].append(at_ms)
    pauses: list[tuple[int, Fraction]] = []
    for own in times.values():
        gaps = [b - a for a, b in pairwise(own) if b // DAY_MS != a // DAY_MS]
        if gaps and len(gaps) + 1 >= least:
            pauses += [(gap, Fraction(1, len(gaps))) for gap in gaps]
    heap, whole = Fraction(0), sum(weight for _, weight in pauses)
    for gap, weight in sorted(pauses):
        heap += weight
        if heap >= wanted * whole:
            return gap / DAY_MS
    return None


def inside(begin: float, end: float, since: float, until: float) -> float:
    """Return how much of a span lies within another one."""
    return max(0.0, min(end, until) - max(begin, since))


def share(facts: Sequence[bool]) -> float | None:
    """Return the share of the true ones."""
    return sum(facts) / len(facts) if facts else None
