"""The roles of the service: what each is made of, from settings to a running worker."""

from collections.abc import Callable

from streams.core.clock_names import expected_clocks
from streams.core.partition import Partition
from streams.core.routed import direct
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.runtime.app import make_app
from streams.runtime.dead_letters import Notices
from streams.runtime.idle import IdleTopics
from streams.runtime.input_fuse import FuseNotices, InputFuse, limit_of
from streams.runtime.lane import Engine, Pace
from streams.runtime.lanes import LaneOptions
from streams.runtime.news import News
from streams.runtime.pipeline import PipelineEngine, streams_of
from streams.runtime.rules_watch import Loaded
from streams.runtime.schemas import SchemaDesk, headers_of
from streams.runtime.service import Service
from streams.runtime.ticks import WallClock, now_ms
from streams.runtime.topic_check import check_topics, partition_counts
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
    theirs = direct(loaded.rules.sources)
    sources = (
        settings.topic_activity, settings.topic_feedback, settings.topic_identity,
        *(source.topic for source in theirs),
    )  # fmt: skip
    counts = await check_topics(settings, cluster, loaded.rules.sources)
    clocks = expected_clocks(loaded.rules.sources, counts)
    service = Service(settings, cluster, settings.web_port)

    desk = SchemaDesk(settings, theirs, service.metrics)
    streams, notices = streams_of(settings), Notices(settings.topic_dead_letters)
    fuse_notices = FuseNotices()
    is_live = settings.clock == "wall"

    def tell() -> None:
        for lane in app.lanes.lanes.values():
            engine = lane.engine
            assert isinstance(engine, PipelineEngine)
            engine.refresh()
            lane.wake()

    news = News(cluster, settings, service.metrics, loaded, load, scorer, desk.schemas, tell)
    service.tell = lambda: news.facts() | desk.facts()
    service.is_held = lambda: bool(desk.away)

    def make_engine(partition: int) -> Engine:
        now = news.board.now
        of = counts[settings.topic_activity]
        core = Partition(
            partition, now.rules, now.scorer, of=of, app_id=settings.app_id, clocks=clocks,
            users_max=settings.users_max,
        )  # fmt: skip
        return PipelineEngine(
            core, lambda: news.board.now, streams, service.metrics, notices,
            now_ms if is_live else None,
            # What is said of touches is heard in any case: an opt-out may stand among garbage.
            fuse=InputFuse(
                limit_of(settings), partition, fuse_notices, {settings.topic_feedback}
            ),
        )  # fmt: skip

    options = LaneOptions(
        cluster=cluster, sources=sources, changelog=settings.topic_users_changelog,
        make_engine=make_engine, observer=service.meter,
        pace=Pace(interval_s=settings.commit_interval_s), partition_counts=counts,
        may_skip_lost=may_skip_lost, ready=desk.ready, headers_of=headers_of(theirs),
    )  # fmt: skip
    app = make_app(settings, app_id=settings.app_id, table="users", options=options)
    idleness = IdleTopics(streams.clocks) if len(clocks) > 1 else None
    clock = WallClock(
        lambda: app.lanes.lanes, service.end_offsets, idleness, gives_ticks=is_live
    )  # fmt: skip

    async def begin() -> None:
        await news.begin(service.background)
        service.background(watch_topics(cluster, counts))
        if is_live or idleness is not None:
            service.background(clock.run())

    try:
        await service.run(app, begin)
    finally:
        await desk.close()


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
    await service.run(app)
