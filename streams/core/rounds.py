"""Cutting work on many users into pieces that can be done at once."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

BLOCK: Final = 4_096
"""Users per vectorised call: bounds memory when a million timers are due."""


def nth(rows: Rows) -> Rows:
    """Return the round of each input: that of a user's n-th is n; rows below 0 are nobody's."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-2))
    counts = np.diff(first, append=len(rows))
    number = np.empty(len(rows), np.intp)
    number[order] = np.arange(len(rows)) - np.repeat(first, counts)
    number[rows < 0] = -1
    return number


def blocks(rows: Rows, size: int = BLOCK) -> Iterator[Rows]:
    """Yield rows in blocks of at most so many."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
