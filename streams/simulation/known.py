"""A model that needs no learning: a user comes at random in its own rhythm, or has left."""

from typing import Final

import numpy as np

from models.features import F64, PERIODS_PER_HORIZON, Rhythm
from streams.core.scoring import Reasons

LEFT: Final = 0.03
"""Share of the users who have left at the last activity that was seen of them."""

ODDS_MAX: Final = 30.0


class KnownScorer:
    """Scores by silence and mean gap alone; cheap, frozen, the same in every world.

    Args:
        horizon_ms: H.
    """

    version = "known_v1"
    examples = 1_000_000
    may_alert = True

    def __init__(self, horizon_ms: float) -> None:
        self._horizon = horizon_ms
        self._period = horizon_ms / PERIODS_PER_HORIZON

    def _quiet(self, heads: F64, at_ms: F64, further_ms: F64) -> F64:
        """Return P(no activity within a further span), shape (users,)."""
        gap = np.maximum(heads[:, Rhythm.GAP_MEAN], 0.05) * self._period
        stayed = (1.0 - LEFT) * np.exp(-(at_ms - heads[:, Rhythm.LAST]) / gap)
        left = LEFT / (LEFT + stayed)
        return np.asarray(left + (1.0 - left) * np.exp(-further_ms / gap))

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next period), shape (users,)."""
        return 1.0 - self._quiet(heads, at_ms, np.full(len(heads), self._period))

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (users,)."""
        left_ms = np.maximum(self._horizon - (at_ms - heads[:, Rhythm.LAST]), 0.0)
        return self._quiet(heads, at_ms, left_ms)

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (users,)."""
        return self._quiet(heads, at_ms, np.full(len(heads), self._horizon))

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return what silence adds to the log-odds of no activity within the next period."""
        quiet = np.clip(1.0 - self.hazard(heads, at_ms), 1e-12, 1.0 - 1e-12)
        odds = np.clip(np.log(quiet / (1.0 - quiet)), -ODDS_MAX, ODDS_MAX)
        return [(("silence", weight), ("base", 0.0)) for weight in odds.tolist()]
