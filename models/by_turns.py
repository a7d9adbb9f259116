"""Scorers that were in force one after the other, asked at once: each row the one of its time.

A back-test asks thousands of scorers of a few rows each, so the calls are what it costs. Those that
differ in nothing but weights are one computation; what is said is the same, to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.bgnbd import BgNbdScorer
from models.calibration import logit, sigmoid
from models.hazard import reach_by_turns, tabled
from models.kernel.library import path_kernel
from models.scorer import LinearScorer
from models.serving import ServingScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.features import F64


class ByTurns:
    """Linear models with the prior beside them, or the prior alone.

    Args:
        lines: The models.
        numbers: Shape (scorers,): the model of each scorer, 0 where the prior is alone.
        prior_weights: Shape (scorers,): share of the prior, 1 where it is alone.
    """

    def __init__(
        self, lines: Sequence[LinearScorer], numbers: NDArray[np.int64], prior_weights: F64
    ) -> None:
        self._models = tabled([line.weights for line in lines])
        self._numbers, self._prior_weights = numbers, prior_weights
        self._horizon_ms = lines[0].horizon_ms
        self._prior = BgNbdScorer(self._horizon_ms)

    def reach(self, which: NDArray[np.intp], heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (users,), each by the scorer of its number."""
        numbers = self._numbers[which]
        model = reach_by_turns(self._models, numbers, heads, at_ms, self._horizon_ms)
        share = self._prior_weights[which]
        if not share.any():
            return model
        prior = self._prior.reach(heads, at_ms)
        odds = (1.0 - share) * logit(model) + share * logit(prior)
        blended = np.where((model >= 1.0) & (prior >= 1.0), 1.0, sigmoid(odds))
        return np.where(share == 0.0, model, np.where(share == 1.0, prior, blended))


def by_turns(scorers: Sequence[object]) -> ByTurns | None:
    """Return scorers as one; None where there is no kernel, or one of them is of another kind."""
    lines: list[LinearScorer] = []
    numbers, shares = [], []
    for scorer in scorers:
        model = scorer.model if isinstance(scorer, ServingScorer) else scorer
        share = scorer.prior_weight if isinstance(scorer, ServingScorer) else 0.0
        if isinstance(model, BgNbdScorer) and not isinstance(scorer, ServingScorer):
            numbers.append(0)
            shares.append(1.0)
        elif isinstance(model, LinearScorer) and share < 1.0:
            numbers.append(len(lines))
            shares.append(share)
            lines.append(model)
        else:
            return None
    if path_kernel() is None or len({(line.width, line.horizon_ms) for line in lines}) != 1:
        return None
    return ByTurns(lines, np.array(numbers), np.array(shares))
