"""The door to the models: what a partition asks of a scorer."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


class Scorer(Protocol):
    """Scores users from the numbers of their state; a row's answer depends on no other row."""

    @property
    def version(self) -> str:
        """Name of the model and what it was trained to."""

    @property
    def examples(self) -> int:
        """Matured examples behind it."""

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next period), shape (users,)."""

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (users,)."""

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (users,)."""

    def reasons(self, heads: F64, at_ms: F64) -> list[tuple[tuple[str, float], ...]]:
        """Return per user the feature groups that weigh most, (code, weight)."""


class Observer(Protocol):
    """Watches a partition at work; a back-test writes down what it sees."""

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        """Take note of P(this silence reaches H) of eligible users at a rescore."""

    def alert(self, user_id: str, at_ms: int) -> None:
        """Take note of a case that was opened."""
