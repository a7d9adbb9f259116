"""Giving orders to all workers, and seeing which partitions have taken them."""

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
import numpy as np
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.core.controls import OFF, Taken, values_of
from streams.core.messages import Control, PartitionRecord
from streams.core.partition_record import PARTITION_KEY
from streams.core.state import Column, is_packed, matrix
from streams.core.time import DAY_MS, MINUTE_MS, iso
from streams.errors import Unavailable
from streams.runtime.control_feed import BadControlError, directive_of
from streams.runtime.live_state import partition_count, read_states
from streams.runtime.newest import POLL_MS, TAIL
from streams.runtime.publisher import Publisher
from streams.runtime.recovery import read_changelog, reader
from streams.runtime.ticks import now_ms
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import cloud_event, to_json

PATIENCE_S: Final = 30.0
LOOK_EVERY_S: Final = 0.3


class Standing(NamedTuple):
    """What is ordered, and how far it has come.

    Attributes:
        orders: The newest of each key; those that only lift what was never there are left out.
        taken: Partition to what it has taken, by key; None = it has no record yet.
        watermark_ms: The newest of all partitions, epoch ms; 0 = none is known.
    """

    orders: tuple[Control, ...]
    taken: dict[int, dict[str, Taken] | None]
    watermark_ms: int

    def takers(self, order: Control) -> list[int]:
        """Return the partitions that have taken an order, or need not."""
        wanted = directive_of(order.key.encode(), to_json(order))
        return [
            number
            for number, taken in sorted(self.taken.items())
            if taken is not None and _has(taken.get(order.key), wanted.value, wanted.ordered_ms)
        ]


def _has(taken: Taken | None, value: str, ordered_ms: int) -> bool:
    if taken is None:
        return value == OFF
    return (taken.value, taken.ordered_ms) == (value, ordered_ms)


async def standing(cluster: Cluster, settings: Settings) -> Standing:
    """Return what is ordered and which partitions have taken it.

    Raises:
        UserError: A topic is missing, or Kafka is away.
    """
    await partition_count(cluster, settings.topic_control)
    partitions = await partition_count(cluster, settings.topic_users_changelog)
    try:
        said = (await read_changelog(cluster, settings.topic_control, [0]))[0]
        async with asyncio.timeout(PATIENCE_S):
            records = await _records(cluster, settings.topic_users_changelog, partitions)
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {cluster} stopped answering: {error!r}") from None
    orders = []
    for key, value in sorted(said.items()):
        try:
            directive_of(key, value)
        except BadControlError:
            continue  # The workers count and log it.
        orders.append(msgspec.json.decode(value, type=Control))
    taken = {
        number: None if record is None else {order[0]: Taken(*order) for order in record.controls}
        for number, record in records.items()
    }
    newest_ms = max((r.watermark_ms for r in records.values() if r is not None), default=0)
    return Standing(tuple(orders), taken, newest_ms)


async def _records(
    cluster: Cluster, topic: str, partitions: int
) -> dict[int, PartitionRecord | None]:
    """Return the record of each partition; every commit ends with one, so the ends are read."""
    consumer = reader(cluster)
    await consumer.start()
    try:
        sources = [TopicPartition(topic, number) for number in range(partitions)]
        ends = await consumer.end_offsets(sources)
        begins = await consumer.beginning_offsets(sources)
        found: dict[int, PartitionRecord | None] = dict.fromkeys(range(partitions))
        left = {source for source in sources if ends[source] > begins[source]}
        if not left:
            return found
        consumer.assign(sources)
        for source in left:
            consumer.seek(source, max(begins[source], ends[source] - TAIL))
        while left:
            for source, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                for record in records:
                    if record.key == PARTITION_KEY and record.value is not None:
                        found[source.partition] = msgspec.json.decode(
                            record.value, type=PartitionRecord
                        )
            left = {part for part in left if await consumer.position(part) < ends[part]}
        return found
    finally:
        await consumer.stop()


def order_of(key: str, value: str, by: str, settings: Settings, newest_ms: int) -> Control:
    """Return an order of now, in force from the next minute of event time on.

    Args:
        key: What is controlled.
        value: What is ordered.
        by: Who orders.
        settings: Say whether event time follows the wall clock.
        newest_ms: Newest watermark, epoch ms UTC.
    """
    assert value in values_of(key)
    at_ms = now_ms()
    if settings.clock == "wall" and newest_ms > at_ms - DAY_MS:
        newest_ms = max(newest_ms, at_ms)
    effective_ms = -(-newest_ms // MINUTE_MS) * MINUTE_MS
    return Control(key, value, iso(effective_ms), iso(at_ms), by)


async def give(cluster: Cluster, settings: Settings, order: Control, patience_s: float) -> Standing:
    """Publish an order; return the standing when all partitions have taken it, or patience is over.

    Raises:
        UserError: A topic is missing, or Kafka is away.
    """
    headers = cloud_event(
        "control", f"{order.key}@{order.ordered_at}", "/winback/control", order.ordered_at,
        order.key,
    )  # fmt: skip
    async with Publisher(cluster, settings.topic_control) as publisher:
        await publisher.send(0, [(order.key.encode(), to_json(order))], headers)
    loop = asyncio.get_running_loop()
    end_s = loop.time() + patience_s
    while True:
        found = await standing(cluster, settings)
        if len(found.takers(order)) == len(found.taken) or loop.time() >= end_s:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


async def keys_needed(cluster: Cluster, settings: Settings) -> dict[str, int]:
    """Return until when the partitions need each id key, epoch ms UTC, by its id.

    Raises:
        UserError: A topic is missing, or Kafka is away.
    """
    topic = settings.topic_users_changelog
    partitions = await partition_count(cluster, topic)
    try:
        async with asyncio.timeout(PATIENCE_S):
            records = await _records(cluster, topic, partitions)
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {cluster} stopped answering: {error!r}") from None
    needed: dict[str, int] = {}
    for record in records.values():
        for name, until_ms in record.keys if record is not None else ():
            needed[name] = max(needed.get(name, 0), until_ms)
    return needed


async def open_cases(cluster: Cluster, settings: Settings) -> int:
    """Return how many users have an open case.

    Raises:
        UserError: A topic is missing, or Kafka is away.
    """
    states = await read_states(cluster, settings.topic_users_changelog)
    values = [value for _, value in states if not is_packed(value)]  # Who sleeps has none.
    return int(np.count_nonzero(matrix(values)[:, Column.CASE_AT])) if values else 0


def in_force(orders: Iterable[Control], key: str) -> Control | None:
    """Return the order of a key that is not lifted."""
    return next((order for order in orders if order.key == key and order.value != OFF), None)
