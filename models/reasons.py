"""Explanations: what each group of features adds to a score, in a stable order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.features import F64

Reasons: TypeAlias = tuple[tuple[str, float], ...]
"""Per group its code and weight: log-odds toward leaving within the next period H/4."""

REASONS_MAX: Final = 3
BASE: Final = "base"  # The average user, and what a limit on the logit cut off.
GRAIN: Final = 0.05  # Weights that round to the same are equal evidence, in the features' order.


def listed(groups: Mapping[str, F64], base: F64) -> list[Reasons]:
    """Return the reasons of each row, those that speak most for leaving first, then the base.

    Groups whose weights are the same, rounded to the grain, keep the order in which they are
    given, so that equal evidence is told in the same order every time.

    Args:
        groups: Code of a group to its weights, shape (n,).
        base: Shape (n,): the rest of the score.
    """
    codes = tuple(groups)
    weights = np.array([groups[code] for code in codes])
    order = np.argsort(-np.round(weights / GRAIN), axis=0, kind="stable").T.tolist()
    rows = zip(order, weights.T.tolist(), base.tolist(), strict=True)
    return [
        (*((codes[place], row[place]) for place in places), (BASE, rest))
        for places, row, rest in rows
    ]


def foremost(explained: Iterable[Reasons]) -> list[Reasons]:
    """Return the groups that speak most for leaving, at most three a row."""
    return [row[:REASONS_MAX] for row in explained]


def changed(now: Reasons, then: Reasons) -> Reasons:
    """Return by how much each group and the base moved between two explanations of a user.

    Both may be of different models; what only one of them names counts as 0 in the other.
    """
    after, before = dict(now), dict(then)
    codes = dict.fromkeys((*after, *before))
    return tuple((code, after.get(code, 0.0) - before.get(code, 0.0)) for code in codes)
