"""A golden set on the topics of a real Kafka, and workers that go on from it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from streams.core.partition_record import PARTITION_KEY
from streams.runtime.rules_migration import workers_of
from streams.settings import load_settings
from tests.golden.stored import Given, Golden
from tests.golden.stories import ORDERS, PARTITIONS
from winback_sender.cluster import Cluster

ROOT = Path(__file__).parents[3]
WINBACK = str(Path(sys.executable).with_name("winback"))
READ = ("user-activity", "win-back-feedback", "winback-identity")
USERS = "winback-users-changelog"
OWN = {USERS: "{app}-users-changelog", "churn-models": "{app}-churn-models",
       "router-changelog": "{app}-router-app.orders-changelog"}  # fmt: skip


class Stage:
    """Topics of a golden set under names of their own, and settings that name them.

    Args:
        kafka: Bootstrap.
        golden: What lies there after the first half.
        directory: Where words of workers go.
    """

    def __init__(self, kafka: str, golden: Golden, directory: Path) -> None:
        self.kafka, self.golden, self.directory = kafka, golden, directory
        self.app = f"up-{uuid4().hex[:8]}"
        names = {"activity": "user-activity", "feedback": "win-back-feedback",
                 "identity": "winback-identity", "touches": "win-back", "journal": "journal",
                 "decisions": "decisions", "dead_letters": "dead", "control": "control",
                 "examples": "churn-examples", "models": "churn-models"}  # fmt: skip
        self.settings = {f"WINBACK_TOPIC_{name.upper()}": f"{self.app}-{topic}"
                         for name, topic in names.items()}  # fmt: skip
        self.settings |= {"WINBACK_KAFKA_BOOTSTRAP": kafka, "WINBACK_APP_ID": self.app,
                          "WINBACK_PARTITIONS": str(PARTITIONS), "WINBACK_REPLICATION": "1",
                          "WINBACK_CLOCK": "event", "WINBACK_WEB_PORT": "0",
                          "WINBACK_RULES": str(golden.rules)}  # fmt: skip

    def topic(self, name: str) -> str:
        return OWN.get(name, "{app}-" + name).format(app=self.app)

    def _name(self, topic: str) -> bytes:
        return self.topic(topic).encode()

    def set(self) -> None:
        """Make the topics, and write what was read and written in the first half."""
        admin = KafkaAdminClient(bootstrap_servers=self.kafka)
        if ORDERS not in admin.list_topics():
            admin.create_topics({ORDERS: {"num_partitions": 1, "replication_factor": 1}})
        admin.close()
        made = self.run("topics", "apply")
        assert made.returncode == 0, made.stderr
        producer = KafkaProducer(bootstrap_servers=self.kafka)
        self._send(producer, 1)
        for each in self.golden.written:
            if each.topic in OWN or each.topic == "winback-identity":
                value = each.value
                if each.key == PARTITION_KEY:  # It names the topics, which have a name before here.
                    for name in READ:
                        value = value.replace(b'"%b":' % name.encode(), b'"%b":' % self._name(name))
                producer.send(self.topic(each.topic), value, each.key, partition=each.partition)
        producer.flush()
        producer.close()

    def go_on(self, count: int | None = None) -> None:
        """Let the second half happen, or so much of it."""
        producer = KafkaProducer(bootstrap_servers=self.kafka)
        self._send(producer, 2, count)
        producer.flush()
        producer.close()

    def wait_for(self, is_there: Callable[[], bool], what: str, patience_s: float = 30) -> None:
        end = time.monotonic() + patience_s
        while not is_there():
            assert time.monotonic() < end, what
            time.sleep(0.2)

    def wait_until_read(self) -> None:
        """Return when the state has all that lies on the topic of activity."""

        def is_read() -> bool:
            consumer = KafkaConsumer(bootstrap_servers=self.kafka)
            topic = self.topic("user-activity")
            sources = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            ends = consumer.end_offsets(sources)
            consumer.close()
            applied = [self.record(number)["applied"][topic] for number in range(PARTITIONS)]
            return applied == [ends[source] for source in sources]

        self.wait_for(is_read, "the activity is not read")

    def wait_for_nobody(self) -> None:
        """Return when the groups of the deployment are empty."""
        settings = load_settings(self.settings)
        self.wait_for(
            lambda: not any(workers_of(settings, Cluster.plain(self.kafka)).values()),
            "a worker is still there",
        )

    def _send(self, producer: KafkaProducer, half: int, count: int | None = None) -> None:
        given = [each for each in self.golden.given if each.half == half]
        for each in given[:count]:
            if each.topic in READ and each.topic != ORDERS:
                # Written now, though it happened in 2017: Kafka would delete what is so old.
                producer.send(self.topic(each.topic), each.value.encode(), _key(each),
                              partition=each.partition)  # fmt: skip

    def run(
        self, *arguments: str, root: Path = ROOT, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.program(root, *arguments), cwd=root, env=self.environ(root) | more, text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    def program(self, root: Path, *arguments: str) -> list[str]:
        call = "import sys; from streams.cli import main; sys.exit(main())"
        return [WINBACK, *arguments] if root == ROOT else [sys.executable, "-c", call, *arguments]

    def environ(self, root: Path) -> dict[str, str]:
        path = {} if root == ROOT else {"PYTHONPATH": f"{root}{os.pathsep}{root / 'sender'}"}
        return {**os.environ, **self.settings, **path}

    def record(self, partition: int) -> dict[str, Any]:
        """Return the newest record of a partition."""
        found = self.changelog(partition)[PARTITION_KEY]
        read: dict[str, Any] = msgspec.json.decode(found)
        return read

    def changelog(
        self, partition: int, name: str = "winback-users-changelog"
    ) -> dict[bytes, bytes]:
        """Return the content of a partition of a compacted topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka, isolation_level="read_committed")
        source = TopicPartition(self.topic(name), partition)
        content: dict[bytes, bytes] = {}
        try:
            end = consumer.end_offsets([source])[source]
            consumer.assign([source])
            consumer.seek_to_beginning(source)
            while consumer.position(source) < end:
                for records in consumer.poll(timeout_ms=200).values():
                    for each in records:
                        if each.value is None:
                            content.pop(each.key, None)
                        else:
                            content[each.key] = each.value
        finally:
            consumer.close()
        return content


class Worker:
    """A role as a process, its words in a file."""

    def __init__(self, stage: Stage, role: str, *, root: Path = ROOT, **more: str) -> None:
        self.words = stage.directory / f"{role}-{uuid4().hex[:6]}.log"
        with self.words.open("wb") as out:
            self.process = subprocess.Popen(
                stage.program(root, "run", "--role", role), stdout=out, stderr=subprocess.STDOUT,
                cwd=root, env=stage.environ(root) | more,
            )  # fmt: skip

    def wait_for(self, words: str, patience_s: float = 30) -> None:
        end = time.monotonic() + patience_s
        while words not in self.words.read_text("utf-8"):
            assert self.process.poll() is None, self.words.read_text("utf-8")
            assert time.monotonic() < end, self.words.read_text("utf-8")
            time.sleep(0.05)

    def said(self) -> str:
        return self.words.read_text("utf-8")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def _key(each: Given) -> bytes | None:
    return None if each.key is None else each.key.encode()


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
