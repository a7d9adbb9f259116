"""What a compacted topic says last: read from its end, where the writer repeats what matters."""

from collections.abc import Collection
from typing import Any, Final

from aiokafka import TopicPartition

TAIL: Final = 1_000
"""Records from the end that are read first; a commit of the learner has some dozens."""
POLL_MS: Final = 500


async def read_newest(
    consumer: Any, source: TopicPartition, keys: Collection[bytes]
) -> list[tuple[bytes, bytes | None]]:
    """Return the newest records of some keys, and leave the consumer at the end.

    Of a key that does not stand near the end the whole topic is searched.

    Args:
        consumer: Started, read committed.
        source: What it is assigned to from now on.
        keys: Which records are wanted.

    Returns:
        (key, value) in the order of the topic; a key may be there several times.
    """
    end = (await consumer.end_offsets([source]))[source]
    begin = (await consumer.beginning_offsets([source]))[source]
    consumer.assign([source])
    start = max(begin, end - TAIL)
    consumer.seek(source, start)
    found = await _read_to(consumer, source, end, keys)
    if start == begin or {key for key, _ in found} == {*keys}:
        return found
    consumer.seek(source, begin)
    return await _read_to(consumer, source, end, keys)


async def _read_to(
    consumer: Any, source: TopicPartition, end: int, keys: Collection[bytes]
) -> list[tuple[bytes, bytes | None]]:
    found = []
    while await consumer.position(source) < end:
        fetched = await consumer.getmany(source, timeout_ms=POLL_MS)
        found += [(r.key, r.value) for r in fetched.get(source, ()) if r.key in keys]
    return found
