"""Our reading of aiokafka's private fields equals its public ``getmany``, record by record."""

import asyncio
from collections.abc import Iterable
from uuid import uuid4

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer import fetcher as fetching
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import _DefaultRecordBatchPy
from kafka.admin import KafkaAdminClient

from streams.core.decoded import Headers
from streams.runtime.columns import Columns
from streams.runtime.fetched import PRIVATE_FIELDS, take_fetched, wait_fetched
from streams.runtime.recovery import read_changelog, reader
from winback_sender.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

Record = tuple[bytes | None, bytes | None, int, int, Headers]


def make_topic(bootstrap: str, **configs: str) -> str:
    name = f"columns-{uuid4().hex[:8]}"
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        client.create_topics(
            {name: {"num_partitions": 1, "replication_factor": 1, "configs": configs}}
        )
    finally:
        client.close()
    return name


async def send(bootstrap: str, topic: str, numbers: Iterable[int], **options: object) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, **options)
    await producer.start()
    try:
        acks = [
            await producer.send(
                topic,
                b"value-%d" % n,
                key=b"key-%d" % (n % 50),
                partition=0,
                headers=[("ce_id", b"%d" % n)] * (n % 3),
            )
            for n in numbers
        ]
        await asyncio.gather(*acks)
    finally:
        await producer.stop()


async def transactions(bootstrap: str, topic: str) -> None:
    """Six transactions, every second one taken back."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-tx")
    await producer.start()
    try:
        for number in range(6):
            await producer.begin_transaction()
            for n in range(20):
                await producer.send_and_wait(topic, b"tx-%d" % number, key=b"%d" % n, partition=0)
            await (producer.abort_transaction() if number % 2 else producer.commit_transaction())
    finally:
        await producer.stop()


async def by_getmany(bootstrap: str, topic: str) -> tuple[list[Record], int]:
    consumer = reader(Cluster.plain(bootstrap))
    await consumer.start()
    try:
        source = TopicPartition(topic, 0)
        end = (await consumer.end_offsets([source]))[source]
        consumer.assign([source])
        await consumer.seek_to_beginning(source)
        found: list[Record] = []
        while await consumer.position(source) < end:
            records = (await consumer.getmany(timeout_ms=300)).get(source, ())
            found += [(r.key, r.value, r.offset, r.timestamp, tuple(r.headers)) for r in records]
        return found, await consumer.position(source)
    finally:
        await consumer.stop()


async def by_columns(bootstrap: str, topic: str) -> tuple[list[Record], int]:
    consumer: AIOKafkaConsumer = reader(Cluster.plain(bootstrap))
    await consumer.start()
    try:
        source = TopicPartition(topic, 0)
        end = (await consumer.end_offsets([source]))[source]
        consumer.assign([source])
        await consumer.seek_to_beginning(source)
        found: list[Record] = []
        position = 0
        while position < end:
            taken = take_fetched(consumer._fetcher, {source}.__contains__, {topic})
            for columns in taken.values():
                assert columns.start == position
                for piece in columns.pieces(700):
                    found.extend(rows(piece))
                position = columns.next_offset
            await wait_fetched(consumer._fetcher, 0.3)
        return found, position
    finally:
        await consumer.stop()


def rows(columns: Columns) -> Iterable[Record]:
    assert columns.headers is not None
    return zip(
        columns.keys, columns.values, columns.offsets, columns.timestamps_ms,
        map(tuple, columns.headers),
        strict=True,
    )  # fmt: skip


def compare(bootstrap: str, topic: str, minimum: int) -> list[Record]:
    async def both() -> tuple[tuple[list[Record], int], tuple[list[Record], int]]:
        return await by_getmany(bootstrap, topic), await by_columns(bootstrap, topic)

    stock, ours = asyncio.run(both())
    assert ours == stock
    assert len(ours[0]) >= minimum
    return ours[0]


@pytest.mark.parametrize("codec", [None, "gzip"])
def test_plain_and_compressed(kafka: str, codec: str | None) -> None:
    topic = make_topic(kafka)
    asyncio.run(send(kafka, topic, range(3000), compression_type=codec, linger_ms=20))
    compare(kafka, topic, 3000)


def test_aborted_transactions_and_markers(kafka: str) -> None:
    """Records that were taken back are not there; markers at the end move the position."""
    topic = make_topic(kafka)
    asyncio.run(send(kafka, topic, range(10)))
    asyncio.run(transactions(kafka, topic))
    found = compare(kafka, topic, 70)
    assert {value for _, value, _, _, _ in found if value and value.startswith(b"tx")} == {
        b"tx-0", b"tx-2", b"tx-4",
    }  # fmt: skip


def test_holes_of_compaction(kafka: str) -> None:
    """A compacted log has holes, and its restore finds the newest value of each key."""
    options = {"segment.ms": "300", "min.cleanable.dirty.ratio": "0.01"}
    topic = make_topic(kafka, **{"cleanup.policy": "compact"}, **options)

    async def story() -> dict[bytes, bytes]:
        for start in range(0, 4000, 1000):
            await send(kafka, topic, range(start, start + 1000))
            await asyncio.sleep(0.4)
        await send(kafka, topic, range(4000, 4001))
        for _ in range(40):
            if len((await by_columns(kafka, topic))[0]) < 4000:
                break
            await asyncio.sleep(0.5)
        return (await read_changelog(Cluster.plain(kafka), topic, [0]))[0]

    newest = asyncio.run(story())
    compare(kafka, topic, 50)
    assert newest == {
        b"key-%d" % k: b"value-%d" % (4000 if k == 0 else 3950 + k) for k in range(50)
    }


def test_the_private_fields_are_there() -> None:
    """A new aiokafka must be looked at by a person."""
    assert aiokafka.__version__ == "0.14.0"
    code = {
        "Fetcher": fetching.Fetcher, "FetchResult": fetching.FetchResult,
        "PartitionRecords": fetching.PartitionRecords, "BatchBuilder": BatchBuilder,
        "FetchError": fetching.FetchError, "_DefaultRecordBatchPy": _DefaultRecordBatchPy,
        "AIOKafkaConsumer": AIOKafkaConsumer,
    }  # fmt: skip
    assert "MemoryRecords" in fetching.Fetcher._proc_fetch_request.__code__.co_names
    for name, fields in PRIVATE_FIELDS.items():
        words = set()
        for member in vars(code[name]).values():
            inner = getattr(member, "__code__", None)
            words |= set(inner.co_names) if inner else set()
        words |= set(vars(code[name]))
        assert set(fields) <= words, name
