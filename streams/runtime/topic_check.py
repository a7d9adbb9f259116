"""Are the topics there, with the partitions they need? Asked before a role starts."""

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from streams.core.routed import direct
from streams.core.sources import Source
from streams.errors import Unavailable, UserError
from streams.runtime.topics import REKEY, misfit_of, topics
from streams.settings import Settings
from winback_sender.cluster import Cluster

ANSWER_PATIENCE_MS: Final = 8000
HIDDEN: Final = -1
"""Instead of a count: this user may not see a topic of that name, so Kafka does not say whether
there is one."""


async def check_topics(
    settings: Settings, cluster: Cluster, sources: Iterable[Source] = ()
) -> dict[str, int]:
    """Return how many partitions each topic of the pipeline has; the learner's are among them.

    Args:
        settings: Name the topics.
        cluster: Where Kafka is.
        sources: Of the rules; those that are keyed by user are read by the pipeline.

    Raises:
        UserError: A topic is missing, or has another number of partitions.
        Unavailable: What answers is not a Kafka that is ready.
    """
    sources = tuple(sources)
    together = (
        settings.topic_activity, settings.topic_feedback, settings.topic_touches,
        settings.topic_decisions, settings.topic_journal, settings.topic_users_changelog,
        settings.topic_identity,
    )  # fmt: skip
    if sources:
        await demand_sources(settings, cluster, (source.topic for source in sources))
    counts = await partition_counts(
        cluster, together, (settings.topic_dead_letters, *(source.topic for source in sources)),
        alone=(settings.topic_examples, settings.topic_models, settings.topic_control),
    )  # fmt: skip
    for source in direct(sources):
        count, wanted = counts[source.topic], counts[settings.topic_activity]
        if count != wanted:
            misfit = misfit_of(count, settings.topic_activity, wanted)
            raise UserError(f"{source.topic} {misfit}", f"{REKEY[0].upper()}{REKEY[1:]}.")
    return counts


async def partition_counts(
    cluster: Cluster,
    together: tuple[str, ...],
    apart: tuple[str, ...],
    *,
    alone: tuple[str, ...],
) -> dict[str, int]:
    """Return how many partitions each topic has.

    Args:
        cluster: Where Kafka is.
        together: Topics of which each must have as many as the first.
        apart: Topics that may have any number.
        alone: Topics of one partition: one learner, one newest model, one word of operators.

    Raises:
        UserError: A topic is missing or hidden, or has another number of partitions.
        Unavailable: What answers is not a Kafka that is ready.
    """
    counts = await found_counts(cluster, [*together, *apart, *alone])
    _demand_there(cluster, counts)
    for topic in alone:
        if counts[topic] != 1:
            raise UserError(
                f"{topic} has {counts[topic]} partitions, but it must have 1: what is read by all "
                "must have one order",
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


def _demand_there(cluster: Cluster, counts: Mapping[str, int]) -> None:
    hidden = sorted(topic for topic, count in counts.items() if count == HIDDEN)
    if hidden:
        raise UserError(
            f"Kafka at {cluster} does not let this user see topic {', '.join(hidden)}, and so does "
            "not say whether it is there",
            "The rights of each role: winback topics acls; --check says which are missing.",
        )
    missing = sorted(topic for topic, count in counts.items() if not count)
    if missing:
        raise UserError(
            f"Kafka at {cluster} has no topic {', '.join(missing)}",
            "Make the topics with: winback topics apply (by the same rules: --rules)",
        )


async def found_counts(cluster: Cluster, topics: list[str]) -> dict[str, int]:
    """Return how many partitions topics have; 0 = there is none of that name, or it is `HIDDEN`.

    Raises:
        Unavailable: Kafka does not answer.
    """
    forbidden = TopicAuthorizationFailedError.errno
    return {
        topic["topic"]: (
            HIDDEN if topic.get("error_code") == forbidden else len(topic["partitions"])
        )
        for topic in await _described(cluster, topics)
    }


async def demand_sources(settings: Settings, cluster: Cluster, names: Iterable[str]) -> None:
    """Check that topics which are somebody else's to make are there, and are not ours.

    Raises:
        UserError: One is not there, says which name looks like it; or we would read what we write.
        Unavailable: What answers is not a Kafka that is ready.
    """
    ours = {topic.name for topic in topics(settings)}
    known: list[str] = await _asked(cluster, lambda client: client.list_topics())
    for topic in names:
        if topic in ours:
            raise UserError(
                f"{topic} is a topic of winback itself; it cannot stand under inputs: of the rules",
                f"Native events on {settings.topic_activity} are read without being named.",
            )
        if topic not in known:
            alike = difflib.get_close_matches(topic, known, n=1)
            hint = f"Is {alike[0]} meant? " if alike else ""
            raise UserError(
                f"Kafka at {cluster} has no topic {topic}, which the rules read (inputs:)",
                f"{hint}Mend the name in the rules, or let its owner make it.",
            )


async def _described(cluster: Cluster, topics: list[str]) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = await _asked(
        cluster, lambda client: client.describe_topics(topics)
    )
    return described


async def _asked(cluster: Cluster, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    client = AIOKafkaAdminClient(**cluster.options(), request_timeout_ms=ANSWER_PATIENCE_MS)
    try:
        async with asyncio.timeout(ANSWER_PATIENCE_MS / 1000):
            await client.start()
            return await ask(client)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(
            f"Kafka at {cluster} let us in, but then it did not answer ({error!r})",
            "it may be starting, or have just gone; start the worker again when it is there",
        ) from error
    finally:
        await client.close()
