"""Looking at a running service from outside: what its compacted topics hold at this moment."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from models.roster_records import SERVING
from models.snapshot import Serving, SnapshotRefused, check, load
from streams.core.messages import PartitionRecord, begin_of
from streams.core.migrations.chain import brought_up
from streams.core.outages import NEVER, Span
from streams.core.partition_record import OURS, PARTITION_KEY, StateMismatchError
from streams.core.rules import Rules
from streams.errors import Exit, Unavailable, UserError
from streams.runtime.newest import read_newest
from streams.runtime.recovery import read_changelog, reader
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.doorstep import require_reachable

PATIENCE_S: Final = 30.0


class LiveUser(NamedTuple):
    """What the topics hold about one user.

    Attributes:
        value: Changelog value; None for an unknown user.
        decisions: Every decision about the user, JSON, oldest first.
        watermark_ms: Event time that the user's partition has reached, epoch ms UTC.
        rules_hash: `Rules.hash` of the rules that the service runs under.
        outages: Begin to end of the outages that the partition was told of, epoch ms UTC.
    """

    value: bytes | None
    decisions: list[bytes]
    watermark_ms: int | None
    rules_hash: str | None
    outages: dict[float, float]

    @property
    def decision(self) -> bytes | None:
        """The newest of them."""
        return self.decisions[-1] if self.decisions else None


async def partition_count(cluster: Cluster, topic: str) -> int:
    """Return the number of partitions of a topic, without making the topic.

    Raises:
        Unavailable: Kafka cannot be reached.
        UserError: There is no such topic.
    """
    require_reachable(cluster)
    # What goes wrong is raised; without a handler the client would also print it.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    client = AIOKafkaClient(**cluster.options())
    try:
        await client.bootstrap()
        metadata = await client.fetch_all_metadata()
    except (KafkaConnectionError, KafkaError) as error:
        raise Unavailable(
            f"Kafka at {cluster} cannot be reached ({error})",
            "check that it runs: winback kafka status",
        ) from None
    finally:
        await client.close()
    count = len(metadata.partitions_for_topic(topic) or ())
    if not count:
        raise UserError(
            f"there is no topic {topic} on {cluster}",
            f"make the topics: winback topics apply{cluster.or_hidden}",
        )
    return count


async def read_states(cluster: Cluster, topic: str) -> list[tuple[str, bytes]]:
    """Return id and state of every user, as committed by now.

    Raises:
        UserError: There is no such topic, or Kafka is away.
    """
    count = await partition_count(cluster, topic)
    contents = await _read(cluster, topic, range(count))
    return [
        (key.decode(), value)
        for partition in sorted(contents)
        for key, value in contents[partition].items()
        if not key.startswith(OURS)
    ]


async def read_outages(cluster: Cluster, topic: str) -> tuple[int, list[Span]]:
    """Return the number of partitions, and every outage that one of them has taken note of.

    An outage stands there as often as partitions know it; one that is not over ends in infinity.

    Raises:
        UserError: There is no such topic, or Kafka is away.
    """
    count = await partition_count(cluster, topic)
    contents = await _read(cluster, topic, range(count))
    records = [content[PARTITION_KEY] for content in contents.values() if PARTITION_KEY in content]
    return count, [
        (start, NEVER if end is None else end)
        for record in records
        for start, end in msgspec.json.decode(record, type=PartitionRecord).outages
    ]


async def read_user(cluster: Cluster, settings: Settings, user_id: str, partition: int) -> LiveUser:
    """Return what is known of one user, whose partition is given.

    Raises:
        UserError: There is no such topic, or Kafka is away.
    """
    key = user_id.encode()
    states = (await _read(cluster, settings.topic_users_changelog, [partition]))[partition]
    begin = begin_of("decision", user_id)
    made = (await _read(cluster, settings.topic_decisions, [partition], begin))[partition]
    decisions = [*made.values()]
    record = states.get(PARTITION_KEY)
    if record is None:
        return LiveUser(states.get(key), decisions, None, None, {})
    stand = msgspec.json.decode(record, type=PartitionRecord)
    outages = {float(start): NEVER if end is None else end for start, end in stand.outages}
    return LiveUser(states.get(key), decisions, stand.watermark_ms, stand.rules_hash, outages)


async def newest_model(cluster: Cluster, settings: Settings, rules: Rules) -> Serving | None:
    """Return what is in force, or None where nothing is that the workers may use.

    Raises:
        UserError: There is no such topic, or Kafka is away.
    """
    found = await read_models(cluster, settings, {SERVING.encode()})
    try:
        serving = load(found.get(SERVING.encode(), b""), settings.model_keys, Serving)
        check(serving, horizon_ms=rules.churn.horizon_ms, rules_hash=rules.hash)
    except SnapshotRefused:
        return None  # The workers count and log it; here it is just not in use.
    return serving


async def read_models(
    cluster: Cluster, settings: Settings, keys: Collection[bytes]
) -> dict[bytes, bytes]:
    """Return the newest records of some keys on the topic of models.

    Raises:
        UserError: There is no such topic, or Kafka is away.
    """
    await partition_count(cluster, settings.topic_models)
    consumer = reader(cluster)
    source = TopicPartition(settings.topic_models, 0)
    try:
        await consumer.start()
        async with asyncio.timeout(PATIENCE_S):
            newest = dict(await read_newest(consumer, source, keys))
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {cluster} stopped answering: {error!r}") from None
    finally:
        await consumer.stop()
    return {key: value for key, value in newest.items() if value is not None}


async def _read(
    cluster: Cluster, topic: str, partitions: Sequence[int], begin: bytes = b""
) -> dict[int, dict[bytes, bytes]]:
    try:
        contents = await read_changelog(cluster, topic, partitions, begin=begin)
    except KafkaError as error:
        raise Unavailable(f"Kafka at {cluster} stopped answering: {error}") from None
    try:  # What an older version wrote lies there until a worker writes it anew.
        return {number: dict(brought_up(content).records) for number, content in contents.items()}
    except StateMismatchError as error:
        raise UserError(str(error), error.hint, Exit.FAILED) from None
