"""Following topics from given offsets on, without a group; whoever reads keeps the offsets."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.errors import Unavailable
from streams.runtime.recovery import reader
from winback_sender.cluster import Cluster

RECORDS_MAX: Final = 20_000
Position = tuple[str, int]
"""Topic and partition."""


class Polled(NamedTuple):
    """What came, and where reading goes on when it is stored.

    Attributes:
        records: Position to records with key, value, headers, timestamp, partition and offset.
        next: Position to the next offset.
    """

    records: Mapping[Position, list[Any]]
    next: Mapping[Position, int]


class Follower:
    """Reads topics, read committed; ``async with`` connects.

    Args:
        cluster: Where Kafka is.
        topics: What to read.
        others: Topics whose ends are asked for, and that are not read.
        begin: Where to go on; a partition that is not there is read from its oldest record.
    """

    def __init__(
        self,
        cluster: Cluster,
        topics: Iterable[str],
        others: Iterable[str],
        begin: Mapping[Position, int],
    ) -> None:
        self._cluster, self._begin = cluster, begin
        self._topics, self._others = tuple(topics), tuple(others)
        self._consumer: Any = None
        self._sources: list[TopicPartition] = []

    async def __aenter__(self) -> Self:
        """Connect, and go to where reading goes on.

        Raises:
            Unavailable: Kafka does not answer, or a topic ends before an offset that was stored.
        """
        self._consumer = reader(self._cluster)
        try:
            await self._consumer.start()
            await self._consumer.know([*self._topics, *self._others])
            self._sources = self._partitions(self._topics)
            self._consumer.assign(self._sources)
            begins = await self._consumer.beginning_offsets(self._sources)
            ends = await self._consumer.end_offsets(self._sources)
        except KafkaError as error:
            await self._close()
            raise _away(error) from error
        for source in self._sources:
            at = self._begin.get((source.topic, source.partition), begins[source])
            if at > ends[source]:
                await self._close()
                raise Unavailable(
                    f"{source.topic}[{source.partition}] ends at {ends[source]}, and was read up "
                    f"to {at}: it was made anew",
                    "make what was read anew as well: --rebuild",
                )
            self._consumer.seek(source, max(at, begins[source]))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def poll(self, timeout_ms: int) -> Polled:
        """Return what is new.

        Raises:
            Unavailable: Kafka does not answer.
        """
        try:
            fetched = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=RECORDS_MAX)
            found = {(at.topic, at.partition): records for at, records in fetched.items()}
            after = {(at.topic, at.partition): await self._consumer.position(at) for at in fetched}
        except KafkaError as error:
            raise _away(error) from error
        return Polled(found, after)

    async def left(self) -> int:
        """Return how many offsets are left to read.

        Raises:
            Unavailable: Kafka does not answer.
        """
        try:
            ends = await self._consumer.end_offsets(self._sources)
            return sum([max(0, end - await self._consumer.position(at))
                        for at, end in ends.items()])  # fmt: skip
        except KafkaError as error:
            raise _away(error) from error

    async def ends_of_others(self) -> dict[Position, int]:
        """Return where the topics end that are not read.

        Raises:
            Unavailable: Kafka does not answer.
        """
        try:
            ends = await self._consumer.end_offsets(self._partitions(self._others))
        except KafkaError as error:
            raise _away(error) from error
        return {(at.topic, at.partition): end for at, end in ends.items()}

    def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(self._consumer.partitions_for_topic(topic) or ())
        ]

    async def _close(self) -> None:
        with suppress(KafkaError):
            await self._consumer.stop()


def _away(error: KafkaError) -> Unavailable:
    return Unavailable(f"Kafka stopped answering: {type(error).__name__}", "winback kafka status")
