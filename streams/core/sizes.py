"""How large a partition is: what would be dear to count is estimated from a sample."""

from typing import Final, NamedTuple

import numpy as np

from streams.core.state import NEVER, Column
from streams.core.users import GONE, Users

SAMPLED: Final = 1_024
"""Rows that are looked at: a share of one half is known to within 3 % of all."""
GOLDEN: Final = 0.618033988749895
"""Steps of this share of a whole are spread evenly, and keep step with no period in the rows."""
ASLEEP: Final = "asleep"
BANDS: Final = ("calm", "elevated", "high")


class Sizes(NamedTuple):
    """How large a partition is.

    Attributes:
        bands: Users by band of risk, and those who are asleep; estimated.
        state_bytes: Of all changelog values; estimated.
        examples: Pending, that is waiting for their answer; estimated.
        timers: Users who have a deadline.
        due: Of them, whose deadline has passed.
    """

    bands: dict[str, float]
    state_bytes: float
    examples: float
    timers: int
    due: int


def sizes_of(users: Users, now_ms: float) -> Sizes:
    """Return how large a partition is.

    Args:
        users: Of the partition.
        now_ms: By which deadlines count as passed, epoch ms UTC.
    """
    awake, asleep = len(users.index), users.asleep
    rows = [row for row in _spread(len(users.values)) if users.values[row] != GONE]
    weight = awake / max(len(rows), 1)
    heads = users.matrix(np.array(rows, np.intp))
    bands = np.bincount(heads[:, Column.BAND].astype(np.intp), minlength=len(BANDS))
    packed = [len(value) for value, _ in zip(asleep.values(), range(SAMPLED), strict=False)]
    deadlines = users.deadlines[: len(users.values)]
    return Sizes(
        bands={
            **{band: weight * float(count) for band, count in zip(BANDS, bands, strict=False)},
            ASLEEP: float(len(asleep)),
        },
        state_bytes=weight * sum(len(users.values[row]) for row in rows)
        + sum(packed) / max(len(packed), 1) * len(asleep),
        examples=weight * int(np.count_nonzero(heads[:, Column.FROZEN_AT])),
        timers=int(np.count_nonzero(deadlines < NEVER)),
        due=int(np.count_nonzero(deadlines <= now_ms)),
    )


def _spread(count: int) -> list[int]:
    """Return places among so many: all of them, or `SAMPLED` that are spread over them."""
    if count <= SAMPLED:
        return list(range(count))
    places = np.arange(SAMPLED) * GOLDEN % 1.0 * count
    found: list[int] = places.astype(np.intp).tolist()
    return found
