"""What a sender does when partitions come and go."""

import time
from collections.abc import Awaitable, Callable, Mapping
from threading import Event, Lock
from typing import Any, Final

from kafka import AsyncConsumerRebalanceListener, TopicPartition
from kafka.errors import KafkaError
from kafka.net.selector import KernelEvent

from winback_sender.engine.news import Gone, Leaving
from winback_sender.logs import get_logger

log = get_logger(__name__)

HANDOVER_S: Final = 10.0
"""So long a partition that goes waits for its touches under way."""
PAUSE_S: Final = 0.01


class Rebalance(AsyncConsumerRebalanceListener):
    """Lets partitions go in order: touches under way first, then the offsets, then the partitions.

    Args:
        commit: Commits offsets.
        tell: Takes the news.
        is_stopping: Set when the sender ends, and has committed already.

    Attributes:
        has_joined: Whether the group has given us our partitions, be it none.
    """

    def __init__(
        self,
        commit: Callable[[Mapping[int, int]], Awaitable[None]],
        tell: Callable[[Leaving | Gone], None],
        is_stopping: Event,
    ) -> None:
        self._commit = commit
        self._tell = tell
        self._is_stopping = is_stopping
        self.has_joined = False
        self._fresh: set[TopicPartition] = set()
        self._lock = Lock()
        self._offsets: Mapping[int, int] = {}
        self._may_go = Event()
        self._joining_since_s: float | None = None

    @property
    def joining_s(self) -> float:
        """How long we have been without an answer of the group, seconds; 0.0 = we have one."""
        since_s = self._joining_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def joins(self) -> None:
        """Note that the group is asked for partitions."""
        self._joining_since_s = time.monotonic()

    def take_fresh(self) -> set[TopicPartition]:
        """Return the partitions that came since it was called last."""
        with self._lock:
            fresh, self._fresh = self._fresh, set()
        return fresh

    def let_go(self, offsets: Mapping[int, int]) -> None:
        """Say that nothing of what leaves is under way, and what is done of it."""
        self._offsets = offsets
        self._may_go.set()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Commit while the partitions are still ours, so that the next owner reads nothing twice.

        If that fails, or takes too long, the next owner reads them again, and the journal knows.
        """
        self.joins()
        partitions = frozenset(part.partition for part in revoked)
        if not partitions or self._is_stopping.is_set():
            return
        self._may_go.clear()
        self._tell(Leaving(partitions))
        end_s = time.monotonic() + HANDOVER_S
        while not self._may_go.is_set() and time.monotonic() < end_s:
            await KernelEvent("_sleep", PAUSE_S)  # The only pause in which heartbeats go on.
        try:
            if self._may_go.is_set():
                await self._commit(self._offsets)
        except KafkaError as error:
            log.warning("commit_refused", error=repr(error))
        finally:
            await self.on_partitions_lost(revoked)

    async def on_partitions_lost(self, lost: Any) -> None:
        """Forget partitions, which others have already."""
        self.joins()
        with self._lock:
            self._fresh -= set(lost)
        self._tell(Gone(frozenset(part.partition for part in lost)))

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Note partitions, which are claimed before anything of them is begun."""
        with self._lock:
            self._fresh |= set(assigned)
        self._joining_since_s = None
        self.has_joined = True


def finish_joining(consumer: Any) -> None:
    """Have the next poll take what a join brings that is under way.

    kafka-python 3.0 joins again when a topic has changed, and no longer knows why once the change
    is dealt out: a poll that ends in between leaves the consumer without partitions and heartbeats.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 (nothing public tells)
    if coordinator.rejoining:
        coordinator.request_rejoin()
