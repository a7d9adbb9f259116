"""Grades with what chance does to them: users drawn anew, and intervals of shares.

Questions of one user are no independent evidence, so whole users are drawn.

Source:
    Efron & Tibshirani (1993), "An Introduction to the Bootstrap", with Poisson weights as in Oza &
    Russell (2001); Hanley & McNeil (1982), Radiology 143(1), for the error of one AUC; Wilson
    (1927), JASA 22, for shares.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

DRAWS: Final = 200
DRAWS_LONG: Final = 80
LONG_ROWS: Final = 60_000
"""From so many questions on fewer draws do: the interval is narrow."""
EACH_MIN: Final = 10
"""Fewer outcomes of either kind, and an AUC says nothing."""
BINS: Final = 10
Z: Final = 1.959964


class Estimate(msgspec.Struct, frozen=True):
    """A number and where it lies at 95 %."""

    value: float
    low: float
    high: float


class Graded:
    """Predictions (n,) and outcomes (n,), sorted once, to be graded under many weights."""

    def __init__(self, said: F64, left: Flags) -> None:
        self._off = (said - left) ** 2
        self._order = np.argsort(-said, kind="stable")
        ordered = said[self._order]
        self._left = left[self._order].astype(np.float64)
        self._said = ordered
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self._bins = np.linspace(0, len(said), BINS + 1).astype(np.intp)[:-1]

    def auc(self, weight: F64) -> float:
        """Return the share of pairs in the right order, ties by half; weight (n,)."""
        gone, stayed = self._sums(weight)
        below = stayed.sum() - np.cumsum(stayed)
        return float((gone * (below + stayed / 2)).sum() / (gone.sum() * stayed.sum()))

    def ap(self, weight: F64) -> float:
        """Return the average precision; weight (n,)."""
        gone, stayed = self._sums(weight)
        hits = np.cumsum(gone)
        return float((gone * hits / np.maximum(hits + np.cumsum(stayed), 1e-300)).sum() / hits[-1])

    def brier(self, weight: F64) -> float:
        """Return the mean squared error; weight (n,)."""
        return float(np.average(self._off, weights=weight))

    def ece(self, weight: F64) -> float:
        """Return the calibration error over bins of equal mass; weight (n,)."""
        ordered = weight[self._order]
        off = np.add.reduceat(ordered * (self._left - self._said), self._bins)
        return float(np.abs(off).sum() / ordered.sum())

    def at_top(self, share: float, weight: F64) -> float:
        """Return the share that left of those with the highest predictions; weight (n,)."""
        ordered = weight[self._order]
        top = np.cumsum(ordered) <= max(share * ordered.sum(), ordered[0])
        return float((ordered * self._left)[top].sum() / max(ordered[top].sum(), 1e-300))

    def _sums(self, weight: F64) -> tuple[F64, F64]:
        ordered = weight[self._order]
        gone = np.add.reduceat(ordered * self._left, self._starts)
        return gone, np.add.reduceat(ordered, self._starts) - gone


def says_something(left: Flags) -> bool:
    """Return whether there are enough outcomes of either kind for an AUC."""
    gone = int(np.count_nonzero(left))
    return min(gone, len(left) - gone) >= EACH_MIN


def draws(users: NDArray[np.uint64]) -> Iterator[F64]:
    """Yield weights (n,) of questions: how often each one's user was drawn; seeded."""
    names, whose = np.unique(users, return_inverse=True)
    chance = np.random.default_rng(0)
    for _ in range(DRAWS if len(users) <= LONG_ROWS else DRAWS_LONG):
        yield chance.poisson(1.0, len(names)).astype(np.float64)[whose]


def estimated(
    users: NDArray[np.uint64], measures: Mapping[str, Callable[[F64], float]]
) -> dict[str, Estimate]:
    """Return each measure of weights (n,) with its interval over draws of users (n,)."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for weight in draws(users):
        for name, measure in measures.items():
            with np.errstate(invalid="ignore", divide="ignore"):
                found[name].append(measure(weight))
    whole = np.ones(len(users))
    out = {}
    for name, measure in measures.items():
        seen = np.array(found[name])
        low, high = np.quantile(seen[np.isfinite(seen)], [0.025, 0.975])
        out[name] = Estimate(measure(whole), float(low), float(high))
    return out


def auc_error(auc: float, left: int, stayed: int) -> float:
    """Return the standard error of an AUC of independent outcomes."""
    both_left, both_stayed = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = (
        auc * (1 - auc)
        + (left - 1) * (both_left - auc * auc)
        + (stayed - 1) * (both_stayed - auc * auc)
    )
    return math.sqrt(max(variance, 0.0) / (left * stayed))


def share(hits: int, of: int) -> Estimate | None:
    """Return a share with its interval (Wilson); None of no case."""
    if not of:
        return None
    p = hits / of
    middle = (p + Z * Z / (2 * of)) / (1 + Z * Z / of)
    reach = Z * math.sqrt(p * (1 - p) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return Estimate(p, max(min(middle - reach, p), 0.0), min(max(middle + reach, p), 1.0))
