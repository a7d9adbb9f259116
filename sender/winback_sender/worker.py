"""The sender as a process: reads ``win-back``, delivers, reports, and only then moves on.

The order is the promise: intent on disk, delivery, receipt on disk, feedback acknowledged by Kafka,
offset committed. A crash anywhere repeats a feedback at most, never a touch.
"""

import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import OffsetAndMetadata

from winback_sender.desk import Desk
from winback_sender.errors import Unavailable
from winback_sender.feedback import Report, record
from winback_sender.inbox import letter
from winback_sender.logs import get_logger
from winback_sender.settings import Settings

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


class Sender:
    """One consumer of the group of a channel.

    Args:
        settings: Names the topics and the deployment.
        bootstrap: Where Kafka is.
        channel: What this sender sends through; names its group.
        desk: Decides and delivers.
    """

    def __init__(self, settings: Settings, bootstrap: str, channel: str, desk: Desk) -> None:
        self._settings = settings
        self._source = f"/{settings.app_id}/sender/{channel}"
        self._group = f"{settings.app_id}-sender-{channel}"
        self._servers = bootstrap.split(",")
        self._desk = desk
        self._owes_feedback = False

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Send until asked to stop; then everything delivered has been reported.

        Raises:
            Unavailable: Kafka is away for too long; start it again, nothing is sent twice.
        """
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
