"""The source of a worker: fetches, the queue to the agent, and the flow that Faust stops."""

import asyncio
from collections.abc import Collection, Mapping
from random import Random
from typing import Final

from aiokafka import TopicPartition

from streams.runtime.columns import Chunk, Columns
from streams.runtime.delivery import Positions
from tests.deterministic.client import Client

QUEUE_CHUNKS: Final = 8
FETCH_PATIENCE_S: Final = 1.0
FETCH_MAX: Final = 12


class FlowSource:
    """Stands for `transport.FaustSource`, with Faust's flow control and queue.

    Args:
        client: Of the process.
        random: Says how much a fetch brings.

    Attributes:
        is_flowing: Whether the consumer lets records through.
        is_open: Whether the agent takes what stands in the queue.
    """

    def __init__(self, client: Client, random: Random) -> None:
        self._client, self._random = client, random
        self.is_flowing = self.is_open = False
        self.assigned: frozenset[TopicPartition] = frozenset()
        self.paused: set[TopicPartition] = set()
        self.fetch_at: dict[TopicPartition, int] = {}
        self.queue: asyncio.Queue[Chunk] = asyncio.Queue(QUEUE_CHUNKS)
        self.suspended = asyncio.Event()

    def assign(self, places: Collection[TopicPartition]) -> None:
        """Read these from now on, from where they were read; nothing yet."""
        self.assigned = frozenset(places)
        self.fetch_at = {place: self.fetch_at.get(place, 0) for place in sorted(places)}
        self.paused = set(places)

    def stop_flow(self) -> None:
        """Deliver nothing, and forget what was delivered and not begun."""
        self.is_flowing = self.is_open = False
        self.suspended.set()
        self.paused |= self.assigned
        self._clear()

    def resume_flow(self) -> None:
        """Deliver again; what stands in the queue is forgotten."""
        self._clear()
        self.is_flowing = self.is_open = True
        self.suspended.clear()

    def _clear(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()

    def assignment(self) -> Collection[TopicPartition]:
        """Return what may be read."""
        return self.assigned

    async def seek(self, positions: Positions) -> None:
        """Fetch from these offsets from now on."""
        await asyncio.sleep(0)
        for place, offset in positions.items():
            self.fetch_at[place] = offset

    async def fetch(
        self, without: Collection[TopicPartition] = ()
    ) -> Mapping[TopicPartition, Columns] | None:
        """Return what has come."""
        active = [
            place for place in self.fetch_at if place not in self.paused and place not in without
        ]
        if not active:
            return None
        asked = {place: self.fetch_at[place] for place in active}
        found = await self._client.read(lambda: self._read(asked), FETCH_PATIENCE_S) or {}
        taken = {}
        for place, columns in found.items():
            if place not in self.paused and self.fetch_at.get(place) == asked[place]:
                self.fetch_at[place] = columns.next_offset
                taken[place] = columns
        return taken

    def _read(self, asked: Mapping[TopicPartition, int]) -> dict[TopicPartition, Columns] | None:
        count, found = self._random.randint(1, FETCH_MAX), {}
        for place, offset in asked.items():
            columns = self._client.broker.logs[place].read(offset, count)
            if columns.next_offset > offset:
                found[place] = columns
        return found or None

    async def hand(self, chunk: Chunk) -> None:
        """Put a chunk into the queue of the agent."""
        putting = asyncio.ensure_future(self._put(chunk))
        if not self.queue.full():
            await putting
            return
        stopping = asyncio.ensure_future(self.suspended.wait())
        try:
            await asyncio.wait([putting, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in (putting, stopping):
                future.cancel()

    async def _put(self, chunk: Chunk) -> None:
        if self.suspended.is_set():
            while self.suspended.is_set():  # noqa: ASYNC110 (as Faust's queue: until it is resumed)
                await asyncio.sleep(0.05)
        await self.queue.put(chunk)
