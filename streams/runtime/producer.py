"""One transactional producer per owned partition: what a lane commits, and the fence around it.

Starting the producer makes the broker give its transactional id a new epoch. From then on a former
owner of the partition, however late it wakes up, can append nothing: its commit is refused.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from streams.core.partitioner import partition_of_key
from streams.errors import Exit, UserError
from streams.runtime.clients import PatientProducer
from streams.runtime.ticks import now_ms
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import Headers, Output

BATCH_BYTES_MAX: Final = 900_000
"""Few big batches: aiokafka has one batch of a partition in flight. Brokers take 1 MB."""
RECORD_BYTES_MAX: Final = 1_000_000
"""Key, value and headers of one record; with its batch around it brokers take 1,048,588 B."""
TRANSACTION_TIMEOUT_MS: Final = 60_000
"""After this the broker gives up on a worker that died inside a transaction."""
REQUEST_TIMEOUT_MS: Final = 60_000
"""How long a commit outlives a broker that is away."""

NO_HEADERS: Final[Headers] = []

_partition_of_key: Final = lru_cache(maxsize=100_000)(partition_of_key)
"""Users come back: a tenth of a microsecond instead of one and a half."""


@dataclass(slots=True)
class Commit:
    """What becomes durable together, or not at all.

    Attributes:
        changelog: Key and value of each changed state, incl. the partition's own record; a None
            value deletes.
        outputs: Records by topic, in order; they go to the lane's own partition.
        keyed: Records by topic, in order; each goes to the partition of its key.
        everywhere: Records by topic, in order; each goes to every partition, behind the keyed.
        when_durable: Called then.
    """

    changelog: Sequence[tuple[bytes, bytes | None]]
    outputs: Mapping[str, Sequence[Output]]
    keyed: Mapping[str, Sequence[Output]] = field(default_factory=dict)
    everywhere: Mapping[str, Sequence[Output]] = field(default_factory=dict)
    when_durable: Callable[[], object] = lambda: None

    def __bool__(self) -> bool:
        return bool(self.changelog) or any(self.sizes().values())

    def sizes(self) -> Counter[str]:
        """Return how many records go out, by topic; what goes everywhere counts once."""
        found: Counter[str] = Counter()
        for records in (self.outputs, self.keyed, self.everywhere):
            found.update({topic: len(outputs) for topic, outputs in records.items()})
        return found


class FencedError(Exception):
    """The partition has a new owner; this worker must not write to it any more."""


class PartitionProducer:
    """Writes the commits of one partition.

    Args:
        cluster: Where Kafka is.
        transactional_id: Name of the fence: the same for every owner of the partition, ever.
        partition: Number of the partition; a topic with fewer partitions gets its remainder.
        partition_counts: Number of partitions by topic, for topics that have another count, and
            for those of keyed records.
        changelog_topic: Where the states go.
    """

    def __init__(
        self,
        cluster: Cluster,
        transactional_id: str,
        partition: int,
        partition_counts: Mapping[str, int],
        changelog_topic: str,
    ) -> None:
        self.transactional_id = transactional_id
        self._partition = partition
        self._partition_counts = partition_counts
        self._changelog_topic = changelog_topic
        self._producer = PatientProducer(
            **cluster.options(),
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_batch_size=BATCH_BYTES_MAX,
        )

    async def start(self) -> None:
        """Connect and raise the fence against former owners."""
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect; what was not committed never happened."""
        await self._producer.stop()

    async def write(self, commit: Commit) -> int | None:
        """Write one transaction; when this returns, the broker has all of it.

        Returns:
            Offset in the changelog before which everything is durable, as far as the broker has
            said: that of the last batch of states; None = there is none.

        Raises:
            FencedError: The partition has a new owner.
            KafkaError: The broker was away for too long, or refused; the outcome is unknown. When
                it was one topic's, a note names it.
            UserError: A record is larger than brokers take.
        """
        try:
            await self._producer.begin_transaction()
            acks: list[asyncio.Future[Any]] = []
            for topic, outputs in commit.outputs.items():
                await self._append(topic, outputs, acks)
            for topic, placed in self._placed(commit).items():
                for partition, records in placed.items():
                    await self._append(topic, records, acks, partition)
            states = ((key, value, NO_HEADERS) for key, value in commit.changelog)
            await self._append(self._changelog_topic, states, acks)
            written = await asyncio.gather(*acks)
            await self._producer.commit_transaction()
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise FencedError(self.transactional_id) from error
        # A batch that was sent again may have an answer without an offset.
        return max(written[-1].offset, 0) or None if commit.changelog else None

    def _placed(self, commit: Commit) -> dict[str, dict[int, list[Output]]]:
        """Return by topic and partition what does not go to our own partition."""
        placed = {topic: self._by_key(topic, outputs) for topic, outputs in commit.keyed.items()}
        for topic, outputs in commit.everywhere.items():
            there = placed.setdefault(topic, {})
            for partition in range(self._partition_counts[topic]):
                there.setdefault(partition, []).extend(outputs)
        return placed

    def _by_key(self, topic: str, outputs: Iterable[Output]) -> dict[int, list[Output]]:
        """Return records by the partition that their key belongs to."""
        count = self._partition_counts[topic]
        found: list[list[Output]] = [[] for _ in range(count)]
        for output in outputs:
            assert output.key is not None, "what goes to the partition of its key has one"
            found[_partition_of_key(output.key, count)].append(output)
        return {partition: records for partition, records in enumerate(found) if records}

    async def _append(
        self,
        topic: str,
        records: Iterable[tuple[bytes | None, bytes | None, Headers]],
        acks: list[asyncio.Future[Any]],
        partition: int | None = None,
    ) -> None:
        """Send records in order, in as few batches as possible; to our own partition by default."""
        if partition is None:
            partition = self._partition % self._partition_counts.get(topic, self._partition + 1)
        at_ms = now_ms()
        batch = self._producer.create_batch()
        append = batch._builder.append  # noqa: SLF001 (0.6 µs a record less than its wrapper)
        count = 0
        for key, value, headers in records:
            if append(count, at_ms, key, value, headers) is None:
                _demand_fitting(topic, key, value, headers)
                acks.append(await self._send(batch, count, topic, partition))
                batch, count = self._producer.create_batch(), 0
                append = batch._builder.append  # noqa: SLF001
                append(0, at_ms, key, value, headers)  # the first always fits
            elif not count:
                _demand_fitting(topic, key, value, headers)
            count += 1
        if count:
            acks.append(await self._send(batch, count, topic, partition))

    async def _send(
        self, batch: Any, count: int, topic: str, partition: int
    ) -> "asyncio.Future[Any]":
        batch._relative_offset = count  # noqa: SLF001 (what the wrapper would have counted)
        batch.close()
        try:
            ack: asyncio.Future[Any] = await self._producer.send_batch(
                batch, topic, partition=partition
            )
        except KafkaError as error:
            error.add_note(f"topic {topic}")
            raise
        ack.add_done_callback(partial(_name_topic, topic))
        return ack


def _name_topic(topic: str, ack: "asyncio.Future[Any]") -> None:
    """Say in a refusal which topic it was; the callback runs before whoever awaits the ack."""
    error = None if ack.cancelled() else ack.exception()
    if error is not None and not hasattr(error, "__notes__"):
        error.add_note(f"topic {topic}")


def _demand_fitting(topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> None:
    """Refuse what every broker would refuse, with the topic's name.

    Only the first record of a batch can be so large: behind others it did not fit.
    """
    size = len(key or b"") + len(value or b"")
    size += sum(len(name) + len(said) for name, said in headers)
    if size > RECORD_BYTES_MAX:
        raise UserError(
            f"a record for topic {topic} has {size} B, more than the {RECORD_BYTES_MAX} B that fit",
            "Nothing was committed; please report it, with the sizes of the events before it.",
            Exit.FAILED,
        )
