"""What a worker scores with: a snapshot of the hazard model, or a prior that needs no learning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, TypeAlias

import numpy as np

from models.feature_list import FEATURES, GROUPS, PLAIN_WIDTH, groups_of
from models.features import F64, feature_columns, rhythm_columns
from models.hazard import (
    CLIP,
    Weights,
    deviations,
    hazard,
    quiet_probability,
    reach_probability,
)
from models.snapshot import Snapshot, check

Reasons: TypeAlias = tuple[tuple[str, float], ...]

REASONS_MAX: Final = 3
BASE: Final = "base"  # The average user, and what a limit on the logit cut off.
RETURN_PROBABILITY_LIMITS: Final = (0.01, 0.99)  # Nobody's own rhythm is certain.

_NAMES: Final = tuple(feature.name for feature in FEATURES)
_PR, _ALIVE = _NAMES.index("pr"), _NAMES.index("alive")
_GROUP_OF: Final = np.array([GROUPS.index(feature.group) for feature in FEATURES])


class _PathScorer(ABC):
    """The four questions, put to anything that gives a logit and its parts by group."""

    version: str
    examples: int
    horizon_ms: float
    width: int

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
            Per row (group, weight) by falling weight, then ``("base", weight)``: log-odds toward
            leaving in the next period. They add up to -logit(hazard); an average user is 0 in
            every group.
        """
        columns = feature_columns(rhythm_columns(heads), at_ms, self.horizon_ms, self.width)
        leaving = -self.group_logits(columns)
        order = np.argsort(-leaving, axis=0, kind="stable")
        base = -self.logit(columns) - leaving.sum(axis=0)
        out: list[Reasons] = []
        for row, rest in enumerate(base.tolist()):
            parts = ((GROUPS[group], float(leaving[group, row])) for group in order[:, row])
            out.append((*parts, (BASE, rest)))
        return out

    def reasons(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per row the three groups that speak most for leaving: the head of ``explain``."""
        return [row[:REASONS_MAX] for row in self.explain(heads, at_ms)]

    @abstractmethod
    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of activity of feature columns (width, n)."""

    @abstractmethod
    def group_logits(self, columns: F64) -> F64:
        """Return what each group of these features adds to the logit, shape (groups, n)."""


class HazardScorer(_PathScorer):
    """Scores by a snapshot, its scaler folded into the weights.

    Args:
        snapshot: A loaded snapshot.
        rules_hash: Hash of the rules in force; compared if both sides have one.

    Raises:
        SnapshotRefused: It was learned from other features or rules.
    """

    def __init__(self, snapshot: Snapshot, *, rules_hash: str = "") -> None:
        check(snapshot, horizon_ms=snapshot.horizon_ms, rules_hash=rules_hash)
        self.version = snapshot.version
        self.examples = snapshot.examples
        self.horizon_ms = float(snapshot.horizon_ms)
        self.weights = fold(snapshot)
        self.width = self.weights.width

    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of activity of feature columns (width, n)."""
        return self.weights.logit(columns)

    def group_logits(self, columns: F64) -> F64:
        """Return what each group adds to the logit, against a user in the middle."""
        groups = np.zeros((len(groups_of(self.width)), columns.shape[1]))
        np.add.at(groups, _GROUP_OF[: self.width], self.weights.contributions(columns))
        return groups


class PriorScorer(_PathScorer):
    """Scores without any learning: own return probability times the odds of being alive.

    It stands in until a model has learned enough, and when a model had to be withdrawn.

    Args:
        horizon_ms: H, ms.

    Source:
        The alive term is that of BG/NBD: Fader, Hardie & Lee (2005), Marketing Science 24(2).
    """

    version = "prior_v1"
    examples = 0
    width = PLAIN_WIDTH

    def __init__(self, horizon_ms: float) -> None:
        self.horizon_ms = float(horizon_ms)

    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of activity of feature columns (31, n)."""
        low, high = RETURN_PROBABILITY_LIMITS
        probability = np.minimum(np.maximum(columns[_PR], low), high)
        probability /= 1.0 + np.exp(columns[_ALIVE])
        logits: F64 = np.log(probability / (1.0 - probability))
        return logits

    def group_logits(self, columns: F64) -> F64:
        """Return the logit of the own return probability, and what doubt of life takes off."""
        low, high = RETURN_PROBABILITY_LIMITS
        probability = np.minimum(np.maximum(columns[_PR], low), high)
        groups = np.zeros((len(groups_of(self.width)), columns.shape[1]))
        own = np.log(probability / (1.0 - probability))
        groups[GROUPS.index(FEATURES[_PR].group)] = own
        groups[GROUPS.index(FEATURES[_ALIVE].group)] = self.logit(columns) - own
        return groups


def fold(snapshot: Snapshot) -> Weights:
    """Return the snapshot's weights over the features it needs: 31, or all 40; scaler folded in."""
    places = [_NAMES.index(name) for name in snapshot.columns]
    width = PLAIN_WIDTH if max(places, default=0) < PLAIN_WIDTH else len(FEATURES)
    w, middle, reach = np.zeros((3, width, 1))
    scale = deviations(np.array(snapshot.variances))
    w[places, 0] = np.array(snapshot.weights[1:]) / scale
    middle[places, 0] = snapshot.means
    reach[places, 0] = CLIP * scale
    return Weights(w=w, b=snapshot.weights[0], middle=middle, reach=reach)
