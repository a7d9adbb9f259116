"""Reading the live topic, to find where a history ends in it."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import msgspec
from aiokafka import TopicPartition

from streams.core.decoded import inputs_of
from streams.core.native import make_decode
from streams.core.rules import Rules
from streams.errors import UserError
from streams.runtime.hand_over import Shelf, Waiting
from streams.runtime.lanes import log_range
from streams.runtime.recovery import reader
from streams.settings import Settings
from winback_sender.cluster import Cluster

WAIT_MS: Final = 1_000

Ends = dict[int, tuple[int, int]]
"""Partition to the offset of its oldest record, and that after its newest."""


class _Ids(msgspec.Struct):
    user_id: str = ""
    event_id: str = ""


async def ends_of(settings: Settings, cluster: Cluster, rules: Rules, partitions: int) -> Ends:
    """Return where the topic of activity begins and ends.

    Raises:
        UserError: Another topic that the rules read has records already: a history takes the place
            of the topic of activity only.
    """
    topic = settings.topic_activity
    for source in rules.sources:
        await _demand_empty(cluster, source.topic)
    places = [TopicPartition(topic, number) for number in range(partitions)]
    begins, ends = await log_range(cluster, places)
    return {place.partition: (begins[place], ends[place]) for place in places}


async def learned_from(settings: Settings, cluster: Cluster) -> dict[str, int]:
    """Return with which example a learner goes on: the first that workers will make."""
    place = TopicPartition(settings.topic_examples, 0)
    _, ends = await log_range(cluster, [place])
    return {settings.topic_examples: ends[place]}


async def _demand_empty(cluster: Cluster, topic: str) -> None:
    consumer = reader(cluster)
    await consumer.start()
    try:
        await consumer.know([topic])
        numbers = consumer.partitions_for_topic(topic) or ()
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
    finally:
        await consumer.stop()
    if any(ends.values()):
        raise UserError(
            f"{topic} holds records already, and a history can only take the place of the topic of "
            "activity",
            "Begin with rules without inputs:, or with an empty topic; see docs/bootstrap.md",
        )


async def shelves_of(cluster: Cluster, topic: str, rules: Rules, ends: Ends) -> dict[int, Shelf]:
    """Return what a topic holds."""
    shelves = {number: Shelf(*ends[number]) for number in ends}
    async for record in scanned(cluster, topic, rules, ends):
        shelves[record.partition].put(record)
    return shelves


async def scanned(
    cluster: Cluster, topic: str, rules: Rules, ends: Mapping[int, tuple[int, int]]
) -> AsyncIterator[Waiting]:
    """Yield the records of a topic between two offsets, each partition in its order."""
    left = {
        TopicPartition(topic, number): end for number, (begin, end) in ends.items() if begin < end
    }
    if not left:
        return
    read = _make_read(rules)
    consumer = reader(cluster)
    await consumer.start()
    try:
        consumer.assign(list(left))
        for place in left:
            consumer.seek(place, ends[place.partition][0])
        while left:
            for place, records in (await consumer.getmany(*left, timeout_ms=WAIT_MS)).items():
                for record in records:
                    if record.offset < left[place]:
                        yield read(place.partition, record)
            for place in list(left):  # Behind markers of transactions nothing is fetched.
                if await consumer.position(place) >= left[place]:
                    del left[place]
    finally:
        await consumer.stop()


def _make_read(rules: Rules) -> Callable[[int, Any], Waiting]:
    """Return what understands a record of a partition as a worker will."""
    decode, ids = make_decode(rules), msgspec.json.Decoder(_Ids).decode

    def read(number: int, record: Any) -> Waiting:
        decoded = decode(record.key, record.value, record.timestamp)
        signal = next(iter(inputs_of(decoded)), None)
        user_id: str = getattr(signal, "user_id", "")
        if signal is None or not user_id:
            return Waiting(number, record.offset)
        return Waiting(
            number, record.offset, user_id, ids(record.value).event_id, signal.event_time_ms,
            hasattr(signal, "event_id"),
        )  # fmt: skip

    return read
