"""Users as they can be: histories of events, folded by the slow twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from hypothesis import strategies as st

from models.features import RHYTHM_WIDTH, WIDTH, Rhythm
from tests.oracles_rhythm import DAY_MS, fold_event

if TYPE_CHECKING:
    from numpy.typing import NDArray

HORIZON_MS: Final = 30 * DAY_MS
START_MS: Final = 1_500_000_000_000

gaps_ms = st.one_of(
    st.integers(0, 60_000), st.integers(0, 3 * DAY_MS), st.integers(0, 4_000 * DAY_MS)
)
events = st.tuples(gaps_ms, st.floats(-10, 1e9), st.sampled_from((None, *range(6))))
silences_ms = st.one_of(
    st.just(0), st.integers(0, DAY_MS), st.integers(0, 61 * DAY_MS), st.just(3_650 * DAY_MS)
)


@st.composite
def users(draw: st.DrawFn) -> tuple[list[float], float]:
    """Return one user's head and an instant not before its last event."""
    head, at_ms = None, START_MS
    for gap_ms, amount, kind in draw(st.lists(events, min_size=1, max_size=12)):
        at_ms += gap_ms
        head = fold_event(head, at_ms, HORIZON_MS, amount=amount, kind=kind)
    assert head is not None
    head[Rhythm.TRAITS] = draw(st.integers(0, 1023))
    head[Rhythm.TRAITS_AT] = float(at_ms + draw(silences_ms))
    return head, float(at_ms + draw(silences_ms))


def crowd(size: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return heads (size, 36) and instants (size,) of users with random histories."""
    rng = np.random.default_rng(seed)
    heads, instants = np.empty((size, RHYTHM_WIDTH)), np.empty(size)
    for row in range(size):
        at_ms, head = float(START_MS), None
        pace_ms = rng.uniform(0.05, 20) * DAY_MS
        for _ in range(int(rng.integers(1, 30))):
            at_ms += int(rng.exponential(pace_ms))
            kind = int(rng.integers(0, 3))
            head = fold_event(
                head, at_ms, HORIZON_MS, amount=rng.exponential(20), kind=None if kind > 1 else kind
            )
        heads[row], instants[row] = head, at_ms + int(rng.uniform(0, 45) * DAY_MS)
    heads[:, Rhythm.KIND2 : Rhythm.KIND5 + 1] = rng.exponential(2.0, (size, 4))
    heads[:, Rhythm.TRAITS] = rng.integers(0, 1024, size)
    heads[:, Rhythm.TRAITS_AT] = heads[:, Rhythm.LAST] + rng.uniform(-45, 45, size) * DAY_MS
    return heads, instants


def examples(size: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return rows (size, 40) and labels that a logistic model of lrec, ld1 and z made."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(1.0, 2.0, (size, WIDTH)).astype(np.float32)
    logit = -0.4 - 0.6 * rows[:, 20] + 0.5 * rows[:, 8] + 0.3 * rows[:, 5]
    return rows, rng.random(size) < 1 / (1 + np.exp(-logit))
