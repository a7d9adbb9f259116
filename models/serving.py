"""What is in force: the champion, the prior beside it while little is learned, the calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.bgnbd import BgNbdScorer
from models.calibration import IDENTITY, Platt, logit, sigmoid
from models.catalogue import scorer_of
from models.feature_list import GROUPS
from models.reasons import BASE, Reasons, foremost
from models.scorer import explained
from models.snapshot import Phase, Serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.features import F64
    from models.scorer import Scorer


class ServingScorer:
    """Scores by a model, a prior, or both, and calibrates what is said over H.

    Log-odds are mixed, so order and certainty of both survive. Only P(no activity within the next
    H) is calibrated: that is the question whose outcomes are known.

    Args:
        model: The champion.
        prior: What speaks beside it.
        prior_weight: Share of the prior, 0 to 1.
        platt: Calibration of P(no activity within H).
        may_alert: Whether alerts may rest on it.
    """

    def __init__(
        self, model: Scorer, prior: Scorer, prior_weight: float, platt: Platt, *, may_alert: bool
    ) -> None:
        self.model, self.prior = model, prior
        self.prior_weight, self.platt, self.may_alert = prior_weight, platt, may_alert
        self.examples = model.examples
        self.version = model.version
        if prior_weight:
            self.version = f"{model.version}+{prior.version}*{prior_weight:.4f}"

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next H/4), shape (users,)."""
        return self._blend(lambda scorer: scorer.hazard(heads, at_ms))

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (users,)."""
        return self._blend(lambda scorer: scorer.reach(heads, at_ms))

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (users,), calibrated."""
        return self.platt(self.raw_quiet(heads, at_ms))

    def raw_quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return the same before calibration."""
        return self._blend(lambda scorer: scorer.quiet(heads, at_ms))

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per user what each group of features says, and the base; they add up."""
        if not self.prior_weight:
            return self.model.explain(heads, at_ms)
        leaving = np.zeros((len(GROUPS), len(heads)))
        for scorer, share in (
            (self.model, 1.0 - self.prior_weight),
            (self.prior, self.prior_weight),
        ):
            for place, row in enumerate(scorer.explain(heads, at_ms)):
                for code, weight in row:
                    if code != BASE:
                        leaving[GROUPS.index(code), place] += share * weight
        return explained(leaving, -logit(self.hazard(heads, at_ms)))

    def reasons(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per user the feature groups that weigh most, (code, weight)."""
        return foremost(self.explain(heads, at_ms))

    def _blend(self, ask: Callable[[Scorer], F64]) -> F64:
        if not self.prior_weight:
            return ask(self.model)
        model, prior = ask(self.model), ask(self.prior)
        odds = (1.0 - self.prior_weight) * logit(model) + self.prior_weight * logit(prior)
        is_certain = (model >= 1.0) & (prior >= 1.0)
        return np.where(is_certain, 1.0, sigmoid(odds))


def in_force(
    model: Scorer | None,
    horizon_ms: float,
    *,
    prior_weight: float = 0.0,
    platt: Platt = IDENTITY,
    may_alert: bool = True,
) -> Scorer:
    """Return the scorer of a champion and what stands beside it; the prior alone without one."""
    prior = BgNbdScorer(horizon_ms)
    if model is None or prior_weight >= 1.0:
        return prior
    return ServingScorer(model, prior, prior_weight, platt, may_alert=may_alert)


def serving_scorer(serving: Serving) -> Scorer:
    """Return the scorer that a worker uses.

    Raises:
        SnapshotRefused: Its model cannot be used.
    """
    model = None if serving.model is None else scorer_of(serving.model)
    alone = serving.phase in {Phase.PRIOR, Phase.FALLEN_BACK}
    return in_force(
        model,
        serving.horizon_ms,
        prior_weight=1.0 if alone else serving.prior_weight,
        platt=serving.platt,
        may_alert=serving.may_alert,
    )
