"""The wish of a person to be erased: an event of the native form, on the topic of activity."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from aiokafka import TopicPartition
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.core.decoded import Rejected
from streams.core.ids import Ids
from streams.core.meanings import Meaning
from streams.core.messages import PartitionRecord
from streams.core.native import make_decode
from streams.core.partition_record import PARTITION_KEY
from streams.core.partitioner import partition_of
from streams.core.rules import Rules
from streams.core.time import iso
from streams.errors import Unavailable, UserError
from streams.runtime.newest import read_newest
from streams.runtime.recovery import reader
from streams.settings import Settings
from winback_sender.cluster import Cluster

FLUSH_S: Final = 30.0
LOOK_S: Final = 0.5
NAMED: Final = 60
"""So much of an id that cannot be is told."""


def event_name(rules: Rules) -> str:
    """Return the name under which the rules know an erasure.

    Raises:
        UserError: They know none.
    """
    for name, meaning in rules.meanings.items():
        if meaning is Meaning.ERASURE:
            return name
    raise UserError(
        "the rules name no event that erases a user",
        "name one under `events: {erasure: [erasure_requested]}` in the rules of the service",
    )


def event_of(user_id: str, name: str, ids: Ids, at_ms: int) -> bytes:
    """Return the event; its id is the same however often it is written."""
    return msgspec.json.encode({
        "event_id": f"erase-{ids.pseudonym(user_id, at_ms)}",
        "user_id": user_id,
        "event": name,
        "event_time": iso(at_ms),
    })  # fmt: skip


def demand_ids(user_ids: Iterable[str], rules: Rules, at_ms: int) -> None:
    """See that the service takes each of these ids: else it would put the wish itself aside.

    Raises:
        UserError: It does not take one; nobody can have a state under such an id.
    """
    name, decode = event_name(rules), make_decode(rules)
    for user_id in user_ids:
        try:
            key = user_id.encode()
        except UnicodeEncodeError:
            raise _no_id(user_id, "it is not UTF-8") from None
        said = decode(key, event_of(user_id, name, rules.ids, at_ms), at_ms)
        if isinstance(said, Rejected):
            raise _no_id(user_id, f"{said.reason}: {said.detail}")


def _no_id(user_id: str, why: str) -> UserError:
    shown = ascii(user_id) if len(user_id) <= NAMED else f"{user_id[:NAMED]!a}…"
    return UserError(
        f"{shown} can be nobody's id: {why}",
        "nobody was erased; docs/limits.md says what an id may be",
    )


def publish(
    cluster: Cluster, settings: Settings, user_ids: Iterable[str], rules: Rules, at_ms: int
) -> dict[int, int]:
    """Write the events; return by partition the offset behind the last of them.

    Each goes to its user's partition, of as many as there are: elsewhere it would erase nobody.

    Raises:
        Unavailable: Kafka does not take them; what was written stays, and may be written again.
    """
    name, topic = event_name(rules), settings.topic_activity
    producer: Any = KafkaProducer(**cluster.options(), acks="all")
    behind: dict[int, int] = {}
    try:
        count = len(producer.partitions_for(topic))
        sent = [
            producer.send(
                topic, key=user_id.encode(), value=event_of(user_id, name, rules.ids, at_ms),
                partition=partition_of(user_id, count),
            )
            for user_id in user_ids
        ]  # fmt: skip
        producer.flush(timeout=FLUSH_S)
        for one in sent:
            told = one.get(timeout=FLUSH_S)
            behind[told.partition] = max(behind.get(told.partition, 0), told.offset + 1)
    except KafkaError as error:
        raise Unavailable(
            f"Kafka does not take the erasure on {topic}: {error}", "run it again: twice is once"
        ) from error
    finally:
        producer.close()
    return behind


async def is_applied(
    cluster: Cluster, settings: Settings, behind: dict[int, int], patience_s: float
) -> bool:
    """Wait until the service has applied what was written; return whether it has in time.

    Args:
        cluster: Where Kafka is.
        settings: Name the topics.
        behind: By partition, the offset up to which the activity has to be applied.
        patience_s: How long to wait.
    """
    end_s = time.monotonic() + patience_s
    left = dict(behind)
    while left:
        for partition in [*left]:
            if await _applied(cluster, settings, partition) >= left[partition]:
                del left[partition]
        if left and time.monotonic() > end_s:
            return False
        if left:
            await asyncio.sleep(LOOK_S)
    return True


async def _applied(cluster: Cluster, settings: Settings, partition: int) -> int:
    """Return how far a partition's activity is applied, durably."""
    consumer = reader(cluster)
    await consumer.start()
    try:
        source = TopicPartition(settings.topic_users_changelog, partition)
        found = await read_newest(consumer, source, [PARTITION_KEY])
    finally:
        await consumer.stop()
    values: Sequence[bytes] = [value for _, value in found if value is not None]
    if not values:
        return 0
    record = msgspec.json.decode(values[-1], type=PartitionRecord)
    return record.applied.get(settings.topic_activity, 0)
