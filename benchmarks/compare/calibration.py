"""A fixed loop: how fast a core is just now, beside whoever else uses the machine."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

LOOPS: Final = 400_000
ROUNDS: Final = 60


def calibration_s() -> float:
    """Return the CPU of a fixed loop, plain Python and numpy, so that machines can be compared."""
    began = time.process_time()
    counts: dict[int, int] = {}
    for number in range(LOOPS):
        place = number * 7_919 % 10_007
        counts[place] = counts.get(place, 0) + number
    rows = np.random.default_rng(1).random((4_000, 64))
    for _ in range(ROUNDS):
        rows = np.sort(np.exp(-rows), axis=1)
    assert len(counts) == 10_007
    assert rows.shape == (4_000, 64)
    return time.process_time() - began
