"""Evidence that one model is better than another: an interval that may be looked at any time.

The observations are sums of differences over batches, not single users: users of one batch share
their time, and a batch is the smallest thing that can be called independent. An outcome that stands
for others, which were left out because somebody wrote to them, weighs as much as they do.

Source:
    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform central limit theory and
    asymptotic confidence sequences", Annals of Statistics 52(6), theorem 2.2.
"""

from __future__ import annotations

import math
from itertools import repeat
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

ALPHA: Final = 0.01
"""Five challengers look at one champion; all together are wrong at most once in twenty worlds."""
BATCHES_MIN: Final = 32
"""Two horizons: below this the normal approximation cannot be trusted, nor one season."""
TUNED_TO: Final = 80
"""Batches at which the interval is tightest."""
RHO2: Final = (-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA) + 1)) / TUNED_TO


class Interval(msgspec.Struct, frozen=True):
    """A mean per outcome and where it lies at 99 %, however often one looks."""

    mean: float
    low: float
    high: float


class Evidence(msgspec.Struct):
    """Differences of loss, seen in batches.

    Attributes:
        batches: Batches seen.
        rows: Outcomes in them.
        mass: Sum of their weights.
        total: Sum of the batches' sums.
        square: Sum of their squares.
        open_rows: Outcomes of the batch that is not closed yet.
        open_mass: Sum of their weights.
        open_total: Their sum.
    """

    batches: int = 0
    rows: int = 0
    mass: float = 0.0
    total: float = 0.0
    square: float = 0.0
    open_rows: int = 0
    open_mass: float = 0.0
    open_total: float = 0.0

    def add(self, differences: Sequence[float], weights: Sequence[float] = ()) -> None:
        """Add outcomes to the open batch, one by one: how they are cut must not matter.

        Args:
            differences: Of each outcome.
            weights: Of each outcome; all 1 where none are given.
        """
        for difference, weight in zip(differences, weights or repeat(1.0), strict=False):
            self.open_rows += 1
            self.open_mass += weight
            self.open_total += weight * difference

    def close(self) -> None:
        """Close the batch."""
        if self.open_rows:
            self.batches += 1
            self.rows += self.open_rows
            self.mass += self.open_mass
            self.total += self.open_total
            self.square += self.open_total * self.open_total
            self.open_rows, self.open_mass, self.open_total = 0, 0.0, 0.0

    def interval(self) -> Interval | None:
        """Return the mean difference per outcome with its interval; None = too few batches."""
        if self.batches < BATCHES_MIN:
            return None
        count = self.batches
        mean = self.total / count
        variance = max(self.square / count - mean * mean, 0.0)
        spread = count * RHO2 + 1.0
        width = math.sqrt(variance) * math.sqrt(
            2.0 * spread / (count * count * RHO2) * math.log(math.sqrt(spread) / ALPHA)
        )
        each = count / self.mass
        return Interval(mean * each, (mean - width) * each, (mean + width) * each)
