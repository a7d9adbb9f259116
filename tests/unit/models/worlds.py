"""Small worlds: users who come, go and sometimes change all at once, and what a learner sees."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from models.features import RHYTHM_WIDTH, features
from models.questions import Examples, Openings, Outcomes
from tests.oracles_rhythm import DAY_MS, fold_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HORIZON_MS: Final = 8 * DAY_MS
PERIOD_MS: Final = HORIZON_MS // 4
START_MS: Final = 1_500_000_000_000 // HORIZON_MS * HORIZON_MS

Rate = "Callable[[float, float], float]"
"""A user's own rate per day and the day to the rate it lives by then."""


class World(NamedTuple):
    """What the learner gets of a world, in no order."""

    examples: Examples
    openings: Openings
    outcomes: Outcomes


class _Seen(NamedTuple):
    heads: list[list[float]]
    users: list[int]
    opened_ms: list[float]
    active: list[bool]
    asked: list[bool]
    churned: list[bool]


def steady(own: float, _day: float) -> float:
    """Everybody lives on as before."""
    return own


@cache
def world(
    users: int, days: int, seed: int = 0, rate: Callable[[float, float], float] = steady
) -> World:
    """Return a world of users who begin at any time, come at a rate of their own, and stop."""
    rng = np.random.default_rng(seed)
    seen = _Seen([], [], [], [], [], [])
    for user in range(users):
        begins = rng.uniform(-0.2, 0.8) * days
        phase_ms = int(rng.integers(PERIOD_MS))
        own = float(np.exp(rng.normal(-0.9, 1.0)))
        times = list(_life(rng, max(begins, 0.0), days, own, rate))
        _watch(user + 1, phase_ms, times, START_MS + days * DAY_MS, seen)
    return _world(seen)


def _life(
    rng: np.random.Generator,
    begins: float,
    days: int,
    own: float,
    rate: Callable[[float, float], float],
) -> Iterator[float]:
    """Yield the instants of a user's activities, epoch ms UTC."""
    day = begins
    while day < days:
        yield START_MS + float(int(day * DAY_MS))
        if rng.random() < 0.04:
            return
        day += rng.exponential(1.0 / rate(own, day))


def _watch(user: int, phase_ms: int, times: list[float], end_ms: float, seen: _Seen) -> None:
    """Note what a user is at each instant of its grid, and what came of it."""
    head, ends = None, [*times[1:], float("inf")]
    for at_ms, next_ms in zip(times, ends, strict=True):
        head = fold_event(head, at_ms, HORIZON_MS, amount=1.0)
        place = int((at_ms - phase_ms) // PERIOD_MS) + 1
        while (grid_ms := float(phase_ms + place * PERIOD_MS)) <= next_ms:
            if grid_ms + PERIOD_MS > end_ms or grid_ms - at_ms >= 2 * HORIZON_MS:
                break
            seen.heads.append(head)
            seen.users.append(user)
            seen.opened_ms.append(grid_ms)
            seen.active.append(next_ms < grid_ms + PERIOD_MS)
            seen.churned.append(next_ms >= grid_ms + HORIZON_MS)
            is_asked = (place + phase_ms) % 4 == 0 and grid_ms - at_ms < HORIZON_MS
            seen.asked.append(is_asked and grid_ms + HORIZON_MS <= end_ms)
            place += 1


def _world(seen: _Seen) -> World:
    heads = np.array(seen.heads).reshape(-1, RHYTHM_WIDTH)
    users, opened_ms = np.array(seen.users, np.uint64), np.array(seen.opened_ms)
    active, asked, churned = (np.array(c, bool) for c in (seen.active, seen.asked, seen.churned))
    rows = features(heads, opened_ms, HORIZON_MS).astype(np.float32)
    ones = np.ones(len(heads), np.float32)
    return World(
        Examples(opened_ms, opened_ms + PERIOD_MS, active, ones, rows),
        Openings(users[asked], opened_ms[asked], heads[asked]),
        Outcomes(
            users[asked], opened_ms[asked], opened_ms[asked] + HORIZON_MS, churned[asked],
            ones[asked],
        ),
    )  # fmt: skip
