"""The roles of the service: what each is made of, from settings to a running worker."""

import asyncio
import os
from collections.abc import Callable, Mapping

from streams.core.clock_names import expected_clocks
from streams.core.partition import Partition
from streams.core.routed import direct
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.runtime.app import make_app
from streams.runtime.dead_letters import Notices
from streams.runtime.engine_topics import streams_of
from streams.runtime.idle import IdleTopics
from streams.runtime.input_fuse import FuseNotices, InputFuse, limit_of
from streams.runtime.lane import Lane, Pace
from streams.runtime.lanes import LaneOptions
from streams.runtime.news import News
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.rules_watch import Loaded
from streams.runtime.schemas import SchemaDesk, headers_of
from streams.runtime.service import Service
from streams.runtime.state_files import WORTH_USERS, StateFiles
from streams.runtime.state_folder import DiskFolder, state_directory
from streams.runtime.ticks import WallClock, now_ms
from streams.runtime.topic_check import check_topics, partition_counts
from streams.runtime.topic_id import topic_id
from streams.runtime.topic_watch import watch_topics
from streams.settings import Settings
from winback_sender.cluster import Cluster


async def run_pipeline(
    settings: Settings,
    cluster: Cluster,
    loaded: Loaded,
    scorer: Scorer | None,
    *,
    load: Callable[[], Loaded],
    may_skip_lost: bool = False,
) -> None:
    """Run a worker of the pipeline until it is told to stop.

    Args:
        settings: The operator's.
        cluster: Where Kafka is.
        loaded: The business rules, and their files.
        load: Reads them anew when a file has changed.
        scorer: A frozen model; None follows the learner.
        may_skip_lost: Go on behind records that the broker has deleted.

    Raises:
        UserError: Something that an operator can mend.
    """
    counts = await check_topics(settings, cluster, loaded.rules.sources)
    service = Service(settings, cluster, settings.web_port)
    service.role, service.partitions = "pipeline", counts.get(settings.topic_activity, 0)
    role = PipelineRole(service, counts, loaded, scorer, load)
    await role.run(may_skip_lost=may_skip_lost)


class PipelineRole:
    """What a worker of the pipeline is made of.

    Args:
        service: What it has around its lanes.
        counts: Number of partitions by topic.
        loaded: The business rules, and their files.
        scorer: A frozen model; None follows the learner.
        load: Reads the rules anew when a file has changed.
    """

    def __init__(
        self,
        service: Service,
        counts: Mapping[str, int],
        loaded: Loaded,
        scorer: Scorer | None,
        load: Callable[[], Loaded],
    ) -> None:
        settings, sources = service.settings, loaded.rules.sources
        self._service, self._settings, self._counts = service, settings, counts
        self._theirs = direct(sources)
        self._clocks = expected_clocks(sources, counts)
        self._streams = streams_of(settings)
        self._notices, self._fuse_notices = Notices(settings.topic_dead_letters), FuseNotices()
        self._lanes: Mapping[int, Lane] = {}
        self._desk = SchemaDesk(settings, self._theirs, service.metrics)
        self._files = _state_files(service) if settings.state_files_every_s else None
        self._news = News(
            service.cluster, settings, service.metrics, loaded, load, scorer, self._desk.schemas,
            self._tell,
        )  # fmt: skip
        service.tell = lambda: self._news.facts() | self._desk.facts()
        service.is_held = lambda: bool(self._desk.away)

    async def run(self, *, may_skip_lost: bool) -> None:
        """Run until a signal or a crash.

        Raises:
            UserError: Something that an operator can mend.
        """
        settings = self._settings
        options = self._options(may_skip_lost=may_skip_lost)
        app = make_app(settings, app_id=settings.app_id, table="users", options=options)
        self._lanes = app.lanes.lanes
        try:
            await self._service.run(app, self._begin)
            if self._files is not None:  # Now that nobody waits for the partitions any more.
                await self._files.leave(app.lanes.left)
        finally:
            await self._desk.close()

    def _options(self, *, may_skip_lost: bool) -> LaneOptions:
        settings = self._settings
        sources = (
            settings.topic_activity, settings.topic_feedback, settings.topic_identity,
            *(source.topic for source in self._theirs),
        )  # fmt: skip
        return LaneOptions(
            cluster=self._service.cluster, sources=sources,
            changelog=settings.topic_users_changelog, make_engine=self._engine,
            observer=self._service.meter, pace=Pace(interval_s=settings.commit_interval_s),
            partition_counts=self._counts, may_skip_lost=may_skip_lost, ready=self._desk.ready,
            headers_of=headers_of(self._theirs), state_files=self._files,
        )  # fmt: skip

    def _engine(self, partition: int) -> PipelineEngine:
        settings, board = self._settings, self._news.board
        core = Partition(
            partition, board.now.rules, board.now.scorer,
            of=self._counts[settings.topic_activity], app_id=settings.app_id, clocks=self._clocks,
            users_max=settings.users_max,
        )  # fmt: skip
        # What is said of touches is heard in any case: an opt-out may stand among garbage.
        heard = {settings.topic_feedback}
        return PipelineEngine(
            core, lambda: board.now, self._streams, self._service.metrics, self._notices,
            now_ms if settings.clock == "wall" else None,
            fuse=InputFuse(limit_of(settings), partition, self._fuse_notices, heard),
        )  # fmt: skip

    def _tell(self) -> None:
        """Let every lane look at what has come into force."""
        for lane in self._lanes.values():
            engine = lane.engine
            assert isinstance(engine, PipelineEngine)
            engine.refresh()
            lane.wake()

    async def _begin(self) -> None:
        """Return when what is in force is known; what goes on for ever is watched."""
        service, is_live = self._service, self._settings.clock == "wall"
        await self._news.begin(service.background)
        service.background(watch_topics(service.cluster, self._counts))
        idleness = IdleTopics(self._streams.clocks) if len(self._clocks) > 1 else None
        if is_live or idleness is not None:
            clock = WallClock(
                lambda: self._lanes, service.end_offsets, idleness, gives_ticks=is_live
            )
            service.background(clock.run())
        if self._files is not None:
            service.background(self._files.keep(lambda: self._lanes))


def _state_files(service: Service) -> StateFiles:
    settings, topic = service.settings, service.settings.topic_users_changelog
    folder = DiskFolder(state_directory(settings.data_dir, os.environ) / settings.app_id)
    return StateFiles(
        folder, topic, lambda: asyncio.to_thread(topic_id, service.cluster, topic),
        every_s=settings.state_files_every_s, worth_users=WORTH_USERS, metrics=service.metrics,
    )  # fmt: skip


async def run_learner(
    settings: Settings, cluster: Cluster, rules: Rules, *, port: int, may_skip_lost: bool = False
) -> None:
    """Run the learner until it is told to stop.

    Raises:
        UserError: Something that an operator can mend.
    """
    # Late: a worker of the pipeline needs neither River nor LightGBM.
    from streams.runtime.fits import BackgroundFits  # noqa: PLC0415
    from streams.runtime.learner import CHUNK_MAX, SNAPSHOT_EVERY_S, LearnerEngine  # noqa: PLC0415

    counts = await partition_counts(
        cluster, (), (), alone=(settings.topic_examples, settings.topic_models)
    )
    service = Service(settings, cluster, port)
    service.role, service.partitions = "learner", counts.get(settings.topic_examples, 0)
    fits = BackgroundFits(service.metrics)
    options = LaneOptions(
        cluster=cluster, sources=(settings.topic_examples,), changelog=settings.topic_models,
        make_engine=lambda _partition: LearnerEngine(settings, rules, service.metrics, fits),
        observer=service.meter, pace=Pace(interval_s=SNAPSHOT_EVERY_S), partition_counts=counts,
        may_skip_lost=may_skip_lost,
    )  # fmt: skip
    app = make_app(
        settings, app_id=f"{settings.app_id}-learner", table="models", options=options,
        chunk_max=CHUNK_MAX,
    )  # fmt: skip
    service.tell = lambda: _facts_of(app.lanes.lanes)
    await service.run(app)


def _facts_of(lanes: Mapping[int, Lane]) -> dict[str, object]:
    """Return what the learner says of its models; nothing while another one learns."""
    engines = [lane.engine for lane in lanes.values()]
    return getattr(engines[0], "facts", dict)() if engines else {}
