"""The circuit breaker of a provider: while it is away nothing is begun, but for one touch to see.

A touch that is begun while the provider is away ends as unknown more often than not.
"""

from collections.abc import Callable
from typing import Final

FAILURES_MAX: Final = 10
"""In a row, from touches of different users: it is the provider, not a touch."""
OPEN_BASE_S: Final = 1.0
OPEN_MAX_S: Final = 60.0


class Breaker:
    """Closed: all may pass; open: nothing; then one at a time, until one of them gets through.

    Args:
        chance: Returns a number in [0, 1).
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._failures = 0
        self._rounds = 0
        self._open_until_s = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether the provider is taken for away."""
        return self._failures >= FAILURES_MAX

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before something is begun; 0.0 = now.

        Args:
            now_s: A monotonic instant, seconds.
        """
        if not self.is_open:
            return 0.0
        if self._is_probing:
            return OPEN_BASE_S
        return max(0.0, self._open_until_s - now_s)

    def begin(self) -> None:
        """Note that something is begun."""
        self._is_probing = self.is_open

    def succeed(self) -> None:
        """Note that the provider answered, whatever it said."""
        self._failures = self._rounds = 0
        self._is_probing = False

    def fail(self, now_s: float) -> None:
        """Note that it was not there, or did not answer."""
        was_probing, self._is_probing = self._is_probing, False
        self._failures += 1
        if self._failures == FAILURES_MAX or was_probing:
            bound_s = min(OPEN_MAX_S, OPEN_BASE_S * 2**self._rounds)
            wait_s = bound_s * (1 + self._chance()) / 2  # Never at once: that would be no pause.
            self._open_until_s = now_s + wait_s
            self._rounds += 1

    def withdraw(self) -> None:
        """Note that what was begun did not come to a call."""
        self._is_probing = False
