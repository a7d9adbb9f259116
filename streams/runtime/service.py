"""What every role has around its lanes: metrics, health, gauges, background work, and an end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiokafka.errors import IllegalStateError, KafkaError
from faust.types import TP

from streams.core.input_fuse import FuseRecord
from streams.runtime.app import LaneApp
from streams.runtime.group_check import demand_group
from streams.runtime.health import Health, HealthServer
from streams.runtime.lanes import recreated
from streams.runtime.memory import keep_small
from streams.runtime.metrics import LaneMeter, Metric, Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.router import RouterEngine
from streams.runtime.standing import show_standing
from streams.runtime.ticks import EndOffsets
from streams.runtime.worker import work
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.logs import get_logger

log = get_logger(__name__)

GAUGES_EVERY_S: Final = 2.0
ANSWER_PATIENCE_S: Final = 5.0


class Service:
    """What every role has: lanes, metrics, health, and an end.

    Args:
        settings: The operator's.
        cluster: Where Kafka is.
        port: Where to serve /metrics and /health; 0 takes a free port.
    """

    def __init__(self, settings: Settings, cluster: Cluster, port: int) -> None:
        self.settings = settings
        self.cluster = cluster
        self.metrics = Metrics()
        self.meter = LaneMeter(self.metrics)
        self.app: LaneApp | None = None
        self.tell: Callable[[], dict[str, object]] = dict
        """What more /health says."""
        self.is_held: Callable[[], bool] = lambda: False
        """Whether records wait for something that is away; nothing moves, and that is right."""
        self._server = HealthServer(
            settings.web_host, port, settings.web_token, self.metrics, self._examine
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: dict[TP, int] = {}
        self._beyond: set[TP] = set()

    async def run(self, app: LaneApp, begin: Callable[[], Awaitable[None]] | None = None) -> None:
        """Run until a signal or a crash.

        Args:
            app: Not started.
            begin: Awaited before the lanes start; what it puts in the background is watched.

        Raises:
            UserError: Something that an operator can mend.
        """
        self.app = app

        async def before() -> None:
            port = await self._server.start()
            log.info("serving", url=f"http://{self.settings.web_host}:{port}/health")
            if begin is not None:
                await begin()
            self.background(self._show())
            self.background(keep_small())

        async def after() -> None:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.stop()

        if self.cluster.security.context is not None:
            await asyncio.to_thread(demand_group, self.cluster, app.conf.id)
        await work(app, before, after)

    def background(self, work_to_do: Any) -> None:
        """Run something beside the lanes; its crash is the worker's."""
        task: asyncio.Task[None] = asyncio.create_task(work_to_do)
        task.add_done_callback(self._crash_with)
        self._tasks.append(task)

    def _crash_with(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and self.app is not None:
            self.app.crash_soon(error)

    async def end_offsets(self) -> EndOffsets:
        """Ask the broker how far the sources of the owned partitions go; nothing when it cannot.

        Raises:
            UserError: One ends before what was read of it: it was deleted and made again.
        """
        assert self.app is not None
        places = self.app.lanes.positions()
        if not places or self.app.rebalancing:
            return {}
        try:
            async with asyncio.timeout(ANSWER_PATIENCE_S):
                found = await self.app.consumer.highwaters(*places)
        except (KafkaError, IllegalStateError, OSError, TimeoutError):
            return {}
        self._ends = dict(found)
        self._demand_same(places)
        ends: dict[int, dict[str, int]] = {}
        for tp, end in found.items():
            ends.setdefault(tp.partition, {})[tp.topic] = end
        return ends

    def _demand_same(self, places: Mapping[TP, int]) -> None:
        """Stop when a topic was made anew: its first records would be taken for those of before.

        A broker that has just come up may err once.
        """
        beyond = {tp for tp, offset in places.items() if self._ends.get(tp, offset) < offset}
        for tp in sorted(beyond & self._beyond):
            raise recreated(tp.topic, tp.partition, places[tp], self._ends[tp])
        self._beyond = beyond

    async def _show(self) -> None:
        """Keep the gauges current, and ask how far there is to go: a dead reader does not."""
        while True:
            await asyncio.sleep(GAUGES_EVERY_S)
            await self.end_offsets()
            self._show_lanes()

    def _show_lanes(self) -> None:
        assert self.app is not None
        gauges, lanes = self.metrics, self.app.lanes.lanes
        gauges.set(Metric.PARTITIONS_OWNED, len(lanes))
        gauges.set(Metric.USERS_MAX, self.settings.users_max)
        gauges.set(Metric.TASKS, len(asyncio.all_tasks()))
        for metric in (
            Metric.PENDING_RECORDS, Metric.LAG_RECORDS, Metric.USERS,
            Metric.WATERMARK_TIMESTAMP_SECONDS, Metric.CLOCK_TIMESTAMP_SECONDS, Metric.CLOCK_IDLE,
            Metric.INPUT_HELD,
        ):  # fmt: skip
            gauges.forget(metric)
        engines = [
            lane.engine for lane in lanes.values() if isinstance(lane.engine, PipelineEngine)
        ]
        if engines:
            show_standing(gauges, [engine.core for engine in engines])
        marks: dict[int, int] = {}
        for number, lane in lanes.items():
            gauges.set(Metric.PENDING_RECORDS, lane.pending, partition=number)
            if isinstance(lane.engine, PipelineEngine):
                gauges.set(Metric.USERS, lane.engine.core.users, partition=number)
                marks[number] = lane.engine.core.watermark_ms
            elif isinstance(lane.engine, RouterEngine):
                marks[number] = lane.engine.watermark_ms
        for number, mark_ms in marks.items():
            gauges.set(Metric.WATERMARK_TIMESTAMP_SECONDS, mark_ms / 1000, partition=number)
        for topic, count in Counter(tp.topic for tp in self._held()).items():
            gauges.set(Metric.INPUT_HELD, count, topic=topic)
        for tp, lag in self._lags().items():
            gauges.set(Metric.LAG_RECORDS, lag, topic=tp.topic, partition=tp.partition)

    def _lags(self) -> dict[TP, int]:
        """Return what is known to lie in the sources beyond what was applied."""
        assert self.app is not None
        return {
            tp: max(0, self._ends[tp] - offset)
            for tp, offset in self.app.lanes.positions().items()
            if tp in self._ends
        }

    def _held(self) -> dict[TP, FuseRecord]:
        """Return what is not read on, for too much of it was rejected."""
        assert self.app is not None
        return {
            TP(topic, number): fuse
            for number, lane in self.app.lanes.lanes.items()
            if isinstance(lane.engine, PipelineEngine | RouterEngine)
            for topic, fuse in lane.engine.held.items()
        }

    def _examine(self) -> Health:
        app = self.app
        if app is None or not app.lanes.lanes:
            return Health(is_ready=False, is_waiting=False, progress=0, facts={"partitions": []})
        lanes = app.lanes.lanes
        lags, pending = self._lags(), sum(lane.pending for lane in lanes.values())
        held = self._held()
        facts: dict[str, object] = {
            "partitions": sorted(lanes), "lag_records": sum(lags.values()),
            "pending_records": pending, **self.tell(),
        }  # fmt: skip
        is_moving = not (app.rebalancing or app.lanes.is_settling or self.is_held())
        if held:
            facts["inputs_held"] = {
                f"{tp.topic}[{tp.partition}]": f"from offset {fuse.held_at} on: {fuse.reason}"
                for tp, fuse in sorted(held.items())
            }
        can_be_read = any(lag > 0 for tp, lag in lags.items() if tp not in held)
        has_work = can_be_read or not all(lane.is_clean for lane in lanes.values())
        is_waiting = is_moving and has_work
        return Health(not app.rebalancing, is_waiting, self.meter.progress, facts)
