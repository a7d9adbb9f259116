"""The models by name. Names are permanent: a changed model is a new name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from models.learner import HazardLearner

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.learner import Learner

CHAMPION: Final = "hazard_logistic_v1"


def hazard_logistic_v1(horizon_ms: int) -> Learner:
    """Return the hazard over all features: a second-order online logistic regression."""
    return HazardLearner("hazard_logistic_v1", horizon_ms)


def recency_v1(horizon_ms: int) -> Learner:
    """Return the same learner that sees nothing but the silence."""
    return HazardLearner("recency_v1", horizon_ms, columns=("lrec",))


CATALOGUE: Final[dict[str, Callable[[int], Learner]]] = {
    "hazard_logistic_v1": hazard_logistic_v1,
    "recency_v1": recency_v1,  # the floor every challenger must beat
}
