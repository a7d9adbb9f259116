"""A small world for the lane: a feeder, workers as processes, and a judge that reads the topics."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from kafka.admin import KafkaAdminClient

PARTITIONS = 4
USERS = 400
SESSION_TIMEOUT_S = 2.0
WORKER = Path(__file__).with_name("toy_worker.py")
PARTITION_KEY = b"\x00partition"
OUTPUT_EVERY = 10
COMPACTED = {"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "0.1"}


def make_topics(bootstrap: str, app_id: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        configs = {f"{app_id}-in": {}, f"{app_id}-out": {}, f"{app_id}-users-changelog": COMPACTED}
        client.create_topics(
            {
                name: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": config}
                for name, config in configs.items()
            }
        )
    finally:
        client.close()


class Worker:
    """A toy worker as a process, its words in a file."""

    def __init__(self, bootstrap: str, app_id: str, directory: Path, number: int) -> None:
        self.words = directory / f"worker-{number}.log"
        with self.words.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER), bootstrap, app_id, str(SESSION_TIMEOUT_S)],
                stdout=out, stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(WORKER.parents[3])},
            )  # fmt: skip

    def wait_ready(self, patience_s: float = 20) -> None:
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if b"READY" in self.words.read_bytes():
                return
            assert self.process.poll() is None, self.words.read_text()
            time.sleep(0.05)
        raise AssertionError(f"the worker does not own anything: {self.words.read_text()}")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, patience_s: float = 20) -> int:
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        try:
            return self.process.wait(patience_s)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


class Feed:
    """Events at a steady rate, and how many of each user the broker has taken."""

    def __init__(self, bootstrap: str, app_id: str, rate: int) -> None:
        self.sent: Counter[bytes] = Counter()
        self._bootstrap, self._topic, self._rate = bootstrap, f"{app_id}-in", rate

    async def run(self, events: int) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, enable_idempotence=True, linger_ms=5,
            request_timeout_ms=60_000,
        )  # fmt: skip
        await producer.start()
        try:
            started, number, futures = time.monotonic(), 0, []
            while number < events:
                due = min(events, int((time.monotonic() - started) * self._rate) + 1)
                for _ in range(number, due):
                    user = number * 7919 % USERS
                    key = b"user-%d" % user
                    futures.append(
                        await producer.send(
                            self._topic, value=b"{}", key=key, partition=user % PARTITIONS
                        )
                    )
                    self.sent[key] += 1
                    number += 1
                await asyncio.sleep(0.01)
            await asyncio.gather(*futures)
        finally:
            await producer.stop()


class Verdict:
    """What the topics say, read committed."""

    def __init__(self) -> None:
        self.counts: dict[bytes, int] = {}
        self.applied: Counter[int] = Counter()
        self.outputs: Counter[tuple[bytes, bytes]] = Counter()

    def wrong(self, sent: Counter[bytes]) -> dict[bytes, tuple[int, int]]:
        """Users whose count is not what was fed: key → (fed, counted)."""
        return {
            key: (count, self.counts.get(key, 0))
            for key, count in sent.items()
            if self.counts.get(key, 0) != count
        }

    def lost(self, sent: Counter[bytes]) -> list[tuple[bytes, int]]:
        there = {(key, value.split(b":")[0]) for key, value in self.outputs}
        return [
            (key, count)
            for key, total in sent.items()
            for count in range(OUTPUT_EVERY, total + 1, OUTPUT_EVERY)
            if (key, b"%d" % count) not in there
        ]

    def doubled(self) -> list[tuple[bytes, bytes]]:
        numbers = Counter((key, value.split(b":")[0]) for key, value in self.outputs.elements())
        return [output for output, count in numbers.items() if count > 1]


async def judge(bootstrap: str, app_id: str, expected: int, patience_s: float) -> Verdict:
    """Read changelog and outputs until as many events as were fed are applied, then to the end."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", fetch_max_wait_ms=50
    )
    await consumer.start()
    verdict, end = Verdict(), time.monotonic() + patience_s
    try:
        changelog, out = f"{app_id}-users-changelog", f"{app_id}-out"
        sources = [TopicPartition(t, p) for t in (changelog, out) for p in range(PARTITIONS)]
        consumer.assign(sources)
        await consumer.seek_to_beginning(*sources)
        quiet = 0
        while quiet < 3 and time.monotonic() < end:
            try:
                got = await consumer.getmany(timeout_ms=300)
            except KafkaError:
                continue
            for tp, records in got.items():
                for record in records:
                    _note(verdict, record, is_state=tp.topic == changelog)
            is_done = not got and sum(verdict.applied.values()) >= expected
            quiet = quiet + 1 if is_done else 0
    finally:
        await consumer.stop()
    return verdict


def _note(verdict: Verdict, record, *, is_state: bool) -> None:  # noqa: ANN001 (aiokafka's record)
    if not is_state:
        verdict.outputs[(record.key, record.value)] += 1
    elif record.key == PARTITION_KEY:
        verdict.applied[record.partition] = sum(json.loads(record.value).values())
    else:
        verdict.counts[record.key] = int(record.value)
