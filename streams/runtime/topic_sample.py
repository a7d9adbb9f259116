"""Reading any topic without leaving a trace: no group, no commit, from one end to the other."""

import logging
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import Unavailable, UserError
from streams.intake.foreign import Foreign
from winback_sender.cluster import Cluster
from winback_sender.doorstep import require_reachable

POLL_MS: Final = 500
POLL_RECORDS_MAX: Final = 5_000
PATIENCE_S: Final = 30.0
"""Without a record for so long, Kafka has gone away."""
TOPICS_SHOWN: Final = 12


class TopicSample:
    """A part of a topic: of each partition the newest records, the oldest, or all there are.

    Args:
        cluster: Where Kafka is.
        topic: Its name.
        count: At most so many records of each partition; None = all.
        is_oldest: From the beginning, else up to the end.

    Raises:
        Unavailable: Kafka cannot be reached.
        UserError: There is no such topic.

    Attributes:
        partitions: Of the topic.
        read: Records so far.
        wanted: Offsets to go through.
    """

    def __init__(
        self, cluster: Cluster, topic: str, count: int | None, *, is_oldest: bool = False
    ) -> None:
        require_reachable(cluster)
        logging.getLogger("kafka").addHandler(logging.NullHandler())
        self._topic = topic
        self._consumer: Any = KafkaConsumer(
            **cluster.options(), enable_auto_commit=False,
            isolation_level="read_committed", metrics_enabled=False, auto_offset_reset="earliest",
        )  # fmt: skip
        try:
            numbers = self._partitions(cluster)
            self.partitions = len(numbers)
            sources = [TopicPartition(topic, number) for number in sorted(numbers)]
            self._consumer.assign(sources)
            begins = self._consumer.beginning_offsets(sources)
            self._ends: dict[TopicPartition, int] = self._consumer.end_offsets(sources)
        except KafkaError as error:
            self._consumer.close()
            raise Unavailable(f"Kafka at {cluster}: {error}", "see the broker's log") from None
        except UserError:
            self._consumer.close()
            raise
        self.read = self.wanted = 0
        for source in sources:
            begin, end = begins[source], self._ends[source]
            if count is not None:
                begin = begin if is_oldest else max(begin, end - count)
                end = self._ends[source] = min(end, begin + count)
            self._consumer.seek(source, begin)
            self.wanted += end - begin

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave Kafka."""
        self._consumer.close()

    @property
    def progress(self) -> tuple[int, int | None]:
        """Records read, and offsets to go through."""
        return self.read, self.wanted

    def __iter__(self) -> Iterator[Foreign]:
        """Yield the records, those of a partition in their order.

        Raises:
            Unavailable: Kafka stops answering.
        """
        heard_s = time.monotonic()
        while left := self._left():
            self._consumer.resume(*left)
            polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS_MAX)
            for source, records in polled.items():
                place = f"partition {source.partition}"
                for record in records:
                    if record.offset < self._ends[source]:
                        self.read += 1
                        headers = tuple((name, value or b"") for name, value in record.headers)
                        yield Foreign(
                            record.topic, record.key, record.value, record.timestamp, headers,
                            source.partition, f"{place}, offset {record.offset}",
                        )  # fmt: skip
            if polled:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > PATIENCE_S:
                raise Unavailable(
                    f"Kafka stopped answering after {self.read:,} records of {self._topic}",
                    "check that it runs: winback kafka status",
                )

    def _left(self) -> list[TopicPartition]:
        """Return the partitions that are not at their end; the others read no further."""
        done = [at for at, end in self._ends.items() if self._consumer.position(at) >= end]
        if done:
            self._consumer.pause(*done)
        return [at for at in self._ends if at not in done]

    def _partitions(self, cluster: Cluster) -> set[int]:
        if numbers := self._consumer.partitions_for_topic(self._topic):
            return set(numbers)
        others = sorted(name for name in self._consumer.topics() if not name.startswith("_"))
        shown = ", ".join(others[:TOPICS_SHOWN]) + (", …" if len(others) > TOPICS_SHOWN else "")
        raise UserError(
            f"there is no topic {self._topic} on {cluster}", f"there are: {shown or 'none'}"
        )
