"""What is at stake with a user, and what contact is worth: the order in which places are given."""

from bisect import bisect_right
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.inputs import Score
from streams.core.rules import Rules
from streams.core.state import Column

F64 = NDArray[np.float64]
Number = TypeVar("Number", float, NDArray[np.float64])

HALF_LIFE_HORIZONS: Final = 4
"""A purchase counts half after so many horizons, as the fold of activities has it."""

LIFT_USUAL: Final = 0.1
"""What contact is believed to do to P(return) as long as nothing is known of it."""
LIFT_ERROR_KNOWN: Final = 0.05
"""Standard error at which an estimate of the lift counts half."""
BID_STEPS: Final = 20
RANKS: Final = 20
"""Steps of a rank."""
RANKED_LEAST: Final = 20
"""Among fewer users at risk nobody is ranked."""


def value_at(heads: F64, at_ms: F64, horizon_ms: float) -> F64:
    """Return the decayed net value of users at an instant, minor units, shape (users,)."""
    age = np.maximum(at_ms - heads[:, Rhythm.LAST], 0.0) / (HALF_LIFE_HORIZONS * horizon_ms)
    decayed: F64 = heads[:, Column.VALUE_DECAYED] * np.exp2(-age)
    return decayed


def quantised(reach: Number) -> Number:
    """Return a risk in the middle of its step, above 0 and below 1."""
    steps = np.minimum(np.floor(reach * BID_STEPS), BID_STEPS - 1.0)
    middle: Number = (steps + 0.5) / BID_STEPS
    return middle


def persuadability(lift: tuple[float, float] | None) -> float:
    """Return how much contact moves a user, beside what is usual: 1 as long as it is not known."""
    if lift is None:
        return 1.0
    mean, error = lift
    known = LIFT_ERROR_KNOWN**2 / (LIFT_ERROR_KNOWN**2 + error * error)
    return 1.0 - known + known * max(mean, 0.0) / LIFT_USUAL


def expected_loss(score: Score, cost: float, rules: Rules) -> float:
    """Return what contact is expected to save, less what it costs, minor units.

    That is P(this silence reaches H) × value at stake × persuadability − cost of contact.
    """
    stake = rules.stake_least + max(score.value, 0.0)
    return score.reach * stake * persuadability(score.lift) - cost


def loss_edges(heads: F64, at_ms: F64, rules: Rules) -> tuple[float, ...]:
    """Return the quantiles of what is at risk with users whose risk is not calm, rising.

    Args:
        heads: Shape (users, WIDTH): a sample.
        at_ms: Shape (users,).
        rules: Say what is at stake with users of no value.
    """
    at_risk = np.flatnonzero(heads[:, Column.BAND] > 0.0)
    if len(at_risk) < RANKED_LEAST:
        return ()
    value = value_at(heads[at_risk], at_ms[at_risk], float(rules.churn.horizon_ms))
    losses = heads[at_risk, Column.RISK] * (rules.stake_least + np.maximum(value, 0.0))
    return tuple(np.quantile(losses, np.linspace(0.0, 1.0, RANKS + 1)).tolist())


def rank(loss: float, edges: tuple[float, ...]) -> float | None:
    """Return the quantile of an expected loss, 0 … 1; None while there is nothing to compare."""
    if not edges:
        return None
    return min(bisect_right(edges, loss), RANKS) / RANKS


def quadrant(tier: str, reach: float, rules: Rules) -> str:
    """Return important by urgent: the highest tiers, and the half of the risk nearer to 1."""
    importance = "important" if tier in rules.important else "ordinary"
    urgency = "urgent" if reach >= (1.0 + rules.alert.probability) / 2 else "calm"
    return f"{importance}_{urgency}"
