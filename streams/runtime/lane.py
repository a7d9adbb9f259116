"""A lane: everything that happens to one owned partition, in order, durably and exactly once.

A chunk is applied to the engine at once and in memory. Everything that gathered since the last
commit becomes one transaction: outputs, changed states, and the partition's record with the offsets
that were applied. While it is on its way the lane goes on, so commits grow with the load (group
commit) and are a single chunk when it is low. Then the source is acknowledged.
"""

import asyncio
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from streams.runtime.columns import Chunk, unseen
from streams.runtime.producer import Commit
from streams.runtime.stride import Stride, give_turns, wait_at_most
from streams.runtime.ticks import Tick, now_ms

LOOK_S: Final = 0.005
SPAN_MIN_MS: Final = 1_000
SPAN_MAX_MS: Final = 3 * 3_600_000
"""Event time of a stride: of a million silent users, some 100,000 are looked at in three hours."""


class Engine(Protocol):
    """What a lane drives: the state of one partition. Everything is synchronous."""

    @property
    def applied(self) -> dict[str, int]:
        """Next offset by source topic; the lane moves it after each chunk."""

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take over the content of the partition's changelog."""

    @property
    def held(self) -> Container[str]:
        """Topics of which nothing more is taken for now."""

    def apply(self, chunk: Chunk) -> int | None:
        """Fold records that were not applied before, in order.

        Returns:
            Offset from which on they were not taken; None = all of them were.
        """

    def tick(self, tick: Tick, span_ms: int) -> bool:
        """Let at most so much time pass; return whether the tick's instant is reached."""

    def take(self) -> Commit:
        """Hand over what is not durable yet, and forget it."""


class Producer(Protocol):
    """Who writes the commits of one partition, behind a fence."""

    async def write(self, commit: Commit) -> int | None:
        """Return when all of it is durable.

        Returns:
            Offset in the changelog before which everything is durable; None = it is not known.
        """

    async def stop(self) -> None:
        """Leave; what was not committed never happened."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a lane commits.

    Attributes:
        interval_s: At most one commit in this time, unless much is pending.
        pending_max: Records that a lane may be ahead of its durable state; then it waits.
        pending_bytes_max: The same in bytes of their values: each may come to be a dead letter.
        spent: Seconds of CPU so far, by which strides are measured. While others have the core the
            wall clock runs on: strides would shrink, so that each record cost three times as much,
            just where there is least to spend.
    """

    interval_s: float = 0.1
    pending_max: int = 16_000
    pending_bytes_max: int = 64 << 20
    spent: Callable[[], float] = time.thread_time


class Observer(Protocol):
    """Who wants to know what a lane does; called once per chunk or commit, never per event."""

    def chunk_applied(self, partition: int, records: int, seconds: float) -> None:
        """Note that a chunk was applied."""

    def committed(
        self, partition: int, states: int, outputs: Mapping[str, int], seconds: float
    ) -> None:
        """Note that a commit is durable."""

    def restoring(self, left: int) -> None:
        """Note how many offsets of the changelog are still to be read."""

    def restored(self, seconds: float) -> None:
        """Note that partitions were taken over."""


class Lane:
    """The order of one partition: chunks in, transactions out.

    Args:
        partition: Its number.
        engine: The restored state.
        producer: The started producer; the lane stops it.
        pace: How often to commit.
        crash: Called with the error when a commit fails; nothing was acknowledged then.
        observer: Where measures go.
        durable_to: Up to which offset of the changelog the state was restored.

    Attributes:
        durable_to: Everything of the changelog before this offset is in what is durable.
        newest_ms: Timestamp of the newest record that was applied, by topic, epoch ms UTC.
        began_ms: When it began, epoch ms UTC.
    """

    def __init__(
        self,
        partition: int,
        engine: Engine,
        producer: Producer,
        pace: Pace,
        crash: Callable[[BaseException], object],
        observer: Observer,
        durable_to: int = 0,
    ) -> None:
        self.partition = partition
        self.durable_to = durable_to
        self.engine = engine
        self.generation = -1
        self.newest_ms: dict[str, int] = {}
        self.began_ms = now_ms()
        self.room = asyncio.Event()
        self.room.set()
        self._producer = producer
        self._pace = pace
        self._crash = crash
        self._observer = observer
        self._acks: list[Callable[[], object]] = []
        self._looks: list[tuple[Callable[[Any], Any], asyncio.Future[Any]]] = []
        self._pending = self._pending_bytes = 0
        self._is_committing = False
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._still = asyncio.Event()
        self._still.set()
        self._is_leaving = False
        self._span = Stride(SPAN_MIN_MS, SPAN_MAX_MS, SPAN_MAX_MS // 16)

    @property
    def is_clean(self) -> bool:
        """Whether everything that was applied is durable."""
        return not (self._acks or self._is_committing or self._wake.is_set())

    def wake(self) -> None:
        """Commit what the engine has done outside of chunks and ticks."""
        self._wake.set()

    def hurry(self) -> None:
        """Do not rest before the next commit."""
        self._hurry.set()

    async def durable(self, look: Callable[[Any], Any]) -> tuple[Any, int] | None:
        """Look at the engine at an instant, and return what was seen when it is durable.

        Args:
            look: Takes the engine; what it returns must not change any more.

        Returns:
            What was seen, and the offset of the changelog before which all of it stands; None =
            the partition was given up meanwhile.
        """
        if not self._is_working:
            return None
        answer: asyncio.Future[tuple[Any, int] | None] = asyncio.get_running_loop().create_future()
        self._looks.append((look, answer))
        self.wake()
        return await answer

    @property
    def pending(self) -> int:
        """Records applied and not in a commit yet."""
        return self._pending

    def start(self, generation: int) -> None:
        """Begin to commit, as owner in this generation of the group."""
        assert self._task is None
        self.generation = generation
        self._task = asyncio.create_task(self._run(), name=f"lane-{self.partition}")

    def accept(self, chunk: Chunk, ack: Callable[[], object] | None) -> float:
        """Apply what is new in a chunk; ``ack`` is called when it is durable.

        Returns:
            Seconds of CPU it took.

        Raises:
            LostRecordsError: The chunk begins beyond what was applied.
        """
        started_s, spent_s = asyncio.get_running_loop().time(), self._pace.spent()
        applied, stopped = self.engine.applied, None
        columns = unseen(chunk.columns, applied.get(chunk.topic, chunk.columns.start))
        if len(columns):
            stopped = self.engine.apply(replace(chunk, columns=columns))
            self.newest_ms[chunk.topic] = columns.timestamps_ms[-1]
        next_offset = columns.next_offset if stopped is None else stopped
        applied[chunk.topic] = max(next_offset, applied.get(chunk.topic, 0))
        if ack is not None and stopped is None:
            self._acks.append(ack)
        self._pending += len(columns)
        self._pending_bytes += columns.size
        is_far = self._pending_bytes >= self._pace.pending_bytes_max
        if is_far or self._pending >= self._pace.pending_max:
            self.room.clear()
            self._hurry.set()
        self._wake.set()
        seconds = asyncio.get_running_loop().time() - started_s
        self._observer.chunk_applied(self.partition, len(columns), seconds)
        return self._pace.spent() - spent_s

    def has_read_to(self, ends: Mapping[str, int]) -> bool:
        """Whether every source topic was applied up to these offsets."""
        applied = self.engine.applied
        return all(applied.get(topic, 0) >= end for topic, end in ends.items())

    async def has_room(self) -> None:
        """Wait until records may come: the lane is not too far ahead, and no time is passing."""
        while not (self.room.is_set() and self._still.is_set()):
            await self.room.wait()
            await self._still.wait()

    async def tick(self, tick: Tick) -> None:
        """Let time pass in strides, each of them made durable while the next is under way.

        A lane that is halted meanwhile stops where it is; the next tick goes on from there.
        """
        spent = self._pace.spent
        self._still.clear()
        try:
            while True:
                spent_s, span_ms = spent(), self._span.size
                is_there = self.engine.tick(tick, span_ms)
                self._wake.set()
                if is_there:
                    return
                self._span.adapt(span_ms, spent() - spent_s)
                await give_turns()
                while self._is_committing and self._is_working:  # noqa: ASYNC110 (as in close)
                    await asyncio.sleep(LOOK_S)
                if not self._is_working:
                    return
        finally:
            self._still.set()

    @property
    def _is_working(self) -> bool:
        return self._task is not None and not self._task.done() and not self._is_leaving

    async def close(self) -> None:
        """Make durable what can be, then leave the partition."""
        self._is_leaving = True
        if self._task is not None and not self._task.done():
            self._hurry.set()
            while not (self.is_clean or self._task.done()):  # noqa: ASYNC110 (either may come first)
                await asyncio.sleep(LOOK_S)
        await self.abandon()

    async def abandon(self) -> None:
        """Leave the partition at once; what was not committed will be done again by its owner."""
        self.room.set()  # nobody shall wait here for ever
        await self.halt()
        await self._producer.stop()

    async def halt(self) -> None:
        """Stop committing, and keep the state and the fence."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        for _, answer in self._looks:
            _answer(answer, None)
        self._looks.clear()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            started_s = loop.time()
            try:
                await self._commit()
            except Exception as error:  # noqa: BLE001 (crash is the error handling: restart, replay)
                self._crash(error)
                return
            rest_s = self._pace.interval_s - (loop.time() - started_s)
            if rest_s > 0 and self._pending < self._pace.pending_max // 2:
                await wait_at_most(self._hurry, rest_s)

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        self._wake.clear()
        self._is_committing = True
        commit, acks = self.engine.take(), self._acks
        looks = [(look(self.engine), answer) for look, answer in self._looks]
        self._acks, self._pending, self._pending_bytes = [], 0, 0
        self._hurry.clear()
        self.room.set()
        if commit:
            started_s = loop.time()
            offset = await self._producer.write(commit)
            self.durable_to = self.durable_to if offset is None else offset
            seconds, sizes = loop.time() - started_s, commit.sizes()
            self._observer.committed(self.partition, len(commit.changelog), sizes, seconds)
            commit.when_durable()
        for ack in acks:
            ack()
        for seen, answer in looks:
            _answer(answer, (seen, self.durable_to))
        del self._looks[: len(looks)]
        self._is_committing = False


def _answer(answer: "asyncio.Future[Any]", said: object) -> None:
    if not answer.done():  # Whoever asked may be gone.
        answer.set_result(said)
