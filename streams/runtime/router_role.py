"""The role of the router: one topic of somebody else's, from settings to a running worker.

Each routed topic is an app of its own: its group, its fence and its changelog are named after it.
So a topic that comes, goes, grows or stands still is no matter of the others, and partition counts
need not agree.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

from streams.core.inputs import Directive
from streams.core.sources import Source
from streams.errors import Exit, UserError
from streams.intake.bulk import bulk_tell
from streams.runtime.app import make_app
from streams.runtime.control_feed import ControlFeed
from streams.runtime.dead_letters import DeadLetters, Notices
from streams.runtime.input_fuse import FuseNotices, InputFuse, limit_of, pardons
from streams.runtime.lane import Lane, Pace
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
    service.role, service.partitions = "router", counts[source.topic]
    await RouterRole(service, counts, loaded, source, load).run(may_skip_lost=may_skip_lost)


class RouterRole:
    """What the router of one topic is made of.

    Args:
        service: What it has around its lanes.
        counts: Number of partitions by topic.
        loaded: The business rules, and their files.
        source: The topic.
        load: Reads the rules anew when a file has changed.
    """

    def __init__(
        self,
        service: Service,
        counts: Mapping[str, int],
        loaded: Loaded,
        source: Source,
        load: Callable[[], Loaded],
    ) -> None:
        settings, metrics = service.settings, service.metrics
        self._service, self._settings, self._counts = service, settings, counts
        self._source = source
        self._notices, self._fuse_notices = Notices(settings.topic_dead_letters), FuseNotices()
        self._targets = Targets(settings.topic_activity, settings.topic_dead_letters)
        self._lanes: Mapping[int, Lane] = {}
        self._pardoned: dict[str, int] = {}  # Known before the first lane: _begin waits for it.
        self._desk = SchemaDesk(settings, (source,), metrics)
        self._bulk = bulk_tell(source, loaded.rules, self._desk.schemas)
        self._watch = RulesWatch(loaded, load, metrics, self._adopt)
        self._controls = ControlFeed(service.cluster, settings, metrics, self._pardon)
        service.tell = self._facts
        service.is_held = lambda: bool(self._desk.away)

    async def run(self, *, may_skip_lost: bool) -> None:
        """Run until a signal or a crash.

        Raises:
            UserError: Something that an operator can mend.
        """
        app = make_app(
            self._settings, app_id=self._settings.router_id(self._source.topic), table="lanes",
            options=self._options(may_skip_lost=may_skip_lost),
        )  # fmt: skip
        self._lanes = app.lanes.lanes
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        try:
            await self._service.run(app, self._begin)
        finally:
            await self._desk.close()

    def _options(self, *, may_skip_lost: bool) -> LaneOptions:
        settings, topic = self._settings, self._source.topic
        return LaneOptions(
            cluster=self._service.cluster, sources=(topic,),
            changelog=settings.router_changelog(topic), make_engine=self._engine,
            observer=self._service.meter, pace=Pace(interval_s=settings.commit_interval_s),
            partition_counts=self._counts, may_skip_lost=may_skip_lost,
            is_from_end=settings.router_begin == "newest", ready=self._desk.ready,
            headers_of=headers_of((self._source,)),
        )  # fmt: skip

    def _engine(self, partition: int) -> RouterEngine:
        settings, metrics = self._settings, self._service.metrics
        fuse = InputFuse(limit_of(settings), partition, self._fuse_notices)
        fuse.pardon(self._pardoned)
        return RouterEngine(
            self._source, Envelope(self._source.topic, partition, settings.app_id),
            lambda: self._bulk, self._targets, DeadLetters(self._notices, metrics), metrics,
            now_ms, is_ticked=settings.clock == "wall", fuse=fuse,
        )  # fmt: skip

    def _engines(self) -> Iterator[RouterEngine]:
        for lane in self._lanes.values():
            assert isinstance(lane.engine, RouterEngine)
            yield lane.engine

    def _adopt(self, found: Loaded) -> None:
        """Go by changed rules."""
        topic = self._source.topic
        self._source = next(each for each in found.rules.sources if each.topic == topic)
        self._bulk = bulk_tell(self._source, found.rules, self._desk.schemas)
        for engine in self._engines():
            engine.adopt(self._source)

    def _pardon(self, orders: tuple[Directive, ...]) -> None:
        """Read on what operators want to be read on."""
        self._pardoned = pardons(orders)
        for engine in self._engines():
            engine.fuse.pardon(self._pardoned)

    def _facts(self) -> dict[str, object]:
        rules = {"refused": self._watch.refused or None}
        return {"routes": self._source.topic, "rules": rules, **self._desk.facts()}

    async def _begin(self) -> None:
        """Return when the orders are known; what goes on for ever is watched."""
        service = self._service
        service.background(self._watch.follow())
        service.background(self._controls.follow())
        await self._controls.wait_ready()
        if self._settings.clock == "wall":
            service.background(WallClock(lambda: self._lanes, service.end_offsets).run())
        service.background(keep_clocks_told(lambda: self._lanes, service.end_offsets))


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
