"""What a worker scores with: four questions, answered from the features along the silent path."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Protocol

import numpy as np

from models.feature_list import FEATURES, GROUPS, PLAIN_WIDTH
from models.features import F64, columns_at
from models.hazard import (
    CLIP,
    Weights,
    deviations,
    hazard,
    quiet_probability,
    reach_probability,
)
from models.reasons import Reasons, foremost, listed
from models.snapshot import Refusal, Snapshot, SnapshotRefused

_NAMES: Final = tuple(feature.name for feature in FEATURES)
_GROUP_OF: Final = np.array([GROUPS.index(feature.group) for feature in FEATURES])


class Scorer(Protocol):
    """Scores users from the numbers of their state; a row's answer depends on no other row."""

    @property
    def version(self) -> str:
        """Name of the model and what it was trained to."""
        ...

    @property
    def examples(self) -> int:
        """Matured examples behind it."""
        ...

    @property
    def may_alert(self) -> bool:
        """Whether it knows enough for an alert to rest on it."""
        ...

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next H/4), shape (users,)."""
        ...

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (users,)."""
        ...

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (users,)."""
        ...

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per user what each group of features says, and the base; they add up."""
        ...

    def reasons(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per user the feature groups that weigh most, (code, weight)."""
        ...


class PathScorer(ABC):
    """The four questions, put to anything that gives a logit and its parts by group."""

    version: str
    examples: int
    horizon_ms: float
    width: int
    may_alert: bool = True

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next H/4), shape (n,)."""
        return hazard(self, heads, at_ms, self.horizon_ms)

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (n,): for ranking and reports."""
        return quiet_probability(self, heads, at_ms, self.horizon_ms)

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (n,): for alerts."""
        return reach_probability(self, heads, at_ms, self.horizon_ms)

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per row what each group of features says, most toward leaving first.

        Returns:
            Per row (group, weight), strongest first, then ``("base", weight)``: log-odds toward
            leaving in the next period. They add up to -logit(hazard); an average user is 0 in
            every group.
        """
        columns = columns_at(heads, at_ms, self.horizon_ms, self.width)
        return explained(-self.group_logits(columns), -self.logit(columns))

    def reasons(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per row the three groups that speak most for leaving: the head of ``explain``."""
        return foremost(self.explain(heads, at_ms))

    @abstractmethod
    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of activity of feature columns (width, n)."""

    @abstractmethod
    def group_logits(self, columns: F64) -> F64:
        """Return what each group of features adds to the logit, shape (groups, n)."""


class LinearScorer(PathScorer):
    """Scores by weights, the scaler folded into them.

    Args:
        weights: Over the first features of the list: 31, or all 40.
        version: Name of the model and its state.
        examples: Matured examples behind it.
        horizon_ms: H, ms.
    """

    def __init__(self, weights: Weights, version: str, examples: int, horizon_ms: float) -> None:
        self.weights, self.width = weights, weights.width
        self.version, self.examples, self.horizon_ms = version, examples, float(horizon_ms)

    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of activity of feature columns (width, n)."""
        return self.weights.logit(columns)

    def group_logits(self, columns: F64) -> F64:
        """Return what each group adds to the logit, against a user in the middle."""
        return by_group(self.weights.contributions(columns))


def linear_scorer(snapshot: Snapshot) -> LinearScorer:
    """Return the scorer of a snapshot of a linear model.

    Raises:
        SnapshotRefused: Its vectors do not fit its columns.
    """
    found = [snapshot.numbers.get(name, ()) for name in ("means", "variances", "weights")]
    size = len(snapshot.columns)
    if [len(vector) for vector in found] != [size, size, size + 1]:
        raise SnapshotRefused(Refusal.BROKEN_NUMBERS, "a vector has another length")
    means, variances, beliefs = map(np.array, found)
    weights = fold(snapshot.columns, means, variances, beliefs)
    return LinearScorer(weights, snapshot.version, snapshot.examples, snapshot.horizon_ms)


def explained(leaving: F64, total: F64) -> list[Reasons]:
    """Return per row its reasons: what the groups say (groups, n), and the rest of ``total`` (n,).

    ``total`` is overwritten.
    """
    for group in leaving:  # One by one: a sum over an axis depends on the number of rows.
        total -= group
    return listed(dict(zip(GROUPS, leaving, strict=True)), total)


def by_group(parts: F64) -> F64:
    """Return the sums of the features' parts (width, n) by group, shape (groups, n)."""
    groups = np.zeros((len(GROUPS), parts.shape[1]))
    np.add.at(groups, _GROUP_OF[: len(parts)], parts)
    return groups


def fold(columns: tuple[str, ...], means: F64, variances: F64, weights: F64) -> Weights:
    """Return weights over the first features of the list, with the scaler folded in.

    Args:
        columns: Names of the k features that are used.
        means: Shape (k,).
        variances: Shape (k,).
        weights: Shape (k + 1,), the intercept first; of standardised features.
    """
    places = [_NAMES.index(name) for name in columns]
    width = PLAIN_WIDTH if max(places, default=0) < PLAIN_WIDTH else len(FEATURES)
    w, middle, reach = np.zeros((3, width, 1))
    scale = deviations(variances)
    w[places, 0] = weights[1:] / scale
    middle[places, 0] = means
    reach[places, 0] = CLIP * scale
    return Weights(w=w, b=float(weights[0]), middle=middle, reach=reach)
