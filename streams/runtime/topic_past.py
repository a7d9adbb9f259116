"""What one of our own topics holds by now: read committed, from its oldest record to its end."""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition

from streams.errors import Unavailable
from streams.runtime.topic_reader import Found
from winback_sender.cluster import Cluster

PATIENCE_S: Final = 30.0
"""Without a record for so long, Kafka has gone away."""
POLL_MS: Final = 500
POLL_RECORDS_MAX: Final = 64
"""A record may be a megabyte."""


class TopicPast:
    """A topic of one partition; it can be gone through more than once, and ends where it ended.

    Args:
        cluster: Where Kafka is.
        topic: Its name; it is there.

    Attributes:
        begin: Offset of its oldest record.
        end: Offset after its newest record.
    """

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self._consumer: Any = KafkaConsumer(
            **cluster.options(), auto_offset_reset="earliest",
            enable_auto_commit=False, isolation_level="read_committed", metrics_enabled=False,
        )  # fmt: skip
        self._source = TopicPartition(topic, 0)
        self._consumer.assign([self._source])
        self.begin: int = self._consumer.beginning_offsets([self._source])[self._source]
        self.end: int = self._consumer.end_offsets([self._source])[self._source]

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

    def __iter__(self) -> Iterator[Found]:
        """Yield every record that has a value.

        Raises:
            Unavailable: Kafka stops answering.
        """
        self._consumer.seek(self._source, self.begin)
        heard_s = time.monotonic()
        while (position := self._consumer.position(self._source)) < self.end:
            polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS_MAX)
            for record in polled.get(self._source, ()):
                if record.offset < self.end and record.value is not None:
                    yield Found(record.topic, record.partition, record.offset, record.timestamp,
                                record.value)  # fmt: skip
            if self._consumer.position(self._source) > position:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > PATIENCE_S:
                said = f"Kafka stopped answering at offset {position} of {self._source.topic}"
                raise Unavailable(said, "check that it runs: winback kafka status")
