"""Feeding a log into a topic: at full speed, at a rate, or at N × real time."""

import asyncio
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec

from streams.core.partitioner import Partitioner
from streams.replay.blocks import Block, Window
from streams.replay.events import credible, encoded, watermark
from streams.replay.files import EventLog
from streams.replay.instants import short_iso
from streams.replay.progress import Progress
from streams.runtime.publisher import Publisher
from streams.runtime.ticks import now_ms

Words = Callable[[Block], tuple[list[str], list[bytes]]]
"""Keys and values of the events of a block, in its order."""
NAP_S: Final = 0.02
"""How often a paced feed looks what is due: well below what anybody downstream can see."""


class Fed(msgspec.Struct, kw_only=True):
    """What was fed."""

    file: str
    topic: str
    partitions: int
    events: int = 0
    next_row: int = 1
    first_event_at: str | None = None
    last_event_at: str | None = None
    from_the_future: int = 0
    skipped_rows: int = 0
    unordered_rows: int = 0
    watermark_at: str | None = None
    is_interrupted: bool = False
    seconds: float = 0.0
    events_per_s: float = 0.0


class Pace:
    """Says how many rows of a block may go by now.

    Args:
        speed: Event time per real time; None = not bound to event time.
        rate: Events per second; None = as fast as possible.
        clock: Seconds, monotonic.
    """

    def __init__(self, speed: float | None, rate: float | None, clock: Callable[[], float]) -> None:
        self.speed = speed
        self.rate = rate
        self.clock = clock
        self.sent = 0
        self._start_s = clock()
        self._first_ms: int | None = None

    def due(self, times_ms: list[int], begin: int) -> int:
        """Return up to which row the block may go; ``begin`` when none may yet."""
        if self._first_ms is None:
            self._first_ms, self._start_s = times_ms[0], self.clock()
        elapsed_s = self.clock() - self._start_s
        end = len(times_ms)
        if self.speed is not None:
            until_ms = self._first_ms + elapsed_s * 1_000 * self.speed
            end = bisect_right(times_ms, until_ms, begin)
        if self.rate is not None:
            end = min(end, begin + math.floor(elapsed_s * self.rate) + 1 - self.sent)
        return max(begin, end)


def native(block: Block) -> tuple[list[str], list[bytes]]:
    """Return the events as they stand on our own topic."""
    return block.user_ids, encoded(block)


class Feeder:
    """Feeds one log.

    Args:
        log: What to feed.
        window: Which of its rows.
        publisher: Where to; connected.
        progress: Who is told how far it is.
        stop: When set, the feed ends after the records that are under way.
        words: How the events are written.
    """

    def __init__(
        self,
        log: EventLog,
        window: Window,
        publisher: Publisher,
        progress: Progress,
        stop: asyncio.Event,
        words: Words = native,
    ) -> None:
        self.log = log
        self.window = window
        self.publisher = publisher
        self.progress = progress
        self.stop = stop
        self.words = words
        self.partitioner = Partitioner(publisher.partitions)
        self.fed = Fed(file=log.path, topic=publisher.topic, partitions=publisher.partitions)
        self._first_ms: float = math.inf
        self._last_ms: float = -math.inf

    async def run(self, pace: Pace, *, with_watermark: bool) -> Fed:
        """Feed the log, flush, and close every partition with a watermark.

        Raises:
            UserError: The log is bad, or Kafka is away.
        """
        clock = asyncio.get_running_loop().time
        begin_s = clock()
        for block in self.window.of(self.log.blocks()):
            await self._block(block, pace)
            if self.stop.is_set():
                break
        fed = self.fed
        fed.is_interrupted = self.stop.is_set()
        if self._last_ms > -math.inf:
            fed.first_event_at = short_iso(int(self._first_ms))
            fed.last_event_at = short_iso(int(self._last_ms))
            if with_watermark and not fed.is_interrupted:
                await self._close(int(self._last_ms))
        await self.publisher.flush()
        fed.skipped_rows, fed.unordered_rows = self.log.skipped, self.log.unordered
        fed.seconds = round(clock() - begin_s, 3)
        fed.events_per_s = round(fed.events / max(fed.seconds, 0.001))
        return fed

    async def _block(self, block: Block, pace: Pace) -> None:
        keys, values = self.words(block)
        begin = 0
        while begin < len(values) and not self.stop.is_set():
            end = pace.due(block.times_ms, begin)
            if end == begin:
                await self._nap()
                continue
            await self._send(block, keys[begin:end], values[begin:end], end)
            pace.sent += end - begin
            begin = end
        self._count(block, begin)

    async def _nap(self) -> None:
        try:
            await asyncio.wait_for(self.stop.wait(), NAP_S)
        except TimeoutError:
            return

    async def _send(self, block: Block, keys: list[str], values: list[bytes], end: int) -> None:
        parts: defaultdict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        partitioner = self.partitioner
        for key, value in zip(keys, values, strict=True):
            parts[partitioner[key]].append((key.encode(), value))
        for partition, records in parts.items():
            await self.publisher.send(partition, records)
        self.fed.events += len(values)
        self.fed.next_row = block.rows[end - 1] + 1
        self.progress.show(self.log.progress, self.fed.events, block.times_ms[end - 1])

    def _count(self, block: Block, sent: int) -> None:
        if not sent:
            return
        times = credible(block.times_ms[:sent], now_ms())
        self.fed.from_the_future += sum(at_ms > 0 for at_ms in block.times_ms[:sent]) - len(times)
        self._first_ms = min(self._first_ms, *times, math.inf)
        self._last_ms = max(self._last_ms, *times, -math.inf)

    async def _close(self, at_ms: int) -> None:
        record = watermark(self.log.path, at_ms)
        for partition in range(self.publisher.partitions):
            await self.publisher.send(partition, [record])
        self.fed.watermark_at = short_iso(at_ms)
