"""Who is not waited for any more: read to the end, and silent for as long as the rules say."""

import asyncio
from collections.abc import Mapping
from typing import Any

from streams.core.clock_names import OWN
from streams.core.inputs import WatermarkPassed
from streams.core.partition import Partition
from streams.runtime.dead_letters import Notices
from streams.runtime.engine_topics import streams_of
from streams.runtime.idle import IdleTopics
from streams.runtime.in_force import InForce
from streams.runtime.journal import IDLE, PRESENT, TICK
from streams.runtime.metrics import Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.ticks import EndOffsets, Tick, WallClock
from tests.unit.core.clock_stories import APP, CRM, ORDERS, of_topics
from tests.unit.core.stories import ToldScorer, act, by_silence, day
from tests.unit.runtime.teaching import SETTINGS
from tests.unit.runtime.test_engines import journal

STREAMS = streams_of(SETTINGS)


class StandIn:
    """A lane that has read to some offsets."""

    def __init__(self, engine: PipelineEngine, applied: dict[str, int]) -> None:
        self.engine, self.applied, self.wakes = engine, applied, 0

    def has_read_to(self, ends: Mapping[str, int]) -> bool:
        return all(self.applied.get(topic, 0) >= end for topic, end in ends.items())

    def wake(self) -> None:
        self.wakes += 1


def engine_of(*clocks: str) -> PipelineEngine:
    rules = of_topics()
    core = Partition(0, rules, ToldScorer(by_silence), clocks=clocks)
    in_force = InForce(rules, "v1", {}, core.scorer)
    return PipelineEngine(core, lambda: in_force, STREAMS, Metrics(), Notices("dead"))


def idle(engine: PipelineEngine) -> set[str]:
    return {clock.name for clock in engine.core.clocks.record() if clock.is_idle}


def look(topics: IdleTopics, lane: Any, ends: dict[str, int], now_s: float) -> None:
    found: EndOffsets = {0: ends}
    topics.look({0: lane}, found, now_s)


def test_a_topic_is_idle_when_it_was_silent_for_long_and_all_of_it_is_read() -> None:
    engine = engine_of(OWN, ORDERS, CRM)
    engine.core.apply([act(day(1))])
    lane = StandIn(engine, {ORDERS: 7, CRM: 3})
    topics = IdleTopics(STREAMS.clocks)
    look(topics, lane, {ORDERS: 7, CRM: 4}, 0.0)
    look(topics, lane, {ORDERS: 7, CRM: 4}, 299.0)
    assert idle(engine) == set()
    look(topics, lane, {ORDERS: 7, CRM: 4}, 300.0)
    assert idle(engine) == {ORDERS}, "of the other one something is not read yet"
    assert journal(engine.take()) == [[f"{IDLE}{ORDERS}", 0, 0]]
    assert lane.wakes == 1
    look(topics, lane, {ORDERS: 7, CRM: 4}, 400.0)
    assert lane.wakes == 1, "it is said once"


def test_a_record_begins_the_silence_anew() -> None:
    engine, topics = engine_of(OWN, CRM), IdleTopics(STREAMS.clocks)
    lane = StandIn(engine, {CRM: 9})
    look(topics, lane, {CRM: 4}, 0.0)
    look(topics, lane, {CRM: 5}, 290.0)
    look(topics, lane, {CRM: 5}, 500.0)
    assert idle(engine) == set()


def test_feedback_has_no_clock_and_the_router_speaks_for_its_own() -> None:
    engine, topics = engine_of(OWN, APP), IdleTopics(STREAMS.clocks)
    engine.core.apply([act(day(1)), WatermarkPassed(day(1), APP)])
    lane = StandIn(engine, {})
    for now_s in (0.0, 10_000.0):
        look(topics, lane, {SETTINGS.topic_feedback: 0, SETTINGS.topic_activity: 0}, now_s)
    assert idle(engine) == {OWN}


def test_in_event_time_the_clock_looks_for_idle_topics_and_gives_no_tick() -> None:
    looks: list[float] = []

    class Watch:
        def look(self, _lanes: object, _ends: object, now_s: float) -> None:
            looks.append(now_s)

    async def end_offsets() -> EndOffsets:
        return {0: {"in": 1}}

    async def story() -> None:
        lane: Any = object()  # It has no tick to be given.
        clock = WallClock(lambda: {0: lane}, end_offsets, Watch(), gives_ticks=False)
        running = asyncio.create_task(clock.run())
        await asyncio.sleep(0.1)
        running.cancel()

    asyncio.run(story())
    assert len(looks) == 1


def test_strides_tell_the_present_first() -> None:
    """So a touch that is due in the middle of a long way waits for its end."""
    engine = engine_of(OWN)
    engine.core.apply([act(day(0)), act(day(1))])
    now = Tick(day(40))
    steps = 1
    while not engine.tick(now, 10 * 86_400_000):
        steps += 1
    assert steps > 3
    present, *ticks = journal(engine.take())
    assert present == [PRESENT, now.at_ms, now.at_ms]
    assert [name for name, *_ in ticks] == [TICK] * steps
    assert ticks[-1] == [TICK, now.at_ms, now.at_ms]
    assert engine.core.clocks.present_ms == now.at_ms
