"""Choice among variants: how often each should be used, given what its episodes brought.

Thompson sampling uses a variant as often as it is the best one under the belief. Here nothing is
drawn: that probability is integrated on fixed points, so that the odds can be said and kept on
record, and a salted hash of the user turns them into a choice.

River's ``bandit.ThompsonSampling`` compares what the variants brought over all time. That goes
wrong where seasons move all of them and odds change meanwhile: who was used in good times looks
good (measured: regret of .77 of that of equal shares, here .35). So variants are compared within
blocks of consecutive episodes only, as treatments within the blocks of a field.

Source:
    Thompson (1933), Biometrika 25; Agrawal & Goyal (2012), "Analysis of Thompson sampling for the
    multi-armed bandit problem", COLT; Yates (1940), "The recovery of inter-block information in
    balanced incomplete block designs", Annals of Eugenics 10 (the comparison within blocks).
"""

from __future__ import annotations

from functools import cache, lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec
import numpy as np

from models.snapshot import Refusal, SnapshotRefused

if TYPE_CHECKING:
    from models.features import F64

Reward = Literal["returned", "value"]

BLOCK: Final = 200
"""Treated episodes of a playbook that are compared with each other: a day or some."""
MEMORY: Final = 20_000
"""Treated episodes of a playbook after which one has faded to 1/e: what works changes slowly."""
EXPLORED: Final = 0.05
"""Share of choices in equal parts, whatever is believed: no propensity may vanish."""
SPREAD: Final = 0.6
"""Standard deviation of a variant's rate before anything is known, as a share of the mean rate."""
POINTS: Final = 4_096
"""Of the integral; its error is below .005, a tenth of what is explored."""
SPREAD_LEAST: Final = 0.02
"""The same for values, as a share of their standard deviation, where the mean is near nothing."""
VARIANCE_MIN: Final = 1e-4
DIGITS: Final = 6
TOTALS: Final = 4


class Book(msgspec.Struct, frozen=True, array_like=True):
    """What the treated episodes of a playbook brought; sums of closed blocks fade.

    Attributes:
        name: Of the playbook.
        variants: Names, in the order in which they came; k of them.
        pairs: k × k, row by row: how well the variants could be compared (a Laplacian matrix).
        returned: k sums of returns beyond the block's mean.
        value: The same of the net value, minor units.
        totals: Episodes, returns, value, square of the value.
        block: Of the open block: k episodes, k returns, k values, and the square of the values.
    """

    name: str
    variants: tuple[str, ...] = ()
    pairs: tuple[float, ...] = ()
    returned: tuple[float, ...] = ()
    value: tuple[float, ...] = ()
    totals: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    block: tuple[float, ...] = (0.0,)


class Belief(NamedTuple):
    """Means (k,) and covariance (k, k) of what variants bring; spread of one that is new."""

    mean: F64
    covariance: F64
    spread: float


class Tally:
    """A book that is being written."""

    def __init__(self, book: Book) -> None:
        k = len(book.variants)
        self.name = book.name
        self._places = {variant: place for place, variant in enumerate(book.variants)}
        self._pairs = np.array(book.pairs).reshape(k, k)
        self._scores = np.array((book.returned, book.value)).reshape(2, k)
        self._totals = np.array(book.totals)
        self._block = np.array(book.block[:-1]).reshape(3, k)
        self._square = book.block[-1]

    def add(self, variant: str, returned: float, value: float) -> None:
        """Add what became of one treated user."""
        place = self._places.setdefault(variant, len(self._places))
        if place == len(self._pairs):
            self._pairs = np.pad(self._pairs, (0, 1))
            self._scores = np.pad(self._scores, ((0, 0), (0, 1)))
            self._block = np.pad(self._block, ((0, 0), (0, 1)))
        self._block[:, place] += (1.0, returned, value)
        self._square += value * value
        if self._block[0].sum() >= BLOCK:
            self._pairs, self._scores, self._totals = self._closed(1.0 - BLOCK / MEMORY)
            self._block = np.zeros_like(self._block)
            self._square = 0.0

    def book(self) -> Book:
        """Return what is written."""
        returned, value = self._scores.tolist()
        return Book(
            name=self.name,
            variants=tuple(self._places),
            pairs=tuple(self._pairs.ravel().tolist()),
            returned=tuple(returned),
            value=tuple(value),
            totals=tuple(self._totals.tolist()),
            block=(*self._block.ravel().tolist(), self._square),
        )

    def belief(self, reward: Reward) -> Belief:
        """Return what is believed of the variants, relative to each other."""
        pairs, scores, (count, returned, value, square) = self._closed(1.0)
        if reward == "returned":
            rate = (returned + 1.0) / (count + 2.0)
            noise = max(rate * (1.0 - rate), VARIANCE_MIN)
            score, spread = scores[0], SPREAD * min(rate, 1.0 - rate)
        else:
            mean = value / max(count, 1.0)
            noise = max(square / max(count, 1.0) - mean * mean, VARIANCE_MIN)
            score, spread = scores[1], max(SPREAD * abs(mean), SPREAD_LEAST * noise**0.5)
        covariance = np.linalg.inv(pairs / noise + np.eye(len(pairs)) / spread**2)
        return Belief(covariance @ (score / noise), covariance, float(spread))

    def _closed(self, kept: float) -> tuple[F64, F64, F64]:
        """Return pairs, scores and totals with the open block, the older ones faded."""
        counts, sums = self._block[0], self._block[1:]
        size = max(float(counts.sum()), 1.0)
        pairs = kept * self._pairs + np.diag(counts) - np.multiply.outer(counts, counts) / size
        beyond = sums - counts * (sums.sum(axis=1, keepdims=True) / size)
        new = np.array([counts.sum(), *sums.sum(axis=1), self._square])
        return pairs, kept * self._scores + beyond, kept * self._totals + new


def check(book: Book) -> None:
    """Refuse a book that cannot be used.

    Raises:
        SnapshotRefused: Its sums do not fit its variants, or could not have been added up.
    """
    k = len(book.variants)
    sizes = [len(part) for part in (book.pairs, book.returned, book.value, book.totals, book.block)]
    if len(set(book.variants)) != k or sizes != [k * k, k, k, TOTALS, 3 * k + 1]:
        raise SnapshotRefused(Refusal.BROKEN_NUMBERS, f"the book of {book.name} is not whole")
    pairs = np.array(book.pairs).reshape(k, k)
    counts = (*book.totals[:2], *book.block[: 2 * k])
    if min(counts) < 0.0 or (k and np.linalg.eigvalsh(pairs).min() < -1e-6 * max(counts[0], 1.0)):
        raise SnapshotRefused(Refusal.BROKEN_NUMBERS, f"the book of {book.name} is none")


@lru_cache(maxsize=1_024)
def odds(book: Book, variants: tuple[str, ...], reward: Reward = "returned") -> tuple[float, ...]:
    """Return how often each variant should be used, adding up to 1; empty = nothing is known.

    A variant that is new is believed to be like the others, within limits.
    """
    places = {variant: place for place, variant in enumerate(book.variants)}
    known = [place for place, variant in enumerate(variants) if variant in places]
    if not known:
        return ()
    told = Tally(book).belief(reward)
    there = [places[variants[place]] for place in known]
    mean = np.zeros(len(variants))
    covariance = np.eye(len(variants)) * told.spread**2
    mean[known] = told.mean[there]
    covariance[np.ix_(known, known)] = told.covariance[np.ix_(there, there)]
    drawn = _points(len(variants)) @ np.linalg.cholesky(covariance).T + mean
    best = np.bincount(drawn.argmax(axis=1), minlength=len(variants)) / POINTS
    mixed = (1.0 - EXPLORED) * best + EXPLORED / len(variants)
    return tuple(round(float(share), DIGITS) for share in mixed)


@cache
def _points(dimensions: int) -> F64:
    """Return points (n, k) that fill a standard normal evenly: a lattice of irrational steps."""
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1.0)
    even = (0.5 + np.multiply.outer(np.arange(1.0, POINTS + 1.0), steps)) % 1.0
    quantile = NormalDist().inv_cdf
    return np.array([[quantile(share) for share in point] for point in even.tolist()])
