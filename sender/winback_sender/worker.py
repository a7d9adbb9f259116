"""The sender as a process: reads ``win-back``, delivers, reports, and only then moves on.

The order is the promise: intent on disk, delivery, receipt on disk, feedback acknowledged by Kafka,
offset committed. A crash anywhere repeats a feedback at most, never a touch.
"""

import math
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import OffsetAndMetadata

from winback_sender.adapter import Adapter
from winback_sender.addresses.book import AddressBook
from winback_sender.clock import Clock, EventClock, WallClock
from winback_sender.contract.messages import TouchRequested
from winback_sender.desk import Desk
from winback_sender.errors import Unavailable
from winback_sender.feedback import Report, record
from winback_sender.inbox import letter
from winback_sender.journal import Journal
from winback_sender.logs import get_logger
from winback_sender.receipt import Receipt
from winback_sender.routes import EVERY
from winback_sender.settings import SenderSettings, Settings

log = get_logger(__name__)

POLL_MS: Final = 200
LETTERS_MAX: Final = 500
"""Records read at once; live, a revocation among them stops a touch of the same batch."""
ACK_TIMEOUT_S: Final = 30.0
FETCH_WAIT_MS: Final = 100
FETCH_BYTES: Final = 65_536
"""Fewer, larger turns cost less; a tenth of a second is nothing to a person."""
COMMIT_EVERY_S: Final = 1.0
"""After a crash so much is read again, and the journal knows it."""
PRUNE_EVERY_S: Final = 3_600.0


Law = Callable[[str, TouchRequested, int], int]
"""``(provider, touch, now_ms) -> ms``: from when on the touch may be sent; now = at once."""


def earliest_always(provider: str, touch: TouchRequested, now_ms: int) -> int:
    """Return that it may be sent now."""
    del provider, touch
    return now_ms


class Sender:
    """One process of the consumer group of a sender.

    Args:
        settings: Names the topics and the deployment.
        own: Settings of senders.
        routes: Channel to its adapter; ``*`` stands for every other channel.
        bootstrap: Where Kafka is.
        addresses: Knows whose address a reply came from.
        law: When a touch may be sent.
        clock: What time it is; None: as the settings say.
        adopts_journal: Go on with another journal than the one that worked before.

    Attributes:
        counts: What happened so far: touches by what they ended with.
        web_port: Port of metrics, health and call-backs, once it runs.
    """

    def __init__(
        self,
        settings: Settings,
        own: SenderSettings,
        routes: Mapping[str, Adapter],
        bootstrap: str,
        *,
        addresses: AddressBook | None = None,
        law: Law = earliest_always,
        clock: Clock | None = None,
        adopts_journal: bool = False,
    ) -> None:
        del addresses, law, adopts_journal
        self.counts: Counter[str] = Counter()
        self.web_port = own.web_port
        self._settings = settings
        self._routes = routes
        self._group = own.group or "-".join([settings.app_id, "sender", *sorted(routes)]).replace(
            EVERY, "every"
        )
        self._source = f"/{settings.app_id}/sender/{self._group}"
        self._servers = bootstrap.split(",")
        self._clock = clock or (EventClock() if settings.clock == "event" else WallClock())
        self._state = _state(own) / f"{self._group}.sqlite"
        self._owes_feedback = False

    def _deliver(self, touch: TouchRequested) -> Receipt:
        adapter = self._routes.get(touch.channel) or self._routes[EVERY]
        return adapter.deliver(touch)

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Send until asked to stop; then everything delivered has been reported.

        Raises:
            Unavailable: Kafka is away for too long; start it again, nothing is sent twice.
        """
        self._desk = Desk(self._deliver, Journal(self._state), self._clock)
        self.counts = self._desk.counts
        try:
            with self._clients() as (consumer, producer):
                commit_s = time.monotonic()
                prune_s = -math.inf
                while not is_stopping():
                    self._turn(consumer, producer, is_stopping)
                    if time.monotonic() - commit_s >= COMMIT_EVERY_S:
                        self._commit(consumer)
                        commit_s = time.monotonic()
                    if time.monotonic() - prune_s >= PRUNE_EVERY_S:
                        self._desk.prune()
                        prune_s = time.monotonic()
                self._commit(consumer)
        except KafkaError as error:
            raise Unavailable(
                f"Kafka failed and did not come back in time: {error!r}",
                "start the sender again when Kafka is reachable: the journal knows what was sent",
            ) from error

    def _turn(self, consumer: Any, producer: Any, is_stopping: Callable[[], bool]) -> None:
        """Read, deliver and report once."""
        polled = consumer.poll(timeout_ms=POLL_MS, max_records=LETTERS_MAX)
        letters = [
            letter(found.partition, found.offset, found.value, found.headers, found.timestamp)
            for records in polled.values()
            for found in records
        ]
        self._owes_feedback = True
        self._report(producer, self._desk.handle(letters, is_stopping))
        self._owes_feedback = False

    def _report(self, producer: Any, feedbacks: Iterable[Report]) -> None:
        """Write feedback, wait until Kafka has it, and note that in the journal."""
        under_way = []
        for feedback in feedbacks:
            key, value, headers = record(feedback, self._source)
            topic = self._settings.topic_feedback
            ack = producer.send(topic, value=value, key=key, headers=headers)
            under_way.append((feedback.touch_id, ack))
        for _, ack in under_way:
            ack.get(timeout=ACK_TIMEOUT_S)
        if under_way:
            self._desk.reported(touch_id for touch_id, _ in under_way)

    def _commit(self, consumer: Any) -> None:
        try:
            if offsets := self._finished():
                consumer.commit(offsets)
        except CommitFailedError:  # The partitions went to another sender: it finds the journal.
            log.warning("commit_refused", group=self._group)

    async def _commit_last(self, consumer: Any) -> None:
        """Commit from inside a rebalance, where the client must not be blocked."""
        if offsets := self._finished():
            await consumer.commit_async(offsets)

    def _finished(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return what is to be committed: nothing while Kafka lacks the feedback of it."""
        if self._owes_feedback:
            return {}
        topic = self._settings.topic_touches
        return {
            TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in self._desk.take_finished().items()
        }

    @contextmanager
    def _clients(self) -> Iterator[tuple[Any, Any]]:
        producer = KafkaProducer(
            bootstrap_servers=self._servers, acks="all", enable_idempotence=True, linger_ms=5,
            metrics_enabled=False,
        )  # fmt: skip
        try:
            consumer = KafkaConsumer(
                bootstrap_servers=self._servers, group_id=self._group,
                isolation_level="read_committed", auto_offset_reset="earliest",
                enable_auto_commit=False, allow_auto_create_topics=False,
                fetch_min_bytes=FETCH_BYTES, fetch_max_wait_ms=FETCH_WAIT_MS,
                session_timeout_ms=round(self._settings.session_timeout_s * 1_000),
                heartbeat_interval_ms=round(self._settings.session_timeout_s * 250),
                metrics_enabled=False,
            )  # fmt: skip
            try:
                listener = Rebalance(self._desk, partial(self._commit_last, consumer))
                consumer.subscribe([self._settings.topic_touches], listener=listener)
                yield consumer, producer
            finally:
                consumer.close(autocommit=False)
        finally:
            producer.close(timeout=ACK_TIMEOUT_S)


class Rebalance(AsyncConsumerRebalanceListener):
    """Takes what belongs to others off the desk.

    Args:
        desk: What is on it.
        commit: Commits what is finished.
    """

    def __init__(self, desk: Desk, commit: Callable[[], Awaitable[None]]) -> None:
        self._desk = desk
        self._commit = commit

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Commit while the partitions are still ours, so that the next owner reads nothing twice.

        If that fails, the next owner reads them again, and the journal knows what was sent.
        """
        try:
            await self._commit()
        except KafkaError as error:
            log.warning("commit_refused", error=repr(error))
        finally:
            await self.on_partitions_lost(revoked)

    async def on_partitions_lost(self, lost: Any) -> None:
        """Forget partitions, which others have already."""
        self._desk.clear(partition.partition for partition in lost)

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Start from what is committed, as the consumer does by itself."""
        log.info("partitions_owned", partitions=sorted(found.partition for found in assigned))


def _state(own: SenderSettings) -> Path:
    if own.state:
        return Path(own.state).expanduser()
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "winback" / "senders"
