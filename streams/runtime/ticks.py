"""The wall clock; nothing else in the project reads it.

Live, a tick says to a lane: everything that happened before this instant has been read. It is given
only when the lane had read to the end offsets of that instant, so that a worker that catches up
never takes its backlog for silence. In event time (replays, tests) there are no ticks.

A topic that is read to its end and has said nothing for a while is declared idle, whatever moves
the timers: the others do not wait for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from streams.runtime.lane import Lane

TICK_EVERY_S: Final = 1.0
LOOK_EVERY_S: Final = 0.05


class Tick(NamedTuple):
    """The clock says: everything that happened before this instant has been read.

    Attributes:
        at_ms: Epoch milliseconds UTC.
    """

    at_ms: int


class Idleness(Protocol):
    """Who decides about topics that say nothing."""

    def look(self, lanes: Mapping[int, "Lane"], ends: "EndOffsets", now_s: float) -> None:
        """Take note of where the topics end, and declare idle what has not moved for too long."""


EndOffsets = Mapping[int, Mapping[str, int]]
"""By partition and source topic."""


def now_ms() -> int:
    """Return the instant, epoch milliseconds UTC."""
    return time.time_ns() // 1_000_000


class WallClock:
    """Gives ticks to the lanes that have caught up.

    Args:
        lanes: The lanes of now, by partition.
        end_offsets: Asks the broker for the end of every source topic of these partitions.
        idleness: Looks at them, too.
        gives_ticks: Whether the clock moves timers, or nothing but events does.
    """

    def __init__(
        self,
        lanes: Callable[[], Mapping[int, "Lane"]],
        end_offsets: Callable[[], Awaitable[EndOffsets]],
        idleness: Idleness | None = None,
        *,
        gives_ticks: bool = True,
    ) -> None:
        self._lanes = lanes
        self._end_offsets = end_offsets
        self._idleness = idleness
        self._gives_ticks = gives_ticks

    async def run(self) -> None:
        """Tick for ever, about once a second."""
        loop = asyncio.get_running_loop()
        while True:
            next_s = loop.time() + TICK_EVERY_S
            await self._tick_once(now_ms(), next_s)
            await asyncio.sleep(max(0.0, next_s - loop.time()))

    async def _tick_once(self, at_ms: int, until_s: float) -> None:
        """Give the tick of one instant to each lane, as soon as it has read all before it."""
        loop = asyncio.get_running_loop()
        waiting = dict(await self._end_offsets())
        if self._idleness is not None:
            self._idleness.look(self._lanes(), waiting, loop.time())
        while self._gives_ticks and waiting and loop.time() < until_s:
            lanes = self._lanes()
            for partition, ends in list(waiting.items()):
                lane = lanes.get(partition)
                if lane is None:
                    del waiting[partition]
                elif lane.has_read_to(ends):
                    await lane.tick(Tick(at_ms))
                    del waiting[partition]
            if waiting:
                await asyncio.sleep(LOOK_EVERY_S)
