"""The ground of a comparison: one broker, logs on topics, and stands of those who read them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import Stand
from streams.runtime.embedded.fixture import EmbeddedKafka

PARTITIONS: Final = 4
SAMPLE: Final = 1_000
"""Newest records of a partition whose sizes are looked at."""
WAITING: Final = {"group.initial.rebalance.delay.ms": "4000"}
OUTPUTS: Final = ("touches", "decisions", "examples", "journal")
"""Topics with a record for events here and there; the changelog is apart."""


class Volume(NamedTuple):
    """What was written to a topic.

    Attributes:
        records: How many; markers of transactions count.
        bytes_each: Mean size of key, value and headers.
    """

    records: float
    bytes_each: float


class Ground:
    """A broker and what lies on it.

    Args:
        directory: For logs of processes.
        kafka: A broker that runs already; else one is made, and ``with`` starts and ends it.
        waits: The first in a group wait for others, so that they share from the beginning.

    Attributes:
        kafka: The broker.
        logs: Topic of each log to the number of its records.
    """

    def __init__(
        self,
        directory: Path = BUILD / "compare",
        *,
        kafka: EmbeddedKafka | None = None,
        waits: bool = False,
    ) -> None:
        self.directory = directory
        more = (lambda _ports: WAITING) if waits else None
        self.kafka = kafka or EmbeddedKafka(jit="c2", more=more)
        self.logs: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.kafka.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.kafka.close()

    def stand(self, name: str, log: str, **more: object) -> Stand:
        """Return a deployment with topics of its own that reads a log."""
        topics = {f"topic_{output}": f"{name}-{output}" for output in OUTPUTS}
        others = {f"topic_{other}": f"{name}-{other}" for other in OTHERS}
        settings: dict[str, object] = {
            "rules": RULES, "clock": "event", "partitions": PARTITIONS, "app_id": name,
            "topic_activity": log, **topics, **others, **more,
        }  # fmt: skip
        settings.setdefault("model_file", frozen_model(Path(str(settings["rules"])), BUILD))
        stand = Stand(self.kafka.bootstrap, self.directory / name, **settings)
        stand.run("topics", "apply")
        return stand

    def feed(self, topic: str, path: Path, *options: str) -> int:
        """Put a log on a topic of its own, once; return the number of its records."""
        if topic not in self.logs:
            stand = self.stand(f"feed-{topic}", topic)
            fed = json.loads(stand.run("feed", path, "--quiet", "--json", *options))
            self.logs[topic] = int(fed["events"]) + PARTITIONS  # a watermark each
        return self.logs[topic]

    def clear(self, name: str) -> None:
        """Delete the topics of a deployment, so that nobody has to clean them later."""
        client = KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        try:
            mine = [topic for topic in client.list_topics() if f"{name}-" in topic]
            if mine:
                client.delete_topics(mine, timeout_ms=20_000)
        finally:
            client.close()

    def volumes(self, name: str) -> dict[str, Volume]:
        """Return what a deployment wrote, by topic without its name."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap, group_id=None, enable_auto_commit=False,
            isolation_level="read_committed", auto_offset_reset="earliest",
        )  # fmt: skip
        try:
            topics = [topic for topic in consumer.topics() if f"{name}-" in topic]
            return {
                topic.removeprefix(f"{name}-"): volume
                for topic in sorted(topics)
                if (volume := _volume(consumer, topic)).records
            }
        finally:
            consumer.close()


OTHERS: Final = ("feedback", "dead_letters", "models", "control", "identity")


def _volume(consumer: KafkaConsumer, topic: str) -> Volume:
    parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    ends: Mapping[TopicPartition, int] = consumer.end_offsets(parts)
    begins: Mapping[TopicPartition, int] = consumer.beginning_offsets(parts)
    consumer.assign(parts)
    for part in parts:
        consumer.seek(part, max(begins[part], ends[part] - SAMPLE))
    sizes: list[int] = []
    deadline = time.monotonic() + 20.0
    while any(consumer.position(part) < ends[part] for part in parts):
        for records in consumer.poll(200).values():
            sizes += [
                len(record.key or b"") + len(record.value or b"")
                + sum(len(key) + len(value) for key, value in record.headers)
                for record in records
            ]  # fmt: skip
        if time.monotonic() > deadline:
            break
    records = sum(ends.values())
    return Volume(records, sum(sizes) / len(sizes) if sizes else 0.0)
