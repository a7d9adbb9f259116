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


def grades(said: F64, happened: NDArray[np.bool_], weight: F64 | None = None) -> Grades:
    """Grade predictions (n,) by their outcomes (n,), which may have weights (n,)."""
    if not len(said):
        return Grades()
    weight = np.ones(len(said)) if weight is None else weight
    off = said - happened
    return Grades(
        outcomes=len(said),
        base_rate=float(np.average(happened, weights=weight)),
        mean=float(np.average(said, weights=weight)),
        auc=auc(said, happened, weight),
        ap=average_precision(said, happened, weight),
        brier=float(np.average(off * off, weights=weight)),
        log_loss=float(np.average(log_losses(said, happened), weights=weight)),
        ece=ece(said, happened, weight=weight),
        ece_floor=ece_floor(said, weight=weight),
    )


def log_losses(said: F64, happened: NDArray[np.bool_]) -> F64:
    """Return the negative log-likelihood of each prediction, nats, at most 16."""
    inside = np.clip(said, PROBABILITY_MIN, 1 - PROBABILITY_MIN)
    return -np.where(happened, np.log(inside), np.log1p(-inside))


def auc(said: F64, happened: NDArray[np.bool_], weight: F64 | None = None) -> float | None:
    """Return the share of (positive, negative) pairs in the right order, ties by half.

    Args:
        said: Shape (n,), predictions.
        happened: Shape (n,), outcomes.
        weight: Shape (n,), positive; a pair weighs the product of both. All 1 by default.

    Returns:
        The area under the ROC curve, or None if only one kind of outcome is there.

    Source:
        Mann & Whitney (1947): of each positive, the negatives below it.
    """
    if happened.all() or not happened.any():
        return None
    weight = np.ones(len(said)) if weight is None else weight
    _, inverse = np.unique(said, return_inverse=True)
    positive = np.bincount(inverse, weight * happened)
    negative = np.bincount(inverse, weight * ~happened)
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (positive.sum() * negative.sum()))


def average_precision(
    said: F64, happened: NDArray[np.bool_], weight: F64 | None = None
) -> float | None:
    """Return the mean of the precision at each recall step; equal scores are one step.

    Returns:
        The average precision, or None if nothing happened.
    """
    if not happened.any():
        return None
    weight = np.ones(len(said)) if weight is None else weight
    order = np.argsort(-said, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(said[order])), len(said) - 1)
    hits = np.cumsum((weight * happened)[order])[ends]
    precision = hits / np.cumsum(weight[order])[ends]
    steps = np.diff(np.concatenate(([0.0], hits)))
    return float((precision * steps).sum() / hits[-1])
