"""A deployment on a real Kafka, driven by the command line as an operator drives it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import msgspec
from aiokafka import TopicPartition

from streams.core.messages import PartitionRecord
from streams.core.partition_record import PARTITION_KEY
from streams.runtime.lanes import log_range
from streams.runtime.recovery import read_changelog
from winback_sender.cluster import Cluster

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
TOPICS = (
    "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS", "JOURNAL",
    "CONTROL", "IDENTITY",
)  # fmt: skip


class Deployment:
    """One with topics of its own.

    Args:
        kafka: Bootstrap.
        directory: Where the words of its worker go.
        settings: More of them, without their prefix.
    """

    def __init__(self, kafka: str, directory: Path, **settings: str) -> None:
        self.app = f"past-{uuid4().hex[:8]}"
        self.kafka, self._words = kafka, directory / f"{self.app}.log"
        clean = {key: value for key, value in os.environ.items() if "WINBACK_" not in key}
        topics = {f"TOPIC_{topic}": f"{self.app}-{topic.lower()}" for topic in TOPICS}
        own = {"KAFKA_BOOTSTRAP": kafka, "APP_ID": self.app, "WEB_PORT": "0", "CLOCK": "event",
               "DATA_DIR": str(directory / self.app), **topics, **settings}  # fmt: skip
        self.partitions = int(settings["PARTITIONS"])
        self.env = clean | {f"WINBACK_{name}": value for name, value in own.items()}
        self.activity = topics["TOPIC_ACTIVITY"]
        self.said("topics", "apply")

    def run(
        self, *words: str, program: tuple[str, ...] = WINBACK, patience_s: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command."""
        return subprocess.run(
            [*program, *words], env=self.env, capture_output=True, text=True, timeout=patience_s,
            check=False,
        )  # fmt: skip

    def said(self, *words: str) -> str:
        """Run a command that ends well, and return what it says."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def live(self, patience_s: float = 90) -> None:
        """Run a worker until all of the topic is durable."""
        with self._words.open("wb") as out:
            worker = subprocess.Popen(
                [*WINBACK, "run", "--role", "pipeline"], env=self.env, stdout=out, stderr=out
            )
        try:
            end = time.monotonic() + patience_s
            while not asyncio.run(self._is_through()):
                assert worker.poll() is None, self._words.read_text()
                assert time.monotonic() < end, self._words.read_text()
                time.sleep(0.3)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0, self._words.read_text()
        finally:
            worker.kill()
            worker.wait()

    async def records(self) -> dict[int, PartitionRecord]:
        """Return the record of each partition that has one."""
        topic, numbers = f"{self.app}-users-changelog", range(self.partitions)
        found = await read_changelog(Cluster((self.kafka,)), topic, numbers)
        return {
            number: msgspec.json.decode(content[PARTITION_KEY], type=PartitionRecord)
            for number, content in found.items() if PARTITION_KEY in content
        }  # fmt: skip

    async def _is_through(self) -> bool:
        places = [TopicPartition(self.activity, number) for number in range(self.partitions)]
        _, ends = await log_range(Cluster((self.kafka,)), places)
        found = await self.records()
        return all(
            place.partition in found
            and found[place.partition].applied.get(self.activity, 0) >= ends[place]
            for place in places
        )
