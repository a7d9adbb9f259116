"""The script of the demo: when a worker is killed, and when another takes its place."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

KILL_AT_SHARE: Final = 0.45
REPLACE_AT_SHARE: Final = 0.6


class Cue(StrEnum):
    """What happens now."""

    KILL = "kill"
    TAKEN_OVER = "taken_over"
    REPLACE = "replace"


class Script:
    """Pure: time and progress come in, cues come out, each once.

    Args:
        session_timeout_s: Silence after which Kafka takes a worker for dead.

    Attributes:
        takeover_s: From the kill until every partition of the killed worker was durable again.
    """

    def __init__(self, session_timeout_s: float) -> None:
        self.takeover_s: float | None = None
        self._session_timeout_s = session_timeout_s
        self._killed_s: float | None = None
        self._partitions: tuple[int, ...] = ()
        self._is_replaced = False

    def killed(self, partitions: tuple[int, ...], at_s: float) -> None:
        """Take note of the kill of a worker that owned partitions."""
        self._killed_s, self._partitions = at_s, partitions

    def cue(self, share: float, now_s: float, moved_s: Mapping[int, float]) -> Cue | None:
        """Return what happens now, if anything.

        Args:
            share: How much of the log is durable, 0 … 1.
            now_s: Seconds on a steady clock.
            moved_s: When the newest commit of each partition was seen.
        """
        if self._killed_s is None:
            return Cue.KILL if share >= KILL_AT_SHARE else None
        if self.takeover_s is None:
            # The killed one's last commits are still to be read; nobody can take over so soon.
            since_s = self._killed_s + self._session_timeout_s / 2
            moved = [moved_s.get(number, 0.0) for number in self._partitions]
            if all(at_s > since_s for at_s in moved):
                self.takeover_s = max(moved, default=now_s) - self._killed_s
                return Cue.TAKEN_OVER
        may_replace = self.takeover_s is not None or self._is_late(now_s)
        if not self._is_replaced and share >= REPLACE_AT_SHARE and may_replace:
            self._is_replaced = True
            return Cue.REPLACE
        return None

    def _is_late(self, now_s: float) -> bool:
        """Return whether the takeover takes so long that help may come before it."""
        assert self._killed_s is not None
        return now_s - self._killed_s > 2 * self._session_timeout_s
