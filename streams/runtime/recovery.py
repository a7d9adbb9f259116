"""Restore at bulk speed: the changelog is read as columns before Faust resumes the streams."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery

from streams.runtime.clients import Reader
from streams.runtime.fetched import take_fetched, wait_fetched
from streams.runtime.record_batches import read_every_name
from winback_sender.cluster import Cluster
from winback_sender.logs import LIBRARY, get_logger

log = get_logger(__name__)

FETCH_BYTES_MAX: Final = 50 << 20
PARTITION_BYTES_MAX: Final = 4 << 20
FETCH_WAIT_MS: Final = 100
QUIET_S: Final = 1.0
QUIET_MAX: Final = 3
"""Rounds of fetches answered with nothing, after which a log has ended: what follows is gone."""
SILENT_MAX: Final = 30
"""Rounds in which the fetches of a partition may stay without an answer."""

Contents = dict[int, dict[bytes, bytes]]
"""Partition → key → newest value."""


class Read(NamedTuple):
    """What was read of a changelog.

    Attributes:
        contents: Partition → key → newest value; None = it was deleted.
        ends: Partition → the offset before which all was read.
        newest_ms: Partition → newest timestamp of a record, epoch ms UTC; 0 = there was none.
        unread: Partitions that do not reach from their start to their end: nothing was read.
    """

    contents: dict[int, dict[bytes, bytes | None]]
    ends: dict[int, int]
    newest_ms: dict[int, int]
    unread: set[int]


def reader(cluster: Cluster) -> Reader:
    """Return a consumer without a group, for reading partitions to their end."""
    read_every_name()
    return Reader(
        **cluster.options(),
        group_id=None,
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=PARTITION_BYTES_MAX,
        fetch_max_bytes=FETCH_BYTES_MAX,
    )


async def read_changelog(
    cluster: Cluster, topic: str, partitions: Collection[int], *, begin: bytes = b""
) -> Contents:
    """Read partitions of a compacted topic to their end.

    Call it after the partitions' producers have started: then nobody else can append, and what a
    former owner left open has been aborted.

    Args:
        cluster: Where Kafka is.
        topic: Its name.
        partitions: Which of them.
        begin: Only values that begin so count.

    Returns:
        The newest value of every key; deleted keys are absent.

    Raises:
        KafkaError: The broker is away or refuses, or answers no fetch.
    """
    read = await read_on(cluster, topic, dict.fromkeys(partitions), begin=begin)
    return {partition: without_deleted(content) for partition, content in read.contents.items()}


def without_deleted(content: dict[bytes, bytes | None]) -> dict[bytes, bytes]:
    """Return what is left of keys and their newest values."""
    if None not in content.values():  # As it is in most of a compacted log.
        return cast("dict[bytes, bytes]", content)
    return {key: value for key, value in content.items() if value is not None}


async def read_on(
    cluster: Cluster,
    topic: str,
    starts: Mapping[int, int | None],
    *,
    begin: bytes = b"",
    tell: Callable[[int], object] = lambda _left: None,
) -> Read:
    """Read partitions of a compacted topic to their end, each from an offset.

    Args:
        cluster: Where Kafka is.
        topic: Its name.
        starts: Partition → where to begin; None = with the oldest record.
        begin: Only values that begin so count.
        tell: Told how many offsets there are still to be read, again and again.

    Raises:
        KafkaError: The broker is away or refuses, or answers no fetch.
    """
    read = Read({partition: {} for partition in starts}, {}, dict.fromkeys(starts, 0), set())
    consumer = reader(cluster)
    await consumer.start()
    try:
        await consumer.know([topic])
        wanted = [TopicPartition(topic, partition) for partition in starts]
        # Offsets first: once assigned, an idle fetch delays every other request.
        ends = await consumer.end_offsets(wanted)
        first = await consumer.beginning_offsets(wanted)
        for place in wanted:
            start = starts[place.partition]
            if start is not None and not first[place] <= start <= ends[place]:
                read.unread.add(place.partition)
            first[place] = first[place] if start is None else start
            read.ends[place.partition] = ends[place]
        left = {
            place for place in wanted
            if place.partition not in read.unread and ends[place] > first[place]
        }  # fmt: skip
        consumer.assign(sorted(left))
        for place in sorted(left):
            consumer.seek(place, first[place])
        await _read_to(consumer, left, ends, read, begin, Progress(first, ends, tell))
    finally:
        await consumer.stop()
    return read


class Progress:
    """How far the reading of several partitions has come.

    Args:
        starts: Where each begins.
        ends: Where each ends.
        tell: Told how many offsets are left over all.
    """

    def __init__(
        self, starts: Mapping[Any, int], ends: Mapping[Any, int], tell: Callable[[int], object]
    ) -> None:
        self._left = {place: max(0, ends[place] - start) for place, start in starts.items()}
        self._ends, self._tell = ends, tell

    def reached(self, place: Any, offset: int) -> None:
        """Note that all before an offset was read."""
        self._left[place] = max(0, self._ends[place] - offset)
        self._tell(sum(self._left.values()))


async def _read_to(
    consumer: Any,
    left: set[Any],
    ends: Mapping[Any, int],
    read: Read,
    begin: bytes = b"",
    progress: "Progress | None" = None,
) -> None:
    fetcher = consumer._fetcher  # noqa: SLF001 (guarded by the contract test)
    quiet = 0
    answered_ms: dict[Any, int | None] = {}
    while left:
        for partition, columns in take_fetched(fetcher, left.__contains__).items():
            quiet = 0
            number, content = partition.partition, read.contents[partition.partition]
            pairs: Any = zip(columns.keys, columns.values, strict=True)
            content.update(
                pairs
                if not begin
                else (pair for pair in pairs if (pair[1] or b"").startswith(begin))
            )
            read.newest_ms[number] = max(read.newest_ms[number], *columns.timestamps_ms[-1:], 0)
            if progress is not None:
                progress.reached(partition, columns.next_offset)
            if columns.next_offset >= ends[partition]:
                left.discard(partition)
            await asyncio.sleep(0)
        if not left or await wait_fetched(fetcher, QUIET_S):
            continue
        if not quiet:
            answered_ms = {partition: consumer.last_poll_timestamp(partition) for partition in left}
        quiet += 1
        if quiet > QUIET_MAX:
            left -= await _ended(consumer, left, ends, answered_ms)
        if left and quiet > SILENT_MAX:
            raise KafkaTimeoutError(f"no fetch was answered in {quiet * QUIET_S:g} s: {left}")


async def _ended(
    consumer: Any, left: set[Any], ends: Mapping[Any, int], answered_ms: Mapping[Any, int | None]
) -> set[Any]:
    """Return the partitions of which the broker has said, since then, that nothing follows.

    Its silence says nothing: a state that is restored from half a log would be taken for whole.
    """
    ended = {
        partition
        for partition in left
        if consumer.last_poll_timestamp(partition) != answered_ms[partition]
        and (consumer.last_stable_offset(partition) or 0) >= ends[partition]
    }
    for partition in ended:
        position = await consumer.position(partition)
        log.warning(
            "changelog_ends_early", topic=partition.topic, partition=partition.partition,
            read_to=position, end=ends[partition],
        )  # fmt: skip
    return ended


class BulkRecovery(Recovery):
    """Faust's recovery with the record-by-record part switched off.

    The three offset calls of the stock would each wait behind an idle fetch, for numbers that
    nobody reads here.
    """

    logger = LIBRARY

    def need_recovery(self) -> bool:
        """Nothing is to be read by Faust."""
        return False

    async def _build_highwaters(
        self, _consumer: Any, _tps: Any, destination: dict[Any, int], _title: str
    ) -> None:
        destination.clear()

    async def _build_offsets(
        self, _consumer: Any, _tps: Any, destination: Any, _title: str
    ) -> None:
        """Nobody reads them."""

    async def _seek_offsets(self, _consumer: Any, _tps: Any, _offsets: Any, _title: str) -> None:
        """Changelogs stay paused."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Own the partitions, then let Faust resume the streams.

        Awaited inside the recovery's ``_wait``: a new rebalance cancels it, an error crashes the
        worker.
        """
        actives = self.actives_for_table[self.app.lane_table]
        await self.app.lanes.own({tp.partition for tp in actives}, generation_id)
        await super().on_recovery_completed(generation_id)


class BulkTableManager(TableManager):
    """Faust's table manager with our recovery."""

    logger = LIBRARY
    _recovery: BulkRecovery | None

    async def on_start(self) -> None:
        """Start at once; the stock sleeps for a second so that late tables can be added."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> BulkRecovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = BulkRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
