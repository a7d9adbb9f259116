"""The clock ticks for lanes that have caught up, and for no others."""

import asyncio
from collections.abc import Mapping
from typing import Any

from streams.runtime.ticks import EndOffsets, Tick, WallClock, now_ms


class FakeLane:
    """A lane that has read to an offset."""

    def __init__(self, applied: int) -> None:
        self.applied = applied
        self.ticks: list[Tick] = []

    def has_read_to(self, ends: Mapping[str, int]) -> bool:
        return all(self.applied >= end for end in ends.values())

    async def tick(self, tick: Tick) -> None:
        self.ticks.append(tick)


def run_for(lanes: dict[int, Any], ends: EndOffsets, seconds: float) -> None:
    async def end_offsets() -> EndOffsets:
        return ends

    async def story() -> None:
        clock = asyncio.create_task(WallClock(lambda: lanes, end_offsets).run())
        await asyncio.sleep(seconds)
        clock.cancel()

    asyncio.run(story())


def test_a_lane_with_a_backlog_gets_no_tick() -> None:
    """Its silence is not the users' silence."""
    behind, level = FakeLane(9), FakeLane(10)
    before_ms = now_ms()
    run_for({0: behind, 1: level}, {0: {"in": 10}, 1: {"in": 10}}, 0.15)
    assert behind.ticks == []
    (tick,) = level.ticks
    assert before_ms <= tick.at_ms <= now_ms()


def test_the_tick_is_of_the_instant_before_the_ends_were_asked_for() -> None:
    """A lane that catches up a moment later gets the older instant, not that of now."""
    late = FakeLane(0)

    async def end_offsets() -> EndOffsets:
        return {0: {"in": 5}}

    async def story() -> tuple[int, int]:
        clock = asyncio.create_task(WallClock(lambda: {0: late}, end_offsets).run())
        await asyncio.sleep(0.2)
        caught_up_ms, late.applied = now_ms(), 5
        await asyncio.sleep(0.2)
        clock.cancel()
        return late.ticks[0].at_ms, caught_up_ms

    tick_ms, caught_up_ms = asyncio.run(story())
    assert tick_ms < caught_up_ms - 100


def test_a_partition_that_was_lost_is_forgotten() -> None:
    run_for({}, {3: {"in": 10}}, 0.1)
