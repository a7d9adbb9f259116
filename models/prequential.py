"""Scores of predictions against what happened, each said before its outcome was learned."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import F64

WINDOW: Final = 20_000  # Outcomes: AUC is known to about +-.004, and old drift has left.
PROBABILITY_MIN: Final = 1e-7


class Prequential:
    """Log loss, AUC and rates over the newest outcomes, computed when they are asked for.

    Args:
        window: Outcomes to look back on.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self.window = window
        self.outcomes = 0
        self._said: F64 = np.zeros(window)
        self._happened: NDArray[np.bool_] = np.zeros(window, np.bool_)

    def update(self, probability: F64, happened: NDArray[np.bool_]) -> None:
        """Add predictions (n,) and their outcomes (n,), in order."""
        places = (self.outcomes + np.arange(len(probability))) % self.window
        self._said[places] = probability
        self._happened[places] = happened
        self.outcomes += len(probability)

    def as_dict(self) -> dict[str, float | None]:
        """Return the scores; a score that cannot be known yet is None."""
        count = min(self.outcomes, self.window)
        said, happened = self._said[:count], self._happened[:count]
        if not count:
            empty = dict.fromkeys(("log_loss", "auc", "base_rate", "mean_probability"))
            return {"outcomes": 0, **empty}
        clipped = np.clip(said, PROBABILITY_MIN, 1 - PROBABILITY_MIN)
        losses = np.where(happened, np.log(clipped), np.log1p(-clipped))
        return {
            "outcomes": self.outcomes,
            "log_loss": -float(losses.mean()),
            "auc": auc(said, happened),
            "base_rate": float(happened.mean()),
            "mean_probability": float(said.mean()),
        }


def auc(said: F64, happened: NDArray[np.bool_]) -> float | None:
    """Return the share of (positive, negative) pairs in the right order, ties by half.

    Args:
        said: Shape (n,), predictions.
        happened: Shape (n,), outcomes.

    Returns:
        The area under the ROC curve, or None if only one kind of outcome is there.

    Source:
        Mann & Whitney (1947): the rank sum of the positives.
    """
    positives = int(np.count_nonzero(happened))
    negatives = len(said) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(said, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    ranked = float(ranks[inverse][happened].sum())
    return (ranked - positives * (positives + 1) / 2) / (positives * negatives)
