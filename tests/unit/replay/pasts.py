"""Matured questions made up for tests: with a known truth, seeded."""

import numpy as np
from numpy.typing import NDArray

from models.feature_list import PLAIN_WIDTH
from streams.replay.report.past import SILENCE, Past, People

DAY_MS = 86_400_000.0
START_MS = 1_483_228_800_000.0


def people(count: int, seed: int = 3, *, users: int = 0, days: float = 300.0) -> People:
    """Return users at instants, in order of time."""
    chance = np.random.default_rng(seed)
    at_ms = np.sort(START_MS + chance.uniform(0, days, count) * DAY_MS)
    return People(
        users=chance.integers(users or count, size=count).astype(np.uint64),
        at_ms=at_ms,
        first_ms=at_ms - chance.uniform(1, 200, count) * DAY_MS,
        last_ms=at_ms - chance.uniform(0, 20, count) * DAY_MS,
        gap=chance.uniform(0.05, 4.0, count),
        active_days=np.full(count, 9.0),
        value_minor=np.round(chance.uniform(0, 100_000, count)),
    )


def past(count: int, seed: int = 3, *, users: int = 0, knows: float = 1.0) -> Past:
    """Return questions; the answers follow what was said as far as it ``knows``."""
    who = people(count, seed, users=users)
    chance = np.random.default_rng(seed + 1)
    truth = chance.beta(1.0, 3.0, count)
    said = knows * truth + (1.0 - knows) * chance.beta(1.0, 3.0, count)
    rows = np.zeros((count, PLAIN_WIDTH), np.float32)
    rows[:, SILENCE] = chance.uniform(0, 4, count)
    left: NDArray[np.bool_] = chance.random(count) < truth
    return Past(who, left, said, said, rows, {"recency_v1": np.full(count, 0.25)})
