"""A lane: what it drops, when it commits, what it acknowledges."""

import asyncio
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.columns import Chunk, Columns, LostRecordsError, unseen
from streams.runtime.lane import SPAN_MAX_MS, Lane, Pace
from streams.runtime.metrics import LaneMeter, Metrics
from streams.runtime.producer import Commit
from streams.runtime.stride import STRIDE_S, Stride
from streams.runtime.ticks import Tick


class Recorder:
    """An engine that remembers the offsets it was given."""

    held: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.applied: dict[str, int] = {}
        self.seen: list[int] = []
        self.fresh: list[int] = []
        self.at_ms = 0

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        self.applied = {"in": len(records)}

    def apply(self, chunk: Chunk) -> None:
        self.seen += chunk.columns.offsets
        self.fresh += chunk.columns.offsets

    def tick(self, tick: Tick, span_ms: int) -> bool:
        self.at_ms = min(tick.at_ms, self.at_ms + span_ms)
        self.fresh.append(-self.at_ms)
        return self.at_ms == tick.at_ms

    def take(self) -> Commit:
        fresh, self.fresh = self.fresh, []
        return Commit([(b"%d" % offset, b"") for offset in fresh], {})


class FakeProducer:
    """Durable when the test says so."""

    def __init__(self) -> None:
        self.written: list[list[bytes]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.is_stopped = False

    async def write(self, commit: Commit) -> int | None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.written.append([key for key, _ in commit.changelog])
        return len(self.written)

    async def stop(self) -> None:
        self.is_stopped = True


def columns(start: int, offsets: list[int], next_offset: int) -> Columns:
    keys = [b"k%d" % offset for offset in offsets]
    return Columns(start, next_offset, list(keys), list(keys), offsets, [0] * len(offsets))


def chunk(first: int, end: int) -> Chunk:
    return Chunk("in", 0, columns(first, list(range(first, end)), end), 1)


class Stage:
    """A lane with everything around it."""

    def __init__(self, interval_s: float = 0.0, pending_max: int = 100) -> None:
        self.engine, self.producer = Recorder(), FakeProducer()
        self.acked: list[str] = []
        self.crashes: list[BaseException] = []
        self.lane = Lane(
            0, self.engine, self.producer, Pace(interval_s, pending_max), self.crashes.append,
            LaneMeter(Metrics()),
        )  # fmt: skip
        self.lane.start(1)

    def accept(self, first: int, end: int) -> None:
        self.lane.accept(chunk(first, end), lambda: self.acked.append(f"{first}-{end}"))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_chunk_is_acknowledged_when_it_is_durable_and_not_before() -> None:
    async def story() -> None:
        stage = Stage()
        stage.producer.gate.clear()
        stage.accept(0, 3)
        await settle()
        assert stage.engine.seen == [0, 1, 2]
        assert stage.acked == []
        stage.producer.gate.set()
        await settle()
        assert stage.acked == ["0-3"]
        await stage.lane.close()
        assert stage.producer.is_stopped

    asyncio.run(story())


def test_what_gathers_during_a_commit_is_one_commit() -> None:
    async def story() -> None:
        stage = Stage()
        stage.producer.gate.clear()
        stage.accept(0, 1)
        await settle()
        for offset in range(1, 5):
            stage.accept(offset, offset + 1)
        stage.producer.gate.set()
        await stage.lane.close()
        assert [len(commit) for commit in stage.producer.written] == [1, 4]
        assert len(stage.acked) == 5

    asyncio.run(story())


def test_a_failed_commit_acknowledges_nothing_and_crashes() -> None:
    async def story() -> None:
        stage = Stage()
        stage.producer.error = RuntimeError("away")
        stage.accept(0, 1)
        await settle()
        assert stage.acked == []
        assert [str(error) for error in stage.crashes] == ["away"]
        await stage.lane.close()

    asyncio.run(story())


def test_a_full_lane_has_no_room_until_it_commits() -> None:
    async def story() -> None:
        stage = Stage(interval_s=60, pending_max=10)
        stage.accept(0, 1)
        await settle()
        stage.accept(1, 12)
        assert not stage.lane.room.is_set()
        await settle()  # much is pending, so the minute is not waited for
        assert stage.lane.room.is_set()
        assert stage.lane.is_clean
        await stage.lane.close()

    asyncio.run(story())


def test_with_nothing_to_make_durable_there_is_no_transaction() -> None:
    async def story() -> None:
        stage = Stage()
        stage.lane.accept(Chunk("in", 0, columns(0, [], 2), 1), lambda: stage.acked.append("empty"))
        await settle()
        assert stage.producer.written == []
        assert stage.acked == ["empty"]
        assert stage.engine.applied == {"in": 2}
        await stage.lane.close()

    asyncio.run(story())


def test_a_hole_in_the_source_is_told() -> None:
    async def story() -> None:
        stage = Stage()
        stage.accept(0, 3)
        with pytest.raises(LostRecordsError, match="applied up to 3"):
            stage.accept(5, 6)
        await stage.lane.close()

    asyncio.run(story())


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(0, 30))
def test_replays_are_dropped_wherever_they_begin(starts: list[int], first: int) -> None:
    """Chunks that overlap what was applied add each offset exactly once."""
    applied, seen = first, list(range(first))
    for start in starts:
        begin = min(start, applied)
        piece = unseen(columns(begin, list(range(begin, begin + 10)), begin + 10), applied)
        seen += piece.offsets
        applied = max(applied, piece.next_offset)
    assert seen == list(range(applied))


@given(st.lists(st.integers(1, 3), max_size=40), st.integers(1, 7))
def test_pieces_cover_the_same_offsets(gaps: list[int], size: int) -> None:
    """Holes of compaction stay within pieces, and pieces follow each other without a hole."""
    offsets = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    whole = columns(0, offsets, (offsets[-1] if offsets else 0) + 3)
    pieces = list(whole.pieces(size))
    assert [offset for piece in pieces for offset in piece.offsets] == offsets
    assert [piece.start for piece in pieces[1:]] == [piece.next_offset for piece in pieces[:-1]]
    assert (pieces[0].start, pieces[-1].next_offset) == (whole.start, whole.next_offset)
    assert all(len(piece) <= size for piece in pieces)


def test_a_stride_takes_about_its_time() -> None:
    stride = Stride(250, 2000, 2000)
    for _ in range(20):
        stride.adapt(stride.size, stride.size * STRIDE_S / 500)
    assert stride.size == 500
    for _ in range(20):
        stride.adapt(stride.size, 10.0)
    assert stride.size == 250
    for _ in range(20):
        stride.adapt(stride.size, 0.0)
    assert stride.size == 2000


def test_a_stride_is_measured_by_its_own_cpu() -> None:
    """Others have the core in between: the wall clock would make strides shorter, and dearer."""

    async def story() -> None:
        stage, spent = Stage(), iter([2.0, 2.25])
        stage.lane._pace = Pace(spent=lambda: next(spent))
        assert stage.lane.accept(chunk(0, 3), None) == 0.25
        await stage.lane.close()

    asyncio.run(story())


def test_a_long_silence_passes_in_strides_that_become_durable_one_by_one() -> None:
    async def story() -> None:
        stage = Stage()
        week_ms = 7 * 86_400_000
        await stage.lane.tick(Tick(week_ms))
        await stage.lane.close()
        instants = [-int(key) for commit in stage.producer.written for key in commit]
        assert instants == sorted(set(instants))
        assert instants[-1] == week_ms
        assert len(stage.producer.written) > 7 * 24 // 3
        assert max(b - a for a, b in pairwise([0, *instants])) <= SPAN_MAX_MS

    asyncio.run(story())


def test_records_wait_while_time_passes() -> None:
    """The instant of a record would fire all timers before it in one go."""

    async def story() -> None:
        stage = Stage()
        stage.producer.gate.clear()
        ticking = asyncio.create_task(stage.lane.tick(Tick(2 * SPAN_MAX_MS)))
        await settle()
        waiting = asyncio.create_task(stage.lane.has_room())
        await settle()
        assert not waiting.done()
        stage.producer.gate.set()
        await ticking
        await waiting
        await stage.lane.close()

    asyncio.run(story())


def test_a_lane_that_is_left_lets_no_more_time_pass() -> None:
    async def story() -> None:
        stage = Stage()
        ticking = asyncio.create_task(stage.lane.tick(Tick(10**12)))
        await settle()
        await stage.lane.close()
        await ticking
        assert stage.engine.at_ms < 10**12
        assert stage.producer.is_stopped

    asyncio.run(story())


def test_what_is_seen_of_the_engine_is_told_when_it_is_durable() -> None:
    """With the offset behind it; and what came meanwhile is not in it."""

    async def story() -> None:
        stage = Stage()
        stage.producer.gate.clear()
        stage.accept(0, 1)
        await settle()
        looking = asyncio.create_task(stage.lane.durable(lambda engine: list(engine.seen)))
        stage.accept(1, 3)
        await settle()
        assert not looking.done()
        stage.producer.gate.set()
        await settle()
        assert looking.result() == ([0, 1, 2], 2)
        assert await stage.lane.durable(lambda engine: list(engine.seen)) == ([0, 1, 2], 2)
        await stage.lane.close()

    asyncio.run(story())


def test_what_never_becomes_durable_is_not_told() -> None:
    async def story() -> None:
        stage = Stage()
        stage.producer.error = RuntimeError("away")
        stage.accept(0, 1)
        looking = asyncio.create_task(stage.lane.durable(lambda engine: list(engine.seen)))
        await settle()
        await stage.lane.close()
        assert await looking is None
        assert await stage.lane.durable(lambda engine: list(engine.seen)) is None

    asyncio.run(story())
