"""How often something happened lately, as a provider counts it: the day rolls."""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable


class Rolling:
    """Counts what was taken, by key; each key is asked for one span only.

    Args:
        now_s: The clock, seconds.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._taken: defaultdict[Hashable, deque[float]] = defaultdict(deque)

    def count(self, key: Hashable) -> None:
        """Take note that it happened now."""
        self._taken[key].append(self._now_s())

    def within(self, key: Hashable, span_s: float) -> int:
        """Return how often it happened in the last so many seconds; older ones are forgotten."""
        since_s, taken = self._now_s() - span_s, self._taken[key]
        while taken and taken[0] <= since_s:
            taken.popleft()
        return len(taken)
