"""What every role has around its lanes: metrics, health, gauges, background work, and an end."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version as installed_version
from itertools import count
from typing import Any, Final

from aiokafka.errors import IllegalStateError, KafkaError
from faust.types import TP

from streams.core.input_fuse import FuseRecord
from streams.errors import Unavailable, UserError
from streams.runtime.app import LaneApp
from streams.runtime.gauges import Gauges, lags_in_seconds
from streams.runtime.group_check import demand_group
from streams.runtime.health import Health, HealthServer
from streams.runtime.lane import Lane
from streams.runtime.lanes import recreated
from streams.runtime.memory import in_use_bytes, keep_small
from streams.runtime.metrics import LaneMeter, Metric, Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.router import RouterEngine
from streams.runtime.supervisor import Supervisor
from streams.runtime.ticks import EndOffsets
from streams.runtime.troubles import Seen, troubles_of
from streams.runtime.worker import work
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.doorstep import require_reachable
from winback_sender.logs import get_logger

log = get_logger(__name__)

GAUGES_EVERY_S: Final = 2.0
UNPLACED: Final = (
    "It owns no partition yet: it starts, or the others own them all (there is no use in more "
    "workers than partitions)."
)
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
        self._supervisor = Supervisor(os.environ)
        self.role = ""
        """What it does, for the metrics."""
        self.partitions = 0
        """How many there are of the topic, whoever owns them; 0 = not known."""
        self._gauges = Gauges(self.metrics)
        self._is_unanswered = self._is_kafka_away = False
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
            self._is_unanswered = True
            return {}
        self._is_unanswered = False
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
        version = installed_version("winback")
        self.metrics.set(Metric.INFO, 1, service=self.role, version=version)
        for number in count():
            await asyncio.sleep(GAUGES_EVERY_S)
            await self.end_offsets()
            await self._look_for_kafka()
            self._gauges.look(self._lanes, number)
            self._show_gauges()

    async def _look_for_kafka(self) -> None:
        """Find out whether the brokers are away, or it is we who cannot ask."""
        was_away, self._is_kafka_away = self._is_kafka_away, False
        if self._is_unanswered:
            try:
                await asyncio.to_thread(require_reachable, self.cluster)
            except Unavailable as error:
                self._is_kafka_away = True
                if not was_away:
                    log.warning("kafka_away", reason=error.message, next="asked until it answers")
            except UserError:
                pass  # It is there; whoever asks next hears what it says.

    def _show_gauges(self) -> None:
        self._gauges.show(self._lanes, self._lags(), self._held())
        self.metrics.set(Metric.USERS_MAX, self.settings.users_max)
        self.metrics.set(Metric.PARTITIONS, self.partitions)
        self.metrics.set(Metric.TASKS, len(asyncio.all_tasks()))
        if (in_use := in_use_bytes()) is not None:
            self.metrics.set(Metric.MEMORY_IN_USE, in_use)
        self.metrics.set(Metric.KAFKA_AWAY, self._is_kafka_away)
        health = self._examine()
        is_live = self._server.is_live(health)
        self.metrics.set(Metric.LIVE, is_live)
        self.metrics.set(Metric.READY, health.is_ready)
        self._supervisor.tell(is_live=is_live, is_ready=health.is_ready)

    @property
    def _lanes(self) -> Mapping[int, Lane]:
        assert self.app is not None
        return self.app.lanes.lanes

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
            facts: dict[str, object] = {"partitions": []}
            troubles = tuple(troubles_of(Seen(self._is_kafka_away, facts=self.tell())))
            return Health(False, False, 0, facts, troubles, UNPLACED)  # noqa: FBT003
        lanes, lags, held, more = app.lanes.lanes, self._lags(), self._held(), self.tell()
        pending = sum(lane.pending for lane in lanes.values())
        facts = {
            "partitions": sorted(lanes), "lag_records": sum(lags.values()),
            "pending_records": pending, **more,
        }  # fmt: skip
        is_settled = not (app.rebalancing or app.lanes.is_settling)
        is_moving = is_settled and not (self.is_held() or self._is_kafka_away)
        if held:
            facts["inputs_held"] = {
                f"{tp.topic}[{tp.partition}]": f"from offset {fuse.held_at} on: {fuse.reason}"
                for tp, fuse in sorted(held.items())
            }
        can_be_read = any(lag > 0 for tp, lag in lags.items() if tp not in held)
        has_work = can_be_read or not all(lane.is_clean for lane in lanes.values())
        is_waiting = is_moving and has_work
        seen = Seen(
            self._is_kafka_away, self._server.still_s(is_waiting=is_waiting),
            sum(lags.values()) + pending, held, lags, lags_in_seconds(lanes, lags),
            self._fullest(), more,
        )  # fmt: skip
        return Health(
            is_settled, is_waiting, self.meter.progress, facts, tuple(troubles_of(seen)),
            self._summary(lags, is_settled=is_settled),
        )  # fmt: skip

    def _summary(self, lags: Mapping[TP, int], *, is_settled: bool) -> str:
        """Return in a sentence what this process does."""
        numbers = ", ".join(str(number) for number in sorted(self._lanes))
        if not is_settled:
            return f"Partitions are on the move; it had {numbers}, and restores what is new."
        left = sum(lags.values())
        rest = f"{left:,} records are still to be read" if left else "everything is read"
        return f"It owns partitions {numbers}; {rest}."

    def _fullest(self) -> tuple[int, float]:
        """Return the partition with most users, and its share of those that there may be."""
        users = {
            number: lane.engine.core.users / self.settings.users_max
            for number, lane in self._lanes.items()
            if isinstance(lane.engine, PipelineEngine)
        }
        fullest = max(users, key=users.__getitem__, default=0)
        return fullest, users.get(fullest, 0.0)
