"""What is added up of one arm of an experiment, and the mean and its variance that follow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.features import F64

ONE: Final = 0
RETURNED: Final = 1
VALUE: Final = 2
COVARIATE: Final = 3
SCALE_LEAST: Final = 0.01
"""Refunds may cancel out what was bought; the mean of a buyer is then no scale."""
CONSTANT: Final = 1e-9
"""A covariate that varies by less than this share of its square says nothing."""


class Mean(NamedTuple):
    """A mean of an arm, the variance of it, and the number of users that it is worth."""

    mean: float
    variance: float
    size: float

    def wilson(self, z: float) -> tuple[float, float]:
        """Return how far Wilson's interval of a rate reaches down and up."""
        rate, shrink = min(max(self.mean, 0.0), 1.0), z * z / self.size
        middle = (rate + 0.5 * shrink) / (1.0 + shrink)
        half = math.sqrt(rate * (1.0 - rate) * shrink + 0.25 * shrink * shrink) / (1.0 + shrink)
        return rate - (middle - half), middle + half - rate


class Sums:
    """The sums of one arm: over users u of z and of z zᵀ, where z = sum of w (1, y, v, x)."""

    def __init__(self) -> None:
        self.episodes = 0
        self.users = 0
        self.moved = 0
        self.total = np.zeros(4)
        self.square = np.zeros((4, 4))
        self._places: dict[str, int] = {}
        self._of_user = np.zeros((0, 4))

    def add(self, columns: F64, users: Sequence[str] | None) -> None:
        """Add episodes: columns w (1, y, v, x) of shape (n, 4), and whose they are."""
        self.episodes += len(columns)
        self.moved += int(np.count_nonzero(columns[:, VALUE]))
        self.total += columns.sum(axis=0)
        if users is None:
            self.users += len(columns)
            self.square += columns.T @ columns
            return
        places = self._places
        rows = np.array([places.setdefault(user, len(places)) for user in users], np.intp)
        if len(self._of_user) < len(places):
            more = np.zeros((2 * len(places) - len(self._of_user), 4))
            self._of_user = np.concatenate((self._of_user, more))
        changed = np.unique(rows)
        before = self._of_user[changed]
        np.add.at(self._of_user, rows, columns)
        after = self._of_user[changed]
        self.square += after.T @ after - before.T @ before
        self.users = len(places)

    def mean(self, column: int, slope: float, middle: float) -> Mean:
        """Return the mean of a column, as if the covariate's were ``middle``.

        For the variance of a rate, two users are added, one who returned and one who did not: that
        nobody has returned yet is no certainty.
        """
        mass = self.total[ONE]
        means = self.total / mass
        adjusted = float(means[column] - slope * (means[COVARIATE] - middle))
        more = mass / self.users if column == RETURNED else 0.0
        smooth = (self.total[column] + more) / (mass + 2.0 * more)
        along = np.zeros(4)
        along[column], along[COVARIATE] = 1.0, -slope
        along[ONE] = slope * means[COVARIATE] - smooth
        square = along @ self.square @ along + more**2 * (smooth**2 + (1.0 - smooth) ** 2)
        variance = float(square) / float(mass + 2.0 * more) ** 2
        size = float(smooth * (1.0 - smooth)) / variance if more else float(self.users)
        return Mean(adjusted, variance, size)


def steadied(arms: Sequence[Sums]) -> list[float]:
    """Return by how much to multiply the variance of each arm's mean value.

    A small arm of a heavy tail errs to one side: without a big buyer its mean *and* its spread are
    too small, and the interval misses (in 15 % of worlds). So its second moment is the larger of
    two: half its own and half what a buyer of either arm has; or what a buyer of either arm has
    once the arms are brought to the same mean per buyer (a coupon shrinks the basket).
    """
    weights = [sums.total[ONE] / sums.episodes for sums in arms]
    totals = [float(sums.total[VALUE] / w) for sums, w in zip(arms, weights, strict=True)]
    squares = [
        float(sums.square[VALUE, VALUE] / w**2) for sums, w in zip(arms, weights, strict=True)
    ]
    moved = arms[0].moved + arms[1].moved
    shared = sum(squares) / moved
    scales = [
        max((total / sums.moved) ** 2, SCALE_LEAST * square / sums.moved)
        for sums, total, square in zip(arms, totals, squares, strict=True)
    ]
    shape = sum(square / scale for square, scale in zip(squares, scales, strict=True)) / moved
    factors = []
    for sums, total, square, scale in zip(arms, totals, squares, scales, strict=True):
        middle = total * total / sums.users
        most = max(0.5 * (square + sums.moved * shared), sums.moved * shape * scale)
        factor = (most - middle) / (square - middle) if square > middle else 1.0
        factors.append(max(factor, 0.5))  # Never less than half its own.
    return factors


def slope_of(arms: Sequence[Sums], column: int) -> float:
    """Return by how much the outcome goes with the covariate within an arm."""
    both = spread = 0.0
    for sums in arms:
        mean_y, mean_x = sums.total[[column, COVARIATE]] / sums.total[ONE]
        square = sums.square
        both += float(
            square[column, COVARIATE]
            - mean_x * square[column, ONE]
            - mean_y * square[ONE, COVARIATE]
            + mean_x * mean_y * square[ONE, ONE]
        )
        spread += float(
            square[COVARIATE, COVARIATE]
            - 2.0 * mean_x * square[ONE, COVARIATE]
            + mean_x**2 * square[ONE, ONE]
        )
    all_square = arms[0].square[COVARIATE, COVARIATE] + arms[1].square[COVARIATE, COVARIATE]
    return both / spread if spread > CONSTANT * all_square else 0.0


def middle_of(arms: Sequence[Sums]) -> float:
    """Return the mean of the covariate over everybody."""
    total = arms[0].total + arms[1].total
    return float(total[COVARIATE] / total[ONE])
