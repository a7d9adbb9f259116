"""The role of the router: one topic of somebody else's, from settings to a running worker.

Each routed topic is an app of its own: its group, its fence and its changelog are named after it.
So a topic that comes, goes, grows or stands still is no matter of the others, and partition counts
need not agree.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from streams.core.inputs import Directive
from streams.core.sources import Source
from streams.errors import Exit, UserError
from streams.intake.bulk import bulk_tell
from streams.runtime.app import make_app
from streams.runtime.control_feed import ControlFeed
from streams.runtime.dead_letters import DeadLetters, Notices
from streams.runtime.input_fuse import FuseNotices, InputFuse, limit_of, pardons
from streams.runtime.lane import Engine, Lane, Pace
from streams.runtime.lanes import LaneOptions
from streams.runtime.routed_record import Envelope
from streams.runtime.router import RouterEngine, Targets
from streams.runtime.rules_watch import Loaded, RulesWatch
from streams.runtime.schemas import SchemaDesk, headers_of
from streams.runtime.service import Service
from streams.runtime.ticks import EndOffsets, WallClock, now_ms
from streams.runtime.topic_check import demand_sources, partition_counts
from streams.settings import Settings
from winback_sender.cluster import Cluster

LOOK_EVERY_S: Final = 1.0
GC_THRESHOLDS: Final = (50_000, 20, 100)
"""Until its commit an event is lists and tuples without cycles, which the garbage collector would
look through again and again: 8 of 22 µs per event with its own thresholds."""
TOPIC_NAME_MAX: Final = 249
"""Characters that Kafka allows in the name of a topic."""


async def run_router(
    settings: Settings,
    cluster: Cluster,
    loaded: Loaded,
    source: Source,
    *,
    load: Callable[[], Loaded],
    may_skip_lost: bool = False,
) -> None:
    """Run the router of one topic until it is told to stop.

    Args:
        settings: The operator's.
        cluster: Where Kafka is.
        loaded: The business rules, and their files.
        source: The topic.
        load: Reads the rules anew when a file has changed.
        may_skip_lost: Go on behind records that the broker has deleted.

    Raises:
        UserError: Something that an operator can mend.
    """
    counts = await check_routed(settings, cluster, source.topic)
    service = Service(settings, cluster, settings.web_port)
    notices = Notices(settings.topic_dead_letters)
    targets = Targets(settings.topic_activity, settings.topic_dead_letters)
    desk = SchemaDesk(settings, (source,), service.metrics)
    service.is_held = lambda: bool(desk.away)
    tell = bulk_tell(source, loaded.rules, desk.schemas)

    def adopt(found: Loaded) -> None:
        nonlocal source, tell
        source = next(each for each in found.rules.sources if each.topic == source.topic)
        tell = bulk_tell(source, found.rules, desk.schemas)
        for lane in app.lanes.lanes.values():
            assert isinstance(lane.engine, RouterEngine)
            lane.engine.adopt(source)

    pardoned: dict[str, int] = {}  # Known before the first lane: begin() waits for it.
    fuse_notices = FuseNotices()

    def pardon(orders: tuple[Directive, ...]) -> None:
        nonlocal pardoned
        pardoned = pardons(orders)
        for lane in app.lanes.lanes.values():
            assert isinstance(lane.engine, RouterEngine)
            lane.engine.fuse.pardon(pardoned)

    def make_engine(partition: int) -> Engine:
        fuse = InputFuse(limit_of(settings), partition, fuse_notices)
        fuse.pardon(pardoned)
        return RouterEngine(
            source, Envelope(source.topic, partition, settings.app_id), lambda: tell, targets,
            DeadLetters(notices, service.metrics), service.metrics, now_ms,
            is_ticked=settings.clock == "wall", fuse=fuse,
        )  # fmt: skip

    options = LaneOptions(
        cluster=cluster, sources=(source.topic,),
        changelog=settings.router_changelog(source.topic), make_engine=make_engine,
        observer=service.meter, pace=Pace(interval_s=settings.commit_interval_s),
        partition_counts=counts, may_skip_lost=may_skip_lost,
        is_from_end=settings.router_begin == "newest", ready=desk.ready,
        headers_of=headers_of((source,)),
    )  # fmt: skip
    app = make_app(
        settings, app_id=settings.router_id(source.topic), table="lanes", options=options
    )
    clock = WallClock(lambda: app.lanes.lanes, service.end_offsets)
    watch = RulesWatch(loaded, load, service.metrics, adopt)
    controls = ControlFeed(cluster, settings, service.metrics, pardon)

    def facts() -> dict[str, object]:
        rules = {"refused": watch.refused or None}
        return {"routes": source.topic, "rules": rules, **desk.facts()}

    service.tell = facts

    async def begin() -> None:
        service.background(watch.follow())
        service.background(controls.follow())
        await controls.wait_ready()
        if settings.clock == "wall":
            service.background(clock.run())
        service.background(keep_clocks_told(lambda: app.lanes.lanes, service.end_offsets))

    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        await service.run(app, begin)
    finally:
        await desk.close()


async def keep_clocks_told(
    lanes: Callable[[], Mapping[int, Lane]], end_offsets: Callable[[], Awaitable[EndOffsets]]
) -> None:
    """Have the clocks of lanes told for ever, also when no record follows."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        ends = await end_offsets()
        for partition, lane in lanes().items():
            engine = lane.engine
            assert isinstance(engine, RouterEngine)
            if partition in ends and lane.has_read_to(ends[partition]):
                engine.rest()
            if engine.is_clock_due():
                lane.wake()


async def check_routed(settings: Settings, cluster: Cluster, topic: str) -> dict[str, int]:
    """Return how many partitions the topics of a router have.

    Raises:
        UserError: One is missing, or the router's own has another number than its source.
        Unavailable: What answers is not a Kafka that is ready.
    """
    changelog = settings.router_changelog(topic)
    if len(changelog) > TOPIC_NAME_MAX:
        raise UserError(
            f"the router of {topic} would need a topic of {len(changelog)} characters, and Kafka "
            f"allows {TOPIC_NAME_MAX}",
            "Shorten WINBACK_APP_ID.",
        )
    await demand_sources(settings, cluster, (topic,))
    counts = await partition_counts(
        cluster, (), (topic, changelog, settings.topic_activity, settings.topic_dead_letters),
        alone=(),
    )  # fmt: skip
    if counts[changelog] < counts[topic]:
        raise UserError(
            f"{topic} has {counts[topic]} partitions by now, {changelog} has {counts[changelog]}",
            "Let it grow with: winback topics apply",
        )
    if counts[changelog] > counts[topic]:
        raise UserError(
            f"{topic} has {counts[topic]} partitions, {changelog} has {counts[changelog]}: the "
            "topic was deleted and made again",
            f"Delete {changelog}, or start under a new WINBACK_APP_ID.",
            Exit.FAILED,
        )
    return counts
