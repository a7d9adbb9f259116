"""What time it is for a sender: that of the wall, or that of the messages of a replayed log."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells whether a touch is due or expired.

    Attributes:
        looks_ahead: Whether what follows in the same batch happened before now. Live it did; in a
            replayed log the revocation next to a touch came days after it.
    """

    looks_ahead: bool

    def see(self, partition: int, at_ms: int) -> None:
        """Take note of the ``ce_time`` of a message, epoch ms UTC."""

    def now_ms(self, partition: int) -> int:
        """Return the instant for the touches of a partition, epoch ms UTC."""


def now_ms() -> int:
    """Return the instant of the wall clock, epoch milliseconds UTC."""
    return time.time_ns() // 1_000_000


class WallClock:
    """Live traffic: now is now."""

    looks_ahead = True

    def see(self, partition: int, at_ms: int) -> None:
        """Ignore what messages say."""

    def now_ms(self, partition: int) -> int:  # noqa: ARG002 (the same for all)
        """Return the time of the wall."""
        return now_ms()


class EventClock:
    """A log of the past: now is the newest ``ce_time`` seen, so that nothing of it has expired.

    Every partition has its own: at a year in a minute, one that is a second behind is days behind.
    """

    looks_ahead = False

    def __init__(self) -> None:
        self._newest_ms: dict[int, int] = {}

    def see(self, partition: int, at_ms: int) -> None:
        """Move the clock of a partition; it never goes back."""
        self._newest_ms[partition] = max(at_ms, self._newest_ms.get(partition, 0))

    def now_ms(self, partition: int) -> int:
        """Return the newest instant seen, or 0 before the first."""
        return self._newest_ms.get(partition, 0)
