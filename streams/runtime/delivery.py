"""What a worker delivers to its lanes, from where, and what it says it has done.

Nothing of Faust is here: the same code runs under it and under simulation (tests/deterministic).
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from aiokafka import TopicPartition

from streams.runtime.columns import Chunk, Columns
from streams.runtime.lanes import Group

IDLE_S: Final = 0.01

Positions = Mapping[TopicPartition, int]


class Source(Protocol):
    """Who fetches, and has a way to the agent."""

    @property
    def is_flowing(self) -> bool:
        """Whether records may be delivered as far as flow control is concerned."""

    def assignment(self) -> Collection[TopicPartition]:
        """Return what this member of the group may read."""

    async def seek(self, positions: Positions) -> None:
        """Fetch from these offsets from now on."""

    async def fetch(
        self, without: Collection[TopicPartition] = ()
    ) -> Mapping[TopicPartition, Columns] | None:
        """Return what has come, perhaps after a while; None = nothing may be fetched now."""

    async def hand(self, chunk: Chunk) -> None:
        """Give a chunk to the agent, or give up when the flow is stopped."""


class Delivery:
    """From fetches to chunks, each of one generation and from where the state stands.

    Args:
        group: The worker's membership.
        source: Who fetches.
        positions: Where each source partition is to be read next: the only truth there is.
        chunk_max: Records per chunk: bounds how long the event loop is held.
        held: Returns the partitions that are not to be read for now.
        must_read_again: Returns whether one of them is to be read on from where the state stands.

    Attributes:
        must_seek: Nothing is delivered before the positions were taken from the state.
    """

    def __init__(
        self,
        group: Group,
        source: Source,
        positions: Callable[[], Positions],
        chunk_max: int,
        *,
        held: Callable[[], Collection[TopicPartition]] = frozenset,
        must_read_again: Callable[[], bool] = lambda: False,
    ) -> None:
        self.must_seek = True
        self._held, self._must_read_again = held, must_read_again
        self._seeks = 0
        self._group, self._source, self._positions = group, source, positions
        self._chunk_max = chunk_max
        self._acked: dict[TopicPartition, int] = {}

    # -- what is delivered

    async def turn(self) -> None:
        """Do what is next: wait for the group, seek after a rebalance, or fetch and deliver."""
        await asyncio.sleep(0)
        if self._is_interrupted():
            self.must_seek = True
            await asyncio.sleep(IDLE_S)
        elif self.must_seek:
            await self._seek_once()
        else:
            await self._fetch_once()

    async def seek(self) -> None:
        """Seek every source partition to what the state has applied."""
        assigned = self._source.assignment()
        positions = {
            place: offset for place, offset in self._positions().items() if place in assigned
        }
        if positions:
            await self._source.seek(positions)

    def _is_interrupted(self) -> bool:
        return self._group.is_rebalancing or not self._source.is_flowing

    async def _seek_once(self) -> None:
        """Seek after a rebalance.

        Faust's recovery resumes partitions before it seeks, and clears the queues afterwards; only
        this task fetches, so it seeks itself and delivers nothing before.
        """
        generation = self._group.generation
        self._seeks += 1
        await self.seek()
        has_changed = generation != self._group.generation
        self.must_seek = has_changed or self._is_interrupted()

    async def _fetch_once(self) -> None:
        if self._must_read_again():
            self.must_seek = True
            return
        generation = self._group.generation
        fetched = await self._source.fetch(self._held())
        if fetched is None:
            await asyncio.sleep(IDLE_S)
            return
        for place, columns in fetched.items():
            for piece in columns.pieces(self._chunk_max):
                if self._is_interrupted() or self._group.generation != generation:
                    self.must_seek = True
                    return
                chunk = Chunk(place.topic, place.partition, piece, generation, self._seeks)
                await self._source.hand(chunk)

    # -- what is acknowledged, for monitors of lag; the state knows better

    def acknowledge(self, place: TopicPartition, generation: int, next_offset: int) -> None:
        """Note for the next commit to the group what is durable, unless the partition was lost."""
        if generation == self._group.generation:
            self._acked[place] = next_offset

    def acknowledged(self) -> list[TopicPartition]:
        """Return of which partitions there is something to commit to the group."""
        return list(self._acked)

    def take_acknowledged(self, place: TopicPartition) -> int | None:
        """Return what is to be committed of a partition, and forget it."""
        return self._acked.pop(place, None)

    def begin_revoke(self) -> None:
        """Partitions are on the move: what the lanes finish until then is still committed."""
        self.must_seek = True

    def end_revoke(self) -> None:
        """From now on nothing of before may be committed."""
        self._acked.clear()
