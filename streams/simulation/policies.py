"""Whom to contact first: the product's own way, and ways to hold it against."""

from enum import StrEnum
from typing import Any, Final

import numpy as np

from models.features import F64, Rhythm
from streams.core.scoring import Reasons, Scorer

STAKE_EQUAL: Final = 1e9
"""Major units that everybody is worth at least: so much that value makes no difference."""


class Policy(StrEnum):
    """Who gets the places of a day, and whether harm is avoided."""

    FULL = "full"  # risk × value × persuadability, and nobody whom contact harms
    UNGATED = "ungated"  # risk × value; what contact does is not asked
    RISK_FIRST = "risk_first"  # the highest risk first
    RANDOM = "random"  # anybody at high risk


def sections_under(policy: Policy, sections: dict[str, Any]) -> dict[str, Any]:
    """Return the rules file, as YAML reads it, under a policy."""
    if policy in {Policy.FULL, Policy.UNGATED}:
        return sections
    money = {"stake_least": STAKE_EQUAL} | sections.get("money", {})
    return sections | {"money": money}


def scorer_under(policy: Policy, scorer: Scorer, threshold: float) -> Scorer:
    """Return the model under a policy."""
    return Shuffled(scorer, threshold) if policy is Policy.RANDOM else scorer


class Shuffled:
    """A model whose high risks are in an order of chance: who is at risk stays as it is.

    Args:
        scorer: The model.
        threshold: From which probability on a risk is high.
    """

    def __init__(self, scorer: Scorer, threshold: float) -> None:
        self._scorer, self._threshold = scorer, threshold
        self.version, self.examples = scorer.version, scorer.examples
        self.may_alert = scorer.may_alert

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return no more than what keeps one step a bound of the path."""
        return np.minimum(self._scorer.hazard(heads, at_ms), 1.0 - self.reach(heads, at_ms))

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), or chance above the threshold."""
        said = self._scorer.reach(heads, at_ms)
        drawn = (heads[:, Rhythm.FIRST] * 0.618 + heads[:, Rhythm.LAST] * 0.414) / 977.0 % 1.0
        return np.where(
            said >= self._threshold, self._threshold + (1.0 - self._threshold) * drawn, said
        )

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H)."""
        return self._scorer.quiet(heads, at_ms)

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return the reasons of the model."""
        return self._scorer.explain(heads, at_ms)
