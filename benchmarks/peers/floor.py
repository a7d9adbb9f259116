"""Floors: bare loops that read, decode, and write as many records and bytes as winback does.

    WINBACK_... python -m benchmarks.peers.floor columns|aiokafka|confluent VOLUMES.json

There is no state, no model and no decision in them; what they write is filler. Outputs and
changelog are acknowledged by the broker before the group's offsets are committed: at least once,
where winback's transactions are exactly once. Each takes what its client is fastest with:

- columns: raw batches of aiokafka's fetcher as columns, as in our lane; batches built by us.
- aiokafka: ``getmany``, and ``send_batch`` of batches built with its public builder.
- confluent: ``consume(10_000)``, ``produce`` per record, ``flush`` before offsets are committed.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.replay.events import NativeEvent

GROUP_COMMIT: Final = 8_000
"""Records of a partition between two commits, about what a lane under load does."""
LINGER_S: Final = 0.1
BATCH_BYTES: Final = 900_000
FETCH: Final[Mapping[str, Any]] = {"fetch_min_bytes": 65_536, "fetch_max_wait_ms": 20}
DECODE: Final = msgspec.json.Decoder(NativeEvent).decode
KEY: Final = b"user-00000000"


class Debt:
    """What has to be written for what was read.

    Args:
        app_id: Begin of the topics' names.
        volumes: Records per record read, and bytes of each, by topic without that begin.
    """

    def __init__(self, app_id: str, volumes: Mapping[str, Sequence[float]]) -> None:
        self._each = [
            (f"{app_id}-{topic}", records, bytes(max(0, round(size) - len(KEY))))
            for topic, (records, size) in volumes.items()
        ]
        self._owed = [0.0] * len(self._each)

    def of(self, records: int) -> list[tuple[str, int, bytes]]:
        """Return topic, count and value of what is due after so many more records."""
        due = []
        for place, (topic, each, value) in enumerate(self._each):
            owed = self._owed[place] + each * records
            due.append((topic, int(owed), value))
            self._owed[place] = owed - int(owed)
        return due


class Loop:
    """The loops on aiokafka.

    Args:
        kind: ``columns`` or ``aiokafka``.
        environ: Settings of a stand.
        volumes: What is to be written.
    """

    def __init__(
        self, kind: str, environ: Mapping[str, str], volumes: Mapping[str, Sequence[float]]
    ) -> None:
        from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # noqa: PLC0415 (not of all kinds)

        self._is_columns = kind == "columns"
        self._topic = environ["WINBACK_TOPIC_ACTIVITY"]
        app_id, servers = environ["WINBACK_APP_ID"], environ["WINBACK_KAFKA_BOOTSTRAP"]
        self._app_id, self._volumes = app_id, volumes
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=servers, group_id=app_id, enable_auto_commit=False,
            auto_offset_reset="earliest", **FETCH,
        )  # fmt: skip
        self._producer = AIOKafkaProducer(
            bootstrap_servers=servers, acks="all", max_batch_size=BATCH_BYTES
        )
        self._tasks: dict[Any, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Read for ever."""
        from aiokafka import TopicPartition  # noqa: PLC0415 (as above)

        if self._is_columns:
            from streams.runtime.record_batches import read_every_name  # noqa: PLC0415 (as above)

            read_every_name()
        await self._consumer.start()
        await self._producer.start()
        await self._consumer._client.force_metadata_update()  # noqa: SLF001
        await self._consumer.topics()
        numbers = self._consumer.partitions_for_topic(self._topic)
        parts = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        self._consumer.assign(parts)
        debts = {part: Debt(self._app_id, self._volumes) for part in parts}
        read, next_offset = dict.fromkeys(parts, 0), dict.fromkeys(parts, 0)
        since_s = time.monotonic()
        while True:
            for part, (count, offset) in (await self._fetch()).items():
                read[part] += count
                next_offset[part] = offset
            is_late = time.monotonic() - since_s >= LINGER_S
            for part in parts:
                if read[part] >= GROUP_COMMIT or (is_late and read[part]):
                    if part in self._tasks:
                        await self._tasks[part]
                    due, read[part] = debts[part].of(read[part]), 0
                    self._tasks[part] = asyncio.create_task(
                        self._commit(part, due, next_offset[part])
                    )
                    since_s = time.monotonic()

    async def _fetch(self) -> dict[Any, tuple[int, int]]:
        """Read and decode; return count and next offset by partition."""
        if not self._is_columns:
            fetched = await self._consumer.getmany(timeout_ms=100, max_records=10_000)
            for records in fetched.values():
                for record in records:
                    DECODE(record.value)
            return {
                part: (len(records), records[-1].offset + 1) for part, records in fetched.items()
            }
        from streams.runtime.fetched import take_fetched, wait_fetched  # noqa: PLC0415 (as above)

        fetcher = self._consumer._fetcher  # noqa: SLF001
        taken = take_fetched(fetcher, lambda _part: True)
        if not taken:
            await wait_fetched(fetcher, LINGER_S)
            return {}
        for columns in taken.values():
            for value in columns.values:
                DECODE(value)
        await asyncio.sleep(0)
        return {
            part: (len(columns), columns.next_offset)
            for part, columns in taken.items()
            if len(columns)
        }

    async def _commit(self, part: Any, due: list[tuple[str, int, bytes]], offset: int) -> None:
        acks: list[Any] = []
        for topic, count, value in due:
            await self._write(topic, part.partition, count, value, acks)
        await asyncio.gather(*acks)
        await self._consumer.commit({part: offset})

    async def _write(
        self, topic: str, partition: int, count: int, value: bytes, acks: list[Any]
    ) -> None:
        at_ms, left = int(time.time() * 1e3), count
        partition %= len(await self._producer.partitions_for(topic))
        while left:
            batch, size = self._producer.create_batch(), 0
            if self._is_columns:
                append = batch._builder.append  # noqa: SLF001
                while size < left and append(size, at_ms, KEY, value, []) is not None:
                    size += 1
                batch._relative_offset = size  # noqa: SLF001
            else:
                while (
                    size < left and batch.append(timestamp=at_ms, key=KEY, value=value) is not None
                ):
                    size += 1
            batch.close()
            left -= size
            acks.append(await self._producer.send_batch(batch, topic, partition=partition))


def confluent(environ: Mapping[str, str], volumes: Mapping[str, Sequence[float]]) -> None:
    """Read for ever."""
    from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: PLC0415 (as above)

    app_id, servers = environ["WINBACK_APP_ID"], environ["WINBACK_KAFKA_BOOTSTRAP"]
    topic = environ["WINBACK_TOPIC_ACTIVITY"]
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": app_id, "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "fetch.min.bytes": 65_536, "fetch.wait.max.ms": 20,
    })  # fmt: skip
    producer = Producer({
        "bootstrap.servers": servers, "acks": "all", "linger.ms": 5, "batch.size": BATCH_BYTES,
        "queue.buffering.max.messages": 1_000_000,
    })  # fmt: skip
    numbers = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
    debt, offsets = Debt(app_id, volumes), dict.fromkeys(numbers, 0)
    counts = {
        name: len(consumer.list_topics(name).topics[name].partitions) for name, _, _ in debt.of(0)
    }
    pending, since_s = 0, time.monotonic()
    produce = producer.produce
    while True:
        for message in consumer.consume(10_000, 0.02):
            DECODE(message.value())
            offsets[message.partition()] = message.offset() + 1
            pending += 1
        if pending >= GROUP_COMMIT or (pending and time.monotonic() - since_s >= LINGER_S):
            for name, count, value in debt.of(pending):
                for place in range(count):
                    produce(name, value, KEY, place % counts[name])
                producer.poll(0)
            producer.flush()
            done = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
            consumer.commit(offsets=done, asynchronous=True)
            pending, since_s = 0, time.monotonic()


async def read_on(kind: str, volumes: Mapping[str, Sequence[float]]) -> None:
    """Run a loop on aiokafka."""
    await Loop(kind, os.environ, volumes).run()


def main() -> None:
    """Run until told to stop."""
    kind, volumes = sys.argv[1], msgspec.json.decode(Path(sys.argv[2]).read_bytes())
    if kind == "confluent":
        confluent(os.environ, volumes)
    else:
        asyncio.run(read_on(kind, volumes))


if __name__ == "__main__":
    main()
