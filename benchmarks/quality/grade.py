"""Grades of probabilities: ranking, and whether they come true as often as they say.

Shares no code with the product, nor with any library of machine learning.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from benchmarks.quality.points import Points

BINS: Final = 10
SNAPSHOT_MIN: Final = 30
"""Users that an instant must have for a ranking among them."""
DRAWS: Final = 20


class Grades(NamedTuple):
    """How good answers were.

    Attributes:
        points: How many were graded.
        base_rate: Share that left.
        auc: Over all instants.
        within: Among users of the same instant, averaged by users.
        ap: Average precision.
        brier: Mean squared error.
        ece: Mean distance of said and seen over ten bins of equal size.
        floor: The same of a perfect model that says as much.
    """

    points: int
    base_rate: float
    auc: float
    within: float
    ap: float
    brier: float
    ece: float
    floor: float


def grade(asked: Points, said: np.ndarray) -> Grades:
    """Grade the answers to points that count."""
    churned, said, at_ms = (
        column[asked.is_graded] for column in (asked.churned, said, asked.at_ms)
    )
    return Grades(
        len(said),
        float(churned.mean()),
        auc(churned, said),
        within(churned, said, at_ms),
        average_precision(churned, said),
        float(np.square(said - churned).mean()),
        ece(churned, said),
        ece_of_a_perfect_model(said),
    )


def auc(outcome: np.ndarray, score: np.ndarray) -> float:
    """Return P(score of one that left > score of one that stayed), ties counted half.

    Source:
        Mann & Whitney (1947), Annals of Mathematical Statistics 18(1).
    """
    values, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    assert len(rank) == len(score) >= len(values)
    left = int(outcome.sum())
    stayed = len(outcome) - left
    return float((rank[outcome].sum() - left * (left + 1) / 2) / (left * stayed))


def within(outcome: np.ndarray, score: np.ndarray, at_ms: np.ndarray) -> float:
    """Return the AUC among users of the same instant, averaged by users.

    It is what a daily budget uses, and is blind to a level that wanders over time.
    """
    total = rows = 0.0
    for instant in np.unique(at_ms):
        now = at_ms == instant
        if now.sum() >= SNAPSHOT_MIN and 0 < outcome[now].mean() < 1:
            total += auc(outcome[now], score[now]) * now.sum()
            rows += now.sum()
    return float(total / max(rows, 1.0))


def average_precision(outcome: np.ndarray, score: np.ndarray) -> float:
    """Return the mean precision at each one that left, from the highest score down.

    Equal scores are taken together.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum(outcome[order])[ends]
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / (ends + 1)).sum() / hits[-1])


def ece(outcome: np.ndarray, said: np.ndarray) -> float:
    """Return the expected calibration error over bins of equal size."""
    parts = np.array_split(np.argsort(said, kind="stable"), BINS)
    off = [len(part) * abs(outcome[part].mean() - said[part].mean()) for part in parts if len(part)]
    return float(sum(off) / len(outcome))


def ece_of_a_perfect_model(said: np.ndarray) -> float:
    """Return the error that remains by chance when all that is said is true."""
    chance = np.random.default_rng(0)
    return float(np.mean([ece(chance.random(len(said)) < said, said) for _ in range(DRAWS)]))
