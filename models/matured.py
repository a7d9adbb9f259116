"""The long horizon learned directly: outcomes over H, each learned only when H is over.

What everybody builds first. It starts H later than the hazard, knows one horizon and no *when*; it
is here to be compared with, and where the hazard's steps do not multiply it will win.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from models.calibration import logit, sigmoid
from models.features import PERIODS_PER_HORIZON, Rhythm, columns_at
from models.learner import SecondOrderLearner
from models.reasons import Reasons, foremost
from models.scorer import LinearScorer, Scorer, explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.features import F64

OUTCOMES_MIN: Final = 200
"""Outcomes over H before it says anything."""


class MaturedScorer:
    """Scores P(no activity within H) directly; other spans as if the rate were constant.

    Args:
        linear: Log-odds of being *active* within H.
    """

    may_alert = True

    def __init__(self, linear: LinearScorer) -> None:
        self.linear = linear
        self.version, self.examples = linear.version, linear.examples

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (n,)."""
        return sigmoid(-self.linear.logit(self._columns(heads, at_ms)))

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next H/4), shape (n,), at a constant rate."""
        return 1.0 - self.quiet(heads, at_ms) ** (1.0 / PERIODS_PER_HORIZON)

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (n,), at a constant rate."""
        silence = (at_ms - heads[:, Rhythm.LAST]) / self.linear.horizon_ms
        left = np.minimum(np.maximum(1.0 - silence, 0.0), 1.0)
        reach: F64 = self.quiet(heads, at_ms) ** left
        return reach

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per row what each group says; the base makes them add up to -logit(hazard)."""
        leaving = -self.linear.group_logits(self._columns(heads, at_ms))
        return explained(leaving, -logit(self.hazard(heads, at_ms)))

    def reasons(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per row what speaks most for leaving: the head of ``explain``."""
        return foremost(self.explain(heads, at_ms))

    def _columns(self, heads: F64, at_ms: F64) -> F64:
        return columns_at(heads, at_ms, self.linear.horizon_ms, self.linear.width)


class MaturedLearner(SecondOrderLearner):
    """The second-order logistic regression, taught by outcomes over H."""

    def __init__(self, name: str, horizon_ms: int, columns: Sequence[str] = ()) -> None:
        super().__init__(name, horizon_ms, columns)

    def learn(
        self, rows: NDArray[np.floating], active: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Leave the examples of single periods alone."""

    def mature(
        self, rows: NDArray[np.floating], churned: NDArray[np.bool_], weight: NDArray[np.floating]
    ) -> None:
        """Learn outcomes over H: rows (n, 40) when asked, silent for all of H (n,), weight (n,)."""
        super().learn(rows, ~churned, weight)

    def scorer(self) -> Scorer | None:
        """Return the scorer of now; None before enough has matured."""
        if self.examples < OUTCOMES_MIN:
            return None
        linear = super().scorer()
        assert isinstance(linear, LinearScorer)
        return MaturedScorer(linear)
