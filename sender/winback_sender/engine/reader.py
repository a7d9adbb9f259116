"""The reader of a sender: the thread that has the Kafka consumer, and what it tells the loop.

Partitions are claimed with the id of the journal, which stands beside the committed offset: a
sender with another journal does not know what was sent, and is refused.
"""

import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata

from winback_sender.cluster import Cluster
from winback_sender.doorstep import RECONNECT_MS
from winback_sender.engine.inbox import letter
from winback_sender.engine.news import Assigned, CaughtUp, Letters, News, Rewound, Uncommitted
from winback_sender.engine.rebalance import HANDOVER_S, Rebalance, finish_joining
from winback_sender.errors import Exit, UserError
from winback_sender.logs import get_logger

log = get_logger(__name__)

POLL_MS: Final = 100
LETTERS_MAX: Final = 500
FETCH_WAIT_MS: Final = 25
"""A fetch asks for the partitions whose records were taken; new ones of the others wait for it."""
METADATA_MS: Final = 30_000  # new partitions are found after so long
BATCHES_MAX: Final = 8
"""Read and not taken; the main thread may be waiting for its disk."""
PAUSE_S: Final = 0.01
NOT_OURS: Final = (
    CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError,
)  # fmt: skip
"""What a commit says while the group changes."""


class Reader:
    """Reads a topic in a thread of its own.

    Args:
        cluster: Where Kafka is.
        group: Consumer group.
        topic: Where touches are.
        session_timeout_s: Silence after which the group takes us for dead.
        journal_id: Claims partitions.
        adopts: Whether claims of another journal are passed over.
        tell: Takes news, and an error that ends the thread.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        topic: str,
        session_timeout_s: float,
        journal_id: str,
        *,
        adopts: bool,
        tell: Callable[[News | Exception], None],
    ) -> None:
        self._cluster = cluster
        self._group = group
        self._topic = topic
        self._session_timeout_s = session_timeout_s
        self._journal_id = journal_id
        self._adopts = adopts
        self._tell = tell
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread = Thread(target=self._run, name="reader", daemon=True)
        self._stopping = Event()
        self._told = self._taken = 0  # Each is written by one thread alone.
        self._ends: dict[TopicPartition, int] = {}
        self._claimed: set[TopicPartition] = set()
        # Others may take that long to let go, and one that hangs to be given up.
        self._join_max_s = 2 * session_timeout_s + HANDOVER_S
        self.listener = Rebalance(self._commit_last, tell, self._stopping)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def taken(self) -> None:
        """Say that a batch of letters was taken."""
        self._taken += 1

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit what is done, soon."""
        self._commands.put(lambda: self._commit(offsets))

    def rewind(self, partition: int, offset: int) -> None:
        """Read a partition again from an offset on, soon."""
        self._commands.put(lambda: self._rewind(partition, offset))

    def let_go(self, offsets: Mapping[int, int]) -> None:
        """Let partitions go that are `Leaving`, after what is done was committed."""
        self.listener.let_go(offsets)

    def stop(self, timeout_s: float) -> None:
        """Obey what was ordered, leave the group, end."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._consumer = self._connect()
            try:
                while not self._stopping.is_set():
                    self._turn()
                self._obey()
            finally:
                self._consumer.close(autocommit=False)
        except Exception as error:  # noqa: BLE001 (the main thread says what it means)
            self._tell(error)

    def _connect(self) -> Any:
        consumer = KafkaConsumer(
            **self._cluster.options(), group_id=self._group,
            isolation_level="read_committed", auto_offset_reset="earliest",
            enable_auto_commit=False, allow_auto_create_topics=False,
            fetch_min_bytes=1, fetch_max_wait_ms=FETCH_WAIT_MS,
            session_timeout_ms=round(self._session_timeout_s * 1_000),
            heartbeat_interval_ms=round(self._session_timeout_s * 250),
            metadata_max_age_ms=METADATA_MS, metrics_enabled=False,
            reconnect_backoff_max_ms=RECONNECT_MS,
        )  # fmt: skip
        # The first to join deals out what it knows; if that is nothing, nobody has any for long.
        consumer.partitions_for_topic(self._topic)
        consumer.subscribe([self._topic], listener=self.listener)
        self.listener.joins()
        return consumer

    def _join_anew(self) -> None:
        """Begin again where a group has not answered for too long, whatever the client thinks."""
        log.warning("group_is_silent", group=self._group, silent_s=round(self.listener.joining_s),
                    next="a new consumer joins")  # fmt: skip
        self._consumer.close(autocommit=False)
        self._consumer = self._connect()

    def _turn(self) -> None:
        self._obey()
        if self._told - self._taken >= BATCHES_MAX:
            time.sleep(PAUSE_S)
            return
        polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=LETTERS_MAX)
        finish_joining(self._consumer)
        if fresh := self.listener.take_fresh():
            self._claim(fresh)
        letters = [
            letter(one.partition, one.offset, one.value, one.headers, one.timestamp, one.key)
            for part, found in polled.items()
            if part in self._claimed and part not in fresh  # Those come again: `_claim` has sought.
            for one in found
        ]
        if letters:
            self._told += 1
            self._tell(Letters(letters))
        self._see_ends()
        if self.listener.joining_s > self._join_max_s:
            self._join_anew()

    def _obey(self) -> None:
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            command()

    def _claim(self, parts: set[TopicPartition]) -> None:
        """Claim partitions before anything of them is begun, and read them from what is committed.

        The client hands out records of a partition before it says that the partition is ours, so
        its position says nothing.

        Raises:
            UserError: Another journal has worked on one of them.
        """
        ours = sorted(parts & self._consumer.assignment())
        self._claimed = (self._claimed - parts) & self._consumer.assignment()
        starts = self._consumer.beginning_offsets(ours) if ours else {}
        ends = self._consumer.end_offsets(ours) if ours else {}
        for part in ours:
            committed = self._consumer.committed(part, metadata=True)
            claim = "" if committed is None else committed.metadata
            if claim not in {"", self._journal_id}:
                self._refuse(part.partition, claim)
            start = starts[part] if committed is None else max(committed.offset, starts[part])
            if not self._seek(part, start):
                continue  # It is gone again.
            if claim != self._journal_id:
                self._commit({part.partition: start})
            self._claimed.add(part)
            self._ends[part] = ends[part]
            self._tell(Assigned(part.partition, start))
        log.info("partitions_owned", partitions=[part.partition for part in ours])

    def _refuse(self, partition: int, claim: str) -> None:
        if self._adopts:
            log.warning("journal_adopted", partition=partition, before=claim, now=self._journal_id)
            return
        raise UserError(
            f"partition {partition} was worked on with the journal {claim}, and ours is "
            f"{self._journal_id}: it does not know what was sent",
            "give the directory of that journal (WINBACK_SENDER_STATE); if it is lost, "
            "--adopt-journal goes on without, and what it had under way may be sent twice",
            Exit.FAILED,
        )

    def _see_ends(self) -> None:
        assigned = self._consumer.assignment() if self._ends else set()
        for part, end in list(self._ends.items()):
            if part not in assigned:
                del self._ends[part]
            elif self._has_read(part, end):
                del self._ends[part]
                self._tell(CaughtUp(part.partition))

    def _has_read(self, part: TopicPartition, end: int) -> bool:
        try:
            return (self._consumer.position(part) or 0) >= end
        except (AssertionError, KeyError):  # A rebalance takes it at any instant.
            return False

    def _seek(self, part: TopicPartition, offset: int) -> bool:
        """Read a partition from an offset on; return False if it is not ours any more."""
        try:
            self._consumer.seek(part, offset)
        except (KeyError, ValueError):  # A rebalance takes it at any instant.
            return False
        return True

    def _rewind(self, partition: int, offset: int) -> None:
        part = TopicPartition(self._topic, partition)
        if self._seek(part, offset):
            self._ends |= self._consumer.end_offsets([part])
            self._tell(Rewound(partition))

    def _commit(self, offsets: Mapping[int, int]) -> None:
        assigned = self._consumer.assignment()
        ours = {part: at for part, at in self._marked(offsets).items() if part in assigned}
        try:
            if ours:
                self._consumer.commit(ours)
        except NOT_OURS:  # Another sender finds the journal; if they stay ours, they come again.
            log.warning("commit_refused", group=self._group)
            self._tell(Uncommitted(frozenset(offsets)))

    async def _commit_last(self, offsets: Mapping[int, int]) -> None:
        """Commit from inside a rebalance, where the client must not be blocked."""
        if offsets:
            await self._consumer.commit_async(self._marked(offsets))

    def _marked(self, offsets: Mapping[int, int]) -> dict[TopicPartition, OffsetAndMetadata]:
        return {
            TopicPartition(self._topic, partition): OffsetAndMetadata(offset, self._journal_id, -1)
            for partition, offset in offsets.items()
        }
