"""The lanes of a worker: which partitions it owns, and their way in and out of ownership.

Nothing of Faust is here: the same code runs under it and under simulation (tests/deterministic).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from aiokafka import TopicPartition

from streams.errors import Exit, UserError
from streams.runtime.columns import Chunk, LostRecordsError
from streams.runtime.lane import Engine, Lane, Observer, Pace
from streams.runtime.producer import PartitionProducer
from streams.runtime.recovery import reader
from streams.runtime.restore import Restored, restored
from streams.runtime.state_files import StateFiles
from streams.runtime.stride import Stride, give_turns
from winback_sender.cluster import Cluster
from winback_sender.logs import get_logger

log = get_logger(__name__)

RECORDS_MIN: Final = 50
RECORDS_MAX: Final = 8000
"""Records of a stride. Where events are sparse, 50 of them span half a day of timers and places, so
that more would hold up commits and heartbeats; fewer cost more CPU in all."""


LogRange = dict[TopicPartition, int]
"""Partition of a source to an offset."""
MakeReady = Callable[[Chunk, Callable[[], bool]], Awaitable[bool]]
"""``await ready(chunk, is_wanted)``: gets what decoding a chunk takes, however long that lasts;
False = the chunk was no longer wanted."""


@dataclass(frozen=True, slots=True)
class LaneOptions:
    """What the lanes of one app have in common.

    Attributes:
        cluster: Where Kafka is.
        sources: Co-partitioned topics that the lanes read.
        changelog: Topic of the states.
        make_engine: Makes the empty engine of a partition.
        observer: Where measures go.
        pace: How often to commit.
        partition_counts: Partitions by topic, for topics with another count than the sources.
        may_skip_lost: Go on behind records that the broker has deleted.
        ready: Awaited before a chunk is applied; None = nothing is needed.
        headers_of: Topics of which the headers are needed.
        is_from_end: A source that was never read is begun at its end, not with its oldest record.
        state_files: A head start for a restore; None = there is none.
    """

    cluster: Cluster
    sources: tuple[str, ...]
    changelog: str
    make_engine: Callable[[int], Engine]
    observer: Observer
    pace: Pace = field(default_factory=Pace)
    partition_counts: Mapping[str, int] = field(default_factory=dict)
    may_skip_lost: bool = False
    is_from_end: bool = False
    ready: MakeReady | None = None
    headers_of: frozenset[str] = frozenset()
    state_files: StateFiles | None = None


class Group(Protocol):
    """What a worker knows of its membership in the group."""

    @property
    def generation(self) -> int:
        """The newest generation that it is a member of."""

    @property
    def is_rebalancing(self) -> bool:
        """Whether partitions are on the move; what was delivered before is not to be applied."""

    @property
    def is_stopping(self) -> bool:
        """Whether the worker is on its way out."""


class Lanes:
    """The lanes of one worker.

    Args:
        options: What they have in common.
        fence: Begin of the transactional ids: the same for all workers of a role.
        group: The worker's membership.
        crash: Called with the error when a lane fails.

    Attributes:
        lanes: By partition.
        is_settling: Lanes are given up and restored; nothing moves, and that is right.
        left: Engine and durable offset of each partition that was at work until the end, and of
            which everything is durable.
    """

    def __init__(
        self,
        options: LaneOptions,
        fence: str,
        group: Group,
        crash: Callable[[BaseException], object],
    ) -> None:
        self.lanes: dict[int, Lane] = {}
        self.is_settling = False
        self.left: dict[int, tuple[Engine, int]] = {}
        self._options, self._fence, self._group, self._crash = options, fence, group, crash
        self._stride = Stride(RECORDS_MIN, RECORDS_MAX, RECORDS_MAX // 4)
        self._dropped: set[tuple[str, int, int, int]] = set()
        self._cut: set[TopicPartition] = set()

    def positions(self) -> dict[TopicPartition, int]:
        """Return where each source partition is to be read next."""
        return {
            TopicPartition(topic, partition): offset
            for partition, lane in self.lanes.items()
            for topic, offset in lane.engine.applied.items()
            if topic in self._options.sources
        }

    def held(self) -> set[TopicPartition]:
        """Return the source partitions of which nothing more is taken for now."""
        return {
            TopicPartition(topic, partition)
            for partition, lane in self.lanes.items()
            for topic in self._options.sources
            if topic in lane.engine.held
        }

    def must_read_again(self) -> bool:
        """Return whether something was dropped of what may be taken by now; it is told once."""
        free = self._cut - self.held()
        self._cut -= free
        return bool(free)

    async def accept(
        self, chunk: Chunk, ack: Callable[[], object], drop: Callable[[], object]
    ) -> None:
        """Apply a chunk slice by slice, whenever its lane has room.

        A chunk of an earlier generation is dropped: it is read again from where the state stands.

        Args:
            chunk: As it was delivered.
            ack: Called when all of it is durable.
            drop: Called when nobody has to wait for it any more.

        Raises:
            UserError: There is no lane for it, or records before it are gone.
        """
        if not await self._is_ready(chunk):
            drop()
            return
        pieces = list(chunk.columns.pieces(self._stride.size))
        for piece in pieces:
            lane = self.lanes.get(chunk.partition)
            if lane is not None:
                await lane.has_room()
            if chunk.generation != self._group.generation:
                return
            lane = self.lanes.get(chunk.partition)
            if lane is None:
                raise _unowned(chunk.topic, chunk.partition)
            seconds = self._apply(
                lane, replace(chunk, columns=piece), ack if piece is pieces[-1] else None
            )
            if chunk.topic in lane.engine.held:
                self._dropped.add(_origin(chunk))
                self._cut.add(TopicPartition(chunk.topic, chunk.partition))
                drop()
                return
            self._stride.adapt(len(piece), seconds)
            await give_turns()

    async def _is_ready(self, chunk: Chunk) -> bool:
        """Wait for what decoding a chunk takes; False = it is dropped, and read again later.

        What follows a dropped chunk is dropped as well, or there would be a hole.
        """
        ready, origin = self._options.ready, _origin(chunk)
        if origin in self._dropped:
            return False
        if ready is not None and not await ready(chunk, lambda: self._is_wanted(chunk)):
            self._dropped.add(origin)
        return origin not in self._dropped

    def _is_wanted(self, chunk: Chunk) -> bool:
        """Whether a chunk may still be applied; else it will be read again, here or elsewhere."""
        group = self._group
        is_current = chunk.generation == group.generation
        return is_current and not (group.is_rebalancing or group.is_stopping)

    def _apply(self, lane: Lane, chunk: Chunk, ack: Callable[[], object] | None) -> float:
        """Apply a piece; a hole before it is an error, unless we may go on behind it."""
        try:
            return lane.accept(chunk, ack)
        except LostRecordsError as error:
            self._miss(chunk.topic, chunk.partition, str(error))
            lane.engine.applied[chunk.topic] = chunk.columns.start
            return lane.accept(chunk, ack)

    def _miss(self, topic: str, partition: int, detail: str) -> None:
        """Go on behind records that are gone, if we may.

        Raises:
            UserError: We may not.
        """
        if not self._options.may_skip_lost:
            raise _lost(topic, partition, detail)
        log.warning("records_skipped", topic=topic, partition=partition, detail=detail)

    def hurry(self) -> None:
        """Commit now, for the partitions are on the move and others wait for them."""
        for lane in self.lanes.values():
            lane.hurry()

    async def own(self, partitions: set[int], generation: int) -> None:
        """Own exactly these partitions: give up what is not ours, restore what is new.

        A partition that stayed ours is kept when nobody else can have owned it in between: the
        generations follow each other and all of it is durable. (If somebody had, the fence would
        refuse our next commit.)

        Raises:
            UserError: A source no longer has the records that come next.
            KafkaError: The broker is away or refuses.
        """
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        self.is_settling = True
        self._dropped.clear()
        self._cut.clear()
        await self._release(partitions, generation)
        users = await self._open(sorted(partitions - set(self.lanes)), generation)
        self.is_settling = False
        seconds = loop.time() - started_s
        self._options.observer.restored(seconds)
        log.info(
            "partitions_owned", generation=generation, partitions=sorted(partitions),
            restored_records=users, seconds=round(seconds, 3),
        )  # fmt: skip

    async def _release(self, partitions: set[int], generation: int) -> None:
        """Halt every lane, then leave those that cannot be kept.

        In this order, for a halt takes a commit with it: a lane that was in one is not clean.
        """
        await asyncio.gather(*(lane.halt() for lane in self.lanes.values()))
        released = [
            lane for lane in self.lanes.values() if not _is_kept(lane, partitions, generation)
        ]
        for lane in released:
            del self.lanes[lane.partition]
        # Shielded: nobody else knows them any more, and each holds a connection.
        await asyncio.shield(asyncio.gather(*(lane.abandon() for lane in released)))

    async def _open(self, partitions: list[int], generation: int) -> int:
        """Fence, restore and start; leaves no producer behind when it is cancelled."""
        producers = [self._producer(partition) for partition in partitions]
        try:
            await asyncio.gather(*(producer.start() for producer in producers), self._identify())
            found, engines = await self._restored_in_place(partitions)
        except BaseException:
            stops = (producer.stop() for producer in producers)
            await asyncio.shield(asyncio.gather(*stops, return_exceptions=True))
            raise
        for partition, producer in zip(partitions, producers, strict=True):
            self.lanes[partition] = Lane(
                partition, engines[partition], producer, self._options.pace,
                self._crash, self._options.observer, found[partition].durable_to,
            )  # fmt: skip
        for lane in self.lanes.values():
            lane.start(generation)
        if self._options.is_from_end:  # where it began must be known to its next owner
            for partition in partitions:
                self.lanes[partition].wake()
        return sum(each.records for each in found.values())

    async def _restored_in_place(
        self, partitions: list[int]
    ) -> tuple[dict[int, Restored], dict[int, Engine]]:
        """Restore, and meanwhile ask what the sources have: the fence is up, so it stays true."""
        wanted = [
            TopicPartition(topic, number)
            for topic in self._options.sources
            for number in partitions
        ]
        asking = asyncio.create_task(log_range(self._options.cluster, wanted))
        try:
            found = await self._restore(partitions)
            engines = {partition: each.engine for partition, each in found.items()}
            self._place(engines, *await asking)
        finally:
            asking.cancel()
        return found, engines

    async def _identify(self) -> None:
        """Ask which topic the changelog is, before it is read."""
        if self._options.state_files is not None:
            await self._options.state_files.identify()

    def _producer(self, partition: int) -> PartitionProducer:
        options = self._options
        name = f"{self._fence}-{partition}"
        return PartitionProducer(
            options.cluster, name, partition, options.partition_counts, options.changelog
        )

    async def _restore(self, partitions: list[int]) -> dict[int, Restored]:
        return await restored(self._options, partitions)

    def _place(self, engines: Mapping[int, Engine], begins: LogRange, ends: LogRange) -> None:
        """Check that each source still has what comes next; one that is new gets its place."""
        first = ends if self._options.is_from_end else begins
        for source in begins:
            applied = engines[source.partition].applied
            offset = applied.setdefault(source.topic, first[source])
            if offset > ends[source]:
                raise recreated(source.topic, source.partition, offset, ends[source])
            if offset < begins[source]:
                detail = f"applied up to {offset}, but the log begins at {begins[source]}"
                self._miss(source.topic, source.partition, detail)
            applied[source.topic] = max(offset, begins[source])

    async def close(self) -> None:
        """Make durable what was applied, and leave."""
        await asyncio.gather(*(lane.close() for lane in self.lanes.values()))
        self.left = {
            number: (lane.engine, lane.durable_to)
            for number, lane in self.lanes.items()
            if lane.is_clean
        }
        self.lanes.clear()


def _origin(chunk: Chunk) -> tuple[str, int, int, int]:
    """Return what a chunk has in common with those that were read on from it."""
    return chunk.topic, chunk.partition, chunk.generation, chunk.seek


def _is_kept(lane: Lane, partitions: set[int], generation: int) -> bool:
    return lane.partition in partitions and lane.is_clean and lane.generation + 1 == generation


async def log_range(
    cluster: Cluster, partitions: Iterable[TopicPartition]
) -> tuple[LogRange, LogRange]:
    """Return the first and the next offset of each partition's log."""
    wanted = list(partitions)
    if not wanted:
        return {}, {}
    consumer = reader(cluster)
    await consumer.start()
    try:
        await consumer.know({place.topic for place in wanted})
        return await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
    finally:
        await consumer.stop()


def _unowned(topic: str, partition: int) -> UserError:
    """Topics of unlike counts are assigned apart, so that records come to who has no state."""
    return UserError(
        f"{topic}[{partition}] came to a worker that does not own its state: the topic, or that of "
        "the state, has other partitions by now",
        "See what differs with: winback topics plan",
        Exit.FAILED,
    )


def recreated(topic: str, partition: int, offset: int, end: int) -> UserError:
    """Return what is said of a topic that ends before what was read of it."""
    return UserError(
        f"topic {topic}[{partition}] ends at {end}, but the state has applied up to {offset}: "
        "the topic was deleted and made again, or the state belongs to another cluster",
        "Restore the topic, or start from nothing under a new WINBACK_APP_ID.",
        Exit.FAILED,
    )


def _lost(topic: str, partition: int, detail: str) -> UserError:
    return UserError(
        f"records of {topic}[{partition}] were deleted before they were read: {detail}",
        "Give the topic a longer retention; to go on without them: winback run --skip-lost",
        Exit.FAILED,
    )
