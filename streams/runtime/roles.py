"""The roles of the service: what each is made of, from settings to a running worker."""

import asyncio
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.core.native import decode_feedback, make_decode
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.errors import Unavailable, UserError
from streams.runtime.app import make_app
from streams.runtime.lane import Engine, Pace
from streams.runtime.learner import CHUNK_MAX, SNAPSHOT_EVERY_S, LearnerEngine
from streams.runtime.model_feed import ModelFeed
from streams.runtime.pipeline import PipelineEngine, streams_of
from streams.runtime.service import Service
from streams.runtime.table import LaneOptions
from streams.runtime.ticks import WallClock
from streams.settings import Settings

ANSWER_PATIENCE_MS: Final = 8000


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
    counts = await partition_counts(
        bootstrap, together, (settings.topic_dead_letters,),
        alone=(settings.topic_examples, settings.topic_models),
    )  # fmt: skip
    service = Service(settings, bootstrap, settings.web_port)

    def use(found: Scorer) -> None:
        for lane in app.lanes.lanes.values():
            engine = lane.engine
            assert isinstance(engine, PipelineEngine)
            engine.use(found)

    feed = ModelFeed(bootstrap, settings, rules, service.metrics, use) if scorer is None else None
    decoders = {sources[0]: make_decode(rules), sources[1]: decode_feedback}
    streams = streams_of(settings)

    def make_engine(partition: int) -> Engine:
        model = feed.scorer if scorer is None and feed is not None else scorer
        assert model is not None
        core = Partition(partition, rules, model, app_id=settings.app_id)
        return PipelineEngine(core, decoders, streams, service.metrics)

    options = LaneOptions(
        bootstrap=bootstrap, sources=sources, changelog=settings.topic_users_changelog,
        make_engine=make_engine, observer=service.meter,
        pace=Pace(interval_s=settings.commit_interval_s), partition_counts=counts,
        may_skip_lost=may_skip_lost,
    )  # fmt: skip
    app = make_app(settings, app_id=settings.app_id, table="users", options=options)
    clock = WallClock(lambda: app.lanes.lanes, service.end_offsets)

    async def begin() -> None:
        if feed is not None:
            service.background(feed.follow())
            await feed.wait_ready()
        if settings.clock == "wall":
            service.background(clock.run())

    await service.run(app, begin)


async def run_learner(
    settings: Settings, bootstrap: str, rules: Rules, *, port: int, may_skip_lost: bool = False
) -> None:
    """Run the learner until it is told to stop.

    Raises:
        UserError: Something that an operator can mend.
    """
    counts = await partition_counts(
        bootstrap, (), (), alone=(settings.topic_examples, settings.topic_models)
    )
    service = Service(settings, bootstrap, port)
    options = LaneOptions(
        bootstrap=bootstrap, sources=(settings.topic_examples,), changelog=settings.topic_models,
        make_engine=lambda _partition: LearnerEngine(settings, rules, service.metrics),
        observer=service.meter, pace=Pace(interval_s=SNAPSHOT_EVERY_S), partition_counts=counts,
        may_skip_lost=may_skip_lost,
    )  # fmt: skip
    app = make_app(
        settings, app_id=f"{settings.app_id}-learner", table="models", options=options,
        chunk_max=CHUNK_MAX,
    )  # fmt: skip
    await service.run(app)


async def partition_counts(
    bootstrap: str,
    together: tuple[str, ...],
    apart: tuple[str, ...],
    *,
    alone: tuple[str, ...],
) -> dict[str, int]:
    """Return how many partitions each topic has.

    Args:
        bootstrap: host:port, several separated by commas.
        together: Topics of which each must have as many as the first.
        apart: Topics that may have any number.
        alone: Topics of one partition: there is one learner, and one newest model.

    Raises:
        UserError: A topic is missing, or has another number of partitions.
        Unavailable: What answers is not a Kafka that is ready.
    """
    described = await _described(bootstrap, [*together, *apart, *alone])
    counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
    missing = sorted(topic for topic, count in counts.items() if not count)
    if missing:
        raise UserError(
            f"Kafka at {bootstrap} has no topic {', '.join(missing)}",
            "Make the topics with: winback topics apply",
        )
    for topic in alone:
        if counts[topic] != 1:
            raise UserError(
                f"{topic} has {counts[topic]} partitions, but it must have 1: one learner reads "
                "all examples, and the newest model is the last one",
                "See what is wrong with: winback topics plan",
            )
    wanted = counts[together[0]] if together else 0
    for topic in together:
        if counts[topic] != wanted:
            raise UserError(
                f"{topic} has {counts[topic]} partitions, {together[0]} has {wanted}: a user must "
                "have the same partition in both",
                "See what is wrong with: winback topics plan",
            )
    return counts


async def _described(bootstrap: str, topics: list[str]) -> list[dict[str, Any]]:
    client = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap.split(","), request_timeout_ms=ANSWER_PATIENCE_MS
    )
    try:
        async with asyncio.timeout(ANSWER_PATIENCE_MS / 1000):
            await client.start()
            described: list[dict[str, Any]] = await client.describe_topics(topics)
            return described
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(
            f"what answers at {bootstrap} does not speak like Kafka ({error!r})",
            "check WINBACK_KAFKA_BOOTSTRAP: is it the port for clients, without TLS?",
        ) from error
    finally:
        await client.close()
