"""The roles of the service: what each is made of, from settings to a running worker."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IllegalStateError, KafkaError
from faust.types import TP

from streams.core.native import decode_feedback, make_decode
from streams.core.partition import Partition, StateMismatchError
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.errors import Exit, UserError
from streams.runtime.app import LaneApp, make_app
from streams.runtime.health import Health, HealthServer
from streams.runtime.lane import Engine, Pace
from streams.runtime.learner import CHUNK_MAX, SNAPSHOT_EVERY_S, LearnerEngine
from streams.runtime.logs import get_logger
from streams.runtime.metrics import LaneMeter, Metric, Metrics
from streams.runtime.model_feed import ModelFeed
from streams.runtime.pipeline import PipelineEngine, streams_of
from streams.runtime.table import LaneOptions
from streams.runtime.ticks import EndOffsets, WallClock
from streams.runtime.worker import work
from streams.settings import Settings

log = get_logger(__name__)

GAUGES_EVERY_S: Final = 2.0


class Worker:
    """What every role has: lanes, metrics, health, and an end.

    Args:
        settings: The operator's.
        bootstrap: host:port, several separated by commas.
        port: Where to serve /metrics and /health; 0 takes a free port.
    """

    def __init__(self, settings: Settings, bootstrap: str, port: int) -> None:
        self.settings = settings
        self.bootstrap = bootstrap
        self.metrics = Metrics()
        self.meter = LaneMeter(self.metrics)
        self.app: LaneApp | None = None
        self._server = HealthServer(settings.web_host, port, self.metrics, self._examine)
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, app: LaneApp, *services: Any) -> None:
        """Run until a signal or a crash; services are started before the lanes.

        Raises:
            UserError: Something that an operator can mend.
        """
        self.app = app

        async def before() -> None:
            port = await self._server.start()
            log.info("serving", url=f"http://{self.settings.web_host}:{port}/health")
            for service in services:
                await service.start()
            self.background(self._show())

        async def after() -> None:
            for task in self._tasks:
                task.cancel()
            for service in services:
                await service.stop()
            await self._server.stop()

        try:
            await work(app, before, after)
        except StateMismatchError as error:
            raise UserError(
                str(error),
                "Go back to the rules of before, or start from nothing under a new WINBACK_APP_ID.",
                Exit.FAILED,
            ) from error

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
        """Ask the broker how far the sources of the owned partitions go; nothing when it cannot."""
        assert self.app is not None
        wanted = list(self.app.lanes.positions())
        if not wanted or self.app.rebalancing:
            return {}
        try:
            found = await self.app.consumer.highwaters(*wanted)
        except (KafkaError, IllegalStateError, OSError):
            return {}
        ends: dict[int, dict[str, int]] = {}
        for tp, end in found.items():
            ends.setdefault(tp.partition, {})[tp.topic] = end
        return ends

    async def _show(self) -> None:
        """Keep the gauges current."""
        while True:
            await asyncio.sleep(GAUGES_EVERY_S)
            self._show_lanes()

    def _show_lanes(self) -> None:
        assert self.app is not None
        gauges, lanes = self.metrics, self.app.lanes.lanes
        gauges.set(Metric.PARTITIONS_OWNED, len(lanes))
        for metric in (
            Metric.PENDING_RECORDS, Metric.LAG_RECORDS, Metric.USERS,
            Metric.WATERMARK_TIMESTAMP_SECONDS,
        ):  # fmt: skip
            gauges.forget(metric)
        for number, lane in lanes.items():
            gauges.set(Metric.PENDING_RECORDS, lane.pending, partition=number)
            if isinstance(lane.engine, PipelineEngine):
                core = lane.engine.core
                gauges.set(Metric.USERS, core.users, partition=number)
                gauges.set(
                    Metric.WATERMARK_TIMESTAMP_SECONDS, core.watermark_ms / 1000, partition=number
                )
        for tp, lag in self._lags().items():
            gauges.set(Metric.LAG_RECORDS, lag, topic=tp.topic, partition=tp.partition)

    def _lags(self) -> dict[TP, int]:
        """Return what is known to lie in the sources beyond what was applied."""
        assert self.app is not None
        ends = self.app.monitor.tp_end_offsets
        return {
            tp: max(0, ends[tp] - offset)
            for tp, offset in self.app.lanes.positions().items()
            if ends.get(tp) is not None
        }

    def _examine(self) -> Health:
        app = self.app
        if app is None or not app.lanes.lanes:
            return Health(is_ready=False, is_waiting=False, progress=0, facts={"partitions": []})
        lanes = app.lanes.lanes
        lag, pending = sum(self._lags().values()), sum(lane.pending for lane in lanes.values())
        facts: dict[str, object] = {
            "partitions": sorted(lanes), "lag_records": lag, "pending_records": pending,
        }  # fmt: skip
        is_waiting = not all(lane.is_clean for lane in lanes.values())
        return Health(not app.rebalancing, is_waiting, self.meter.progress, facts)


async def run_pipeline(
    settings: Settings,
    bootstrap: str,
    rules: Rules,
    scorer: Scorer | None,
    *,
    may_skip_lost: bool = False,
) -> None:
    """Run a worker of the pipeline until it is told to stop.

    Args:
        settings: The operator's.
        bootstrap: host:port, several separated by commas.
        rules: The business rules.
        scorer: A frozen model; None follows the learner.
        may_skip_lost: Go on behind records that the broker has deleted.

    Raises:
        UserError: Something that an operator can mend.
    """
    sources = (settings.topic_activity, settings.topic_feedback)
    together = (
        *sources, settings.topic_touches, settings.topic_decisions, settings.topic_journal,
        settings.topic_users_changelog,
    )  # fmt: skip
    apart = (settings.topic_examples, settings.topic_models, settings.topic_dead_letters)
    counts = await partition_counts(bootstrap, together, apart)
    worker = Worker(settings, bootstrap, settings.web_port)

    def use(found: Scorer) -> None:
        for lane in app.lanes.lanes.values():
            engine = lane.engine
            assert isinstance(engine, PipelineEngine)
            engine.use(found)

    feed = ModelFeed(bootstrap, settings, rules, worker.metrics, use) if scorer is None else None
    decoders = {sources[0]: make_decode(rules), sources[1]: decode_feedback}
    streams = streams_of(settings)

    def make_engine(partition: int) -> Engine:
        model = feed.scorer if scorer is None and feed is not None else scorer
        assert model is not None
        core = Partition(partition, rules, model, app_id=settings.app_id)
        return PipelineEngine(core, decoders, streams, worker.metrics)

    options = LaneOptions(
        bootstrap=bootstrap, sources=sources, changelog=settings.topic_users_changelog,
        make_engine=make_engine, observer=worker.meter,
        pace=Pace(interval_s=settings.commit_interval_s), partition_counts=counts,
        may_skip_lost=may_skip_lost,
    )  # fmt: skip
    app = make_app(settings, app_id=settings.app_id, table="users", options=options)
    clock = WallClock(lambda: app.lanes.lanes, worker.end_offsets)
    services = [feed] if feed is not None else []
    if settings.clock == "wall":
        services.append(_Background(worker, clock.run))  # type: ignore[arg-type]  # both start and stop
    await worker.run(app, *services)


class _Background:
    """A service that is one coroutine."""

    def __init__(self, worker: Worker, work_to_do: Callable[[], Any]) -> None:
        self._worker, self._work_to_do = worker, work_to_do

    async def start(self) -> None:
        """Begin."""
        self._worker.background(self._work_to_do())

    async def stop(self) -> None:
        """The worker cancels it."""


async def run_learner(settings: Settings, bootstrap: str, rules: Rules, *, port: int) -> None:
    """Run the learner until it is told to stop.

    Raises:
        UserError: Something that an operator can mend.
    """
    needed = (settings.topic_examples, settings.topic_models)
    counts = await partition_counts(bootstrap, needed, ())
    worker = Worker(settings, bootstrap, port)
    options = LaneOptions(
        bootstrap=bootstrap, sources=(settings.topic_examples,), changelog=settings.topic_models,
        make_engine=lambda _partition: LearnerEngine(settings, rules, worker.metrics),
        observer=worker.meter, pace=Pace(interval_s=SNAPSHOT_EVERY_S), partition_counts=counts,
    )  # fmt: skip
    app = make_app(
        settings, app_id=f"{settings.app_id}-learner", table="models", options=options,
        chunk_max=CHUNK_MAX,
    )  # fmt: skip
    await worker.run(app)


async def partition_counts(
    bootstrap: str, together: tuple[str, ...], apart: tuple[str, ...]
) -> dict[str, int]:
    """Return how many partitions each topic has.

    Args:
        bootstrap: host:port, several separated by commas.
        together: Topics of which each must have as many as the first.
        apart: Topics that may have any number.

    Raises:
        UserError: A topic is missing, or has another number of partitions.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    await client.start()
    try:
        described = await client.describe_topics([*together, *apart])
    finally:
        await client.close()
    counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
    missing = sorted(topic for topic, count in counts.items() if not count)
    if missing:
        raise UserError(
            f"Kafka at {bootstrap} has no topic {', '.join(missing)}",
            "Make the topics with: winback topics apply",
        )
    wanted = counts[together[0]]
    for topic in together:
        if counts[topic] != wanted:
            raise UserError(
                f"{topic} has {counts[topic]} partitions, {together[0]} has {wanted}: a user must "
                "have the same partition in both",
                "See what is wrong with: winback topics plan",
            )
    return counts
