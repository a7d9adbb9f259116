"""Scores of predictions against what happened, each said before its outcome was known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from models.calibration import ece, ece_floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.features import F64

WINDOW: Final = 5_000
"""Outcomes: AUC is known to about +-.008, and old drift has left."""
PROBABILITY_MIN: Final = 1e-7


class Grades(msgspec.Struct, frozen=True):
    """How good predictions were; what cannot be known yet is None.

    Attributes:
        outcomes: How many they were compared with.
        base_rate: Share that happened.
        mean: Mean probability said.
        auc: Share of pairs in the right order.
        ap: Average precision.
        brier: Mean squared error.
        log_loss: Mean negative log-likelihood, nats.
        ece: Calibration error over ten bins of equal mass.
        ece_floor: What a perfect model would show on as many rows.
    """

    outcomes: int = 0
    base_rate: float | None = None
    mean: float | None = None
    auc: float | None = None
    ap: float | None = None
    brier: float | None = None
    log_loss: float | None = None
    ece: float | None = None
    ece_floor: float | None = None


def grades(said: F64, happened: NDArray[np.bool_]) -> Grades:
    """Grade predictions (n,) by their outcomes (n,)."""
    if not len(said):
        return Grades()
    off = said - happened
    return Grades(
        outcomes=len(said),
        base_rate=float(happened.mean()),
        mean=float(said.mean()),
        auc=auc(said, happened),
        ap=average_precision(said, happened),
        brier=float(np.mean(off * off)),
        log_loss=float(log_losses(said, happened).mean()),
        ece=ece(said, happened),
        ece_floor=ece_floor(said),
    )


def log_losses(said: F64, happened: NDArray[np.bool_]) -> F64:
    """Return the negative log-likelihood of each prediction, nats, at most 16."""
    inside = np.clip(said, PROBABILITY_MIN, 1 - PROBABILITY_MIN)
    return -np.where(happened, np.log(inside), np.log1p(-inside))


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


def average_precision(said: F64, happened: NDArray[np.bool_]) -> float | None:
    """Return the mean of the precision at each recall step; equal scores are one step.

    Returns:
        The average precision, or None if nothing happened.
    """
    positives = int(np.count_nonzero(happened))
    if not positives:
        return None
    order = np.argsort(-said, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(said[order])), len(said) - 1)
    hits = np.cumsum(happened[order])[ends]
    precision = hits / (ends + 1)
    steps = np.diff(np.concatenate(([0], hits)))
    return float((precision * steps).sum() / positives)
