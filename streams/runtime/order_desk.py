"""Giving an order to the learner, and waiting for what comes of it."""

import asyncio
from typing import Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from models.snapshot import Keys, SnapshotRefused, load
from streams.core.teaching import ModelOrder
from streams.errors import Unavailable
from streams.orders import KEY, Handled, Orders
from streams.runtime.live_state import partition_count
from streams.runtime.newest import POLL_MS
from streams.runtime.publisher import Publisher
from streams.runtime.recovery import reader
from streams.settings import Settings
from winback_sender.cluster import Cluster

_RECORD: Final = KEY.encode()


async def give(
    cluster: Cluster, settings: Settings, order: ModelOrder, patience_s: float
) -> Handled | None:
    """Publish an order and return what came of it; None when patience is over before that.

    Raises:
        UserError: A topic is missing, or Kafka is away.
    """
    await partition_count(cluster, settings.topic_models)
    source = TopicPartition(settings.topic_models, 0)
    consumer = reader(cluster)
    try:
        await consumer.start()
        consumer.assign([source])
        await consumer.seek_to_end(source)
        await consumer.position(source)  # From here on, before the learner can answer.
        async with Publisher(cluster, settings.topic_examples) as publisher:
            await publisher.send(0, [(_RECORD, msgspec.msgpack.encode(order))])
        async with asyncio.timeout(patience_s):
            while True:
                fetched = await consumer.getmany(source, timeout_ms=POLL_MS)
                for record in fetched.get(source, ()):
                    if record.key == _RECORD and record.value is not None:
                        found = _answer(record.value, order, settings.model_keys)
                        if found is not None:
                            return found
    except TimeoutError:
        return None
    except KafkaError as error:
        raise Unavailable(f"Kafka at {cluster} stopped answering: {error!r}") from None
    finally:
        await consumer.stop()


def _answer(data: bytes, order: ModelOrder, keys: Keys) -> Handled | None:
    try:
        orders = load(data, keys, Orders)
    except SnapshotRefused:
        return None  # Another's word; ours will come.
    return next((found for found in orders.handled if found.mac == order.mac), None)
