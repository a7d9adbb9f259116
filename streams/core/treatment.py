"""Treatment: a user whom we touched teaches nothing of what happens when nobody acts."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.core.rules import Rules
from streams.core.state import Column

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

SHARE_LEAST: Final = 0.01  # Exposures may be older than a holdout that was since given up.


class Treatment:
    """What touches do to whatever is learned of a user."""

    def __init__(self, rules: Rules, *, is_shadow: bool) -> None:
        """Args: ``is_shadow``: nobody was really touched, so everybody counts."""
        self._is_shadow = is_shadow
        self._carry_over_ms = rules.carry_over_ms
        self._weight = 1.0 / max(rules.holdout.share, SHARE_LEAST)

    def weighed(self, heads: F64, opened_ms: F64) -> tuple[Flags, F32]:
        """Return who is untreated, and how much what was opened then counts.

        Args:
            heads: Shape (users, WIDTH), when it is complete.
            opened_ms: Shape (users,): when it was opened.

        Returns:
            Shape (users,) both. Untreated: no touch since ``carry_over`` before the opening. The
            weight is 1, or 1/holdout share for who was held out in that time.
        """
        weight = np.ones(len(opened_ms), np.float32)
        if self._is_shadow:
            return np.ones(len(opened_ms), np.bool_), weight
        since = opened_ms - self._carry_over_ms
        treated, exposed = heads[:, Column.TREATED_AT], heads[:, Column.EXPOSED_AT]
        weight[(exposed > 0.0) & (exposed > since)] = self._weight
        return (treated <= 0.0) | (treated <= since), weight
