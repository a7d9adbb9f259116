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
        session_timeout_ms: Silence after which Kafka takes a worker for dead.

    Attributes:
        takeover_ms: From the kill until every partition of the killed worker was durable again.
    """

    def __init__(self, session_timeout_ms: int) -> None:
        self.takeover_ms: int | None = None
        self._session_timeout_ms = session_timeout_ms
        self._killed_ms: int | None = None
        self._partitions: tuple[int, ...] = ()
        self._is_replaced = False

    def killed(self, partitions: tuple[int, ...], at_ms: int) -> None:
        """Take note of the kill of a worker that owned partitions."""
        self._killed_ms, self._partitions = at_ms, partitions

    def cue(self, share: float, now_ms: int, moved_ms: Mapping[int, int]) -> Cue | None:
        """Return what happens now, if anything.

        Args:
            share: How much of the log is durable, 0 … 1.
            now_ms: Epoch ms UTC.
            moved_ms: When the newest commit of each partition was made, epoch ms UTC.
        """
        if self._killed_ms is None:
            return Cue.KILL if share >= KILL_AT_SHARE else None
        if self.takeover_ms is None:
            moved = [moved_ms.get(number, 0) for number in self._partitions]
            if all(at_ms > self._killed_ms for at_ms in moved):
                self.takeover_ms = max(moved, default=now_ms) - self._killed_ms
                return Cue.TAKEN_OVER
        may_replace = self.takeover_ms is not None or self._is_late(now_ms)
        if not self._is_replaced and share >= REPLACE_AT_SHARE and may_replace:
            self._is_replaced = True
            return Cue.REPLACE
        return None

    def _is_late(self, now_ms: int) -> bool:
        """Return whether the takeover takes so long that help may come before it."""
        assert self._killed_ms is not None
        return now_ms - self._killed_ms > 2 * self._session_timeout_ms
