"""Reading our own topics as anybody downstream would: read committed, from the beginning."""

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import Unavailable
from winback_sender.cluster import Cluster

POLL_RECORDS_MAX: Final = 5_000
POLL_MS: Final = 500
PATIENCE_S: Final = 30.0
"""Without progress for so long, Kafka has gone away."""
TRIES: Final = 100
TRY_AGAIN_S: Final = 0.1


class Found(NamedTuple):
    """One record; ``timestamp_ms`` is when its producer made it, epoch ms UTC."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes


class TopicReader:
    """Follows topics without a group.

    Args:
        cluster: Where Kafka is.
        topics: What to read, from the beginning.
        sources: What to know the ends of, and not to read.
    """

    def __init__(self, cluster: Cluster, topics: Iterable[str], sources: Iterable[str]) -> None:
        self._consumer: Any = KafkaConsumer(
            **cluster.options(), auto_offset_reset="earliest",
            enable_auto_commit=False, isolation_level="read_committed", fetch_max_wait_ms=100,
            metrics_enabled=False,
        )  # fmt: skip
        self._read = self._partitions(topics)
        self._sources = self._partitions(sources)
        self._consumer.assign(self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def poll(self, timeout_ms: int) -> list[Found]:
        """Return what is new."""
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=POLL_RECORDS_MAX)
        return [
            Found(record.topic, record.partition, record.offset, record.timestamp, record.value)
            for records in polled.values()
            for record in records
            if record.value is not None
        ]

    def until_now(self) -> Iterator[tuple[list[Found], int]]:
        """Yield what was committed when this began, and how many offsets are left to read.

        Raises:
            Unavailable: Kafka stops answering.
        """
        ends = self._ends(self._read)
        heard_s, before = time.monotonic(), -1
        while True:
            left = sum(max(end - self._consumer.position(at), 0) for at, end in ends.items())
            if left != before:
                heard_s, before = time.monotonic(), left
            elif time.monotonic() - heard_s > PATIENCE_S:
                said = f"Kafka stopped answering with {left:,} records left to read"
                raise Unavailable(said, "check that it runs: winback kafka status")
            if not left:
                return
            yield self.poll(POLL_MS), left

    def source_ends(self) -> dict[tuple[str, int], int]:
        """Return the end of every partition of the sources."""
        ends = self._ends(self._sources)
        return {(found.topic, found.partition): end for found, end in ends.items()}

    def is_at_end(self) -> bool:
        """Return whether everything that is committed now has been returned."""
        ends = self._ends(self._read)
        return all(self._consumer.position(found) >= end for found, end in ends.items())

    def _ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the ends; kafka-python 3.0 fails on a partition whose leader is just changing.

        Raises:
            Unavailable: Kafka does not answer.
        """
        for _ in range(TRIES):
            try:
                ends: dict[TopicPartition, int] = self._consumer.end_offsets(partitions)
            except KeyError:
                time.sleep(TRY_AGAIN_S)
            except KafkaError as error:
                said = f"Kafka does not say where its topics end ({error})"
                raise Unavailable(said, "check that it runs: winback kafka status") from None
            else:
                return ends
        raise Unavailable("Kafka does not say where its topics end", "see the broker's log")

    def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(self._consumer.partitions_for_topic(topic) or ())
        ]
