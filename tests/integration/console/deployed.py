"""A console on a real Kafka that holds a small world, as a process of its own."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

HOUSE = Path(__file__).parents[3]
sys.path[:0] = [str(HOUSE / "tests" / "unit" / "console")]

from worlds_of_topics import Topics, topics  # noqa: E402

from streams.core.partitioner import partition_of  # noqa: E402

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
TOKEN = "a-token-of-the-tests"
PARTITIONS = 2
START_S = 60.0


class Deployed:
    """Topics of their own, a world on them, and the console; ``with`` starts and ends it.

    Args:
        kafka: Bootstrap of the session's broker.
        folder: Where files go.
    """

    def __init__(self, kafka: str, folder: Path) -> None:
        self.kafka = kafka
        name = f"console-{uuid4().hex[:8]}"
        self.names = {
            stream: f"{name}-{stream}"
            for stream in ("activity", "decisions", "touches", "feedback", "control",
                           "dead_letters", "models", "examples", "journal", "identity")
        }  # fmt: skip
        self.env = os.environ | {f"WINBACK_TOPIC_{key.upper()}": topic
                                 for key, topic in self.names.items()}  # fmt: skip
        self.env |= {
            "WINBACK_KAFKA_BOOTSTRAP": kafka, "WINBACK_APP_ID": name,
            "WINBACK_PARTITIONS": str(PARTITIONS), "WINBACK_DATA_DIR": str(folder),
            "WINBACK_RULES": str(HOUSE / "deploy" / "rules" / "demo.yaml"),
            "WINBACK_CONSOLE_PORT": "0", "WINBACK_CLOCK": "event", "WINBACK_WEB_TOKEN": TOKEN,
        }  # fmt: skip
        self.changelog = f"{name}-users-changelog"
        self._log = folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.producer: Any = KafkaProducer(bootstrap_servers=kafka)
        self.base = ""

    def __enter__(self) -> Self:
        made = subprocess.run([*WINBACK, "topics", "apply"], env=self.env, capture_output=True,
                              timeout=60, check=False)  # fmt: skip
        assert made.returncode == 0, made.stderr
        self.world = topics()
        self.publish(self.world)
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self.producer.close()

    def start(self, *options: str) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*WINBACK, "console", *options], env=self.env,
                                             stdout=log, stderr=log)  # fmt: skip
        end_s = time.monotonic() + START_S
        while not (found := re.search(r"(http://\S+?)/\n", self._log.read_text("utf-8"))):
            assert self._process.poll() is None, self._log.read_text("utf-8")
            assert time.monotonic() < end_s, self._log.read_text("utf-8")
            time.sleep(0.1)
        self.base = found[1]
        client = self.client()
        while '<span class="pulse">' not in client.get("/now").text:
            assert time.monotonic() < end_s, "it never became live"
            time.sleep(0.2)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(20) == 0, self._log.read_text("utf-8")
            self._process = None

    def topic_of(self, stream: str) -> str:
        names = {"users": self.changelog, "letters": self.names["dead_letters"]}
        return names.get(stream) or self.names[stream]

    def publish(self, world: Topics) -> None:
        """Write records where the service would."""
        for stream, records in world.items():
            for record in records:
                self.producer.send(
                    self.topic_of(stream), key=record.key, value=record.value,
                    headers=list(record.headers), partition=self._partition(stream, record),
                )  # fmt: skip
        self.producer.flush()

    def _partition(self, stream: str, record: Any) -> int:
        if stream in {"control", "models"}:
            return 0
        owner = (record.key or b"").decode()
        if stream == "decisions":
            owner = json.loads(record.value).get("user_id", owner)
        return 0 if owner.startswith("\x00") else partition_of(owner, PARTITIONS)

    def client(self, name: str = "Li Wei") -> httpx.Client:
        found = httpx.Client(base_url=self.base, timeout=30)
        assert found.post("/login", data={"name": name, "token": TOKEN}).status_code == 303
        return found

    def act(self, client: httpx.Client, action: str, **form: str) -> None:
        csrf = client.get("/health").text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
        answer = client.post(f"/act/{action}", data={**form, "csrf": csrf, "back": "/health"})
        assert answer.status_code == 303, answer.text

    def records(self, stream: str) -> list[Any]:
        """Return all that is on a topic, in the order of its partitions."""
        topic = self.topic_of(stream)
        reader = KafkaConsumer(bootstrap_servers=self.kafka, isolation_level="read_committed",
                               auto_offset_reset="earliest", enable_auto_commit=False)  # fmt: skip
        sources = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic)]
        reader.assign(sources)
        ends, found = reader.end_offsets(sources), []
        while any(reader.position(source) < ends[source] for source in sources):
            found += [one for many in reader.poll(500).values() for one in many]
        reader.close()
        return found
