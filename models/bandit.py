"""Choice among variants: how often each should be used, given what its episodes brought.

Thompson sampling draws a variant as often as it is the best one under the belief. Here nothing is
drawn: that probability is integrated, so that the odds of a choice can be said and kept on record,
and a salted hash of the user turns them into a choice. What the odds are is what River's
``bandit.ThompsonSampling(proba.Beta(...))`` would do with the same belief; a test holds them
together.

Source:
    Thompson (1933), Biometrika 25; Agrawal & Goyal (2012), "Analysis of Thompson sampling for the
    multi-armed bandit problem", COLT.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import numpy as np

if TYPE_CHECKING:
    from models.features import F64

Reward = Literal["returned", "value"]

MEMORY: Final = 20_000
"""Treated episodes of a playbook after which one has faded to 1/e: what works changes slowly."""
EXPLORED: Final = 0.05
"""Share of choices in equal parts, whatever is believed: no propensity may vanish."""
PRIOR_COUNT: Final = 2.0
"""Returns, or stays away, whichever is rarer, that a new variant is thought to have had."""
GRID: Final = 161
"""Points per variant of the integral; four times as many change no odds by more than 1e-4."""
SPAN: Final = 8.0
"""Standard deviations of a belief that the integral covers on either side."""
DIGITS: Final = 6


class Arm(msgspec.Struct, frozen=True, array_like=True):
    """What the treated episodes of a variant brought; all sums fade.

    Attributes:
        playbook: Name.
        variant: Name.
        count: Episodes.
        returned: Of them, users who came back.
        value: Sum of the net value gained, minor units.
        square: Sum of its squares.
    """

    playbook: str
    variant: str
    count: float = 0.0
    returned: float = 0.0
    value: float = 0.0
    square: float = 0.0

    def add(self, returned: float, value: float) -> Arm:
        """Return the arm after one more episode."""
        return Arm(
            self.playbook,
            self.variant,
            self.count + 1.0,
            self.returned + returned,
            self.value + value,
            self.square + value * value,
        )

    def faded(self, share: float) -> Arm:
        """Return the arm with everything shrunk to a share."""
        sums = (self.count, self.returned, self.value, self.square)
        return Arm(self.playbook, self.variant, *(share * each for each in sums))


@lru_cache(maxsize=1_024)
def odds(arms: tuple[Arm, ...], reward: Reward = "returned") -> tuple[float, ...]:
    """Return how often each variant should be used, shape (arms,); they add up to 1.

    A variant that is new is believed to be like the others, within wide limits.
    """
    if len(arms) == 1:
        return (1.0,)
    best = _best(*(_of_returns(arms) if reward == "returned" else _of_value(arms)))
    mixed = (1.0 - EXPLORED) * best + EXPLORED / len(arms)
    return tuple(round(float(share), DIGITS) for share in mixed / mixed.sum())


def _of_returns(arms: tuple[Arm, ...]) -> tuple[F64, F64]:
    """Return the grid and the log densities on it of the log-odds of return, (arms, points)."""
    count = sum(arm.count for arm in arms)
    pooled = (sum(arm.returned for arm in arms) + 1.0) / (count + 2.0)
    strength = PRIOR_COUNT / min(pooled, 1.0 - pooled)
    a = np.array([arm.returned + strength * pooled for arm in arms])
    b = np.array([arm.count - arm.returned + strength * (1.0 - pooled) for arm in arms])
    points = _points(np.log(a / b), np.sqrt(1.0 / a + 1.0 / b))
    # Of a Beta belief in the rate; in log-odds it has no poles.
    return points, a[:, None] * points - (a + b)[:, None] * np.logaddexp(0.0, points)


def _of_value(arms: tuple[Arm, ...]) -> tuple[F64, F64]:
    """Return the same of the mean value."""
    count = np.array([arm.count for arm in arms])
    value = np.array([arm.value for arm in arms])
    total = max(float(count.sum()), 1.0)
    pooled = float(value.sum()) / total
    variance = max(sum(arm.square for arm in arms) / total - pooled**2, 1e-12)
    mean = (value + PRIOR_COUNT * pooled) / (count + PRIOR_COUNT)
    spread = np.sqrt(variance / (count + PRIOR_COUNT))
    points = _points(mean, spread)
    return points, -0.5 * ((points - mean[:, None]) / spread[:, None]) ** 2


def _points(middle: F64, spread: F64) -> F64:
    steps = np.linspace(-SPAN, SPAN, GRID)
    return np.unique(middle[:, None] + spread[:, None] * steps)


def _best(points: F64, logs: F64) -> F64:
    """Return the probability of each arm that it is the largest, shape (arms,)."""
    density = np.exp(logs - logs.max(axis=1, keepdims=True))
    cells = 0.5 * np.diff(points) * (density[:, 1:] + density[:, :-1])
    mass = cells / cells.sum(axis=1, keepdims=True)
    upto = np.cumsum(mass, axis=1)
    below = upto - 0.5 * mass  # Within a cell, on average half of the others' mass lies below.
    chances = np.array(
        [(mass[arm] * np.delete(below, arm, axis=0).prod(axis=0)).sum() for arm in range(len(logs))]
    )
    total: F64 = chances / chances.sum()
    return total
