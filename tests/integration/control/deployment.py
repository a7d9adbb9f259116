"""A small deployment of its own on the session's Kafka: what is fed in, and what comes out."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.core.partitioner import Partitioner
from streams.replay.events import watermark

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
TOPICS = (
    "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS", "JOURNAL",
    "CONTROL", "IDENTITY",
)  # fmt: skip
PARTITIONS = 4
SORRY = """
mode: live
kinds: [view, complaint]
churn: {horizon: 8d, min_active_days: 2}
holdout: {share: 0.0}
contact:
  consent_default: granted
  quiet_hours: {start: "00:00", end: "00:00"}
  caps: []
channels:
  sms: {class: message, hours: always}
playbooks:
  - name: sorry
    match: {triggers: [complaint]}
    steps:
      - {channel: sms, template_key: care_apology, expires: 30d}
"""
"""Whoever complains is written to."""
PATIENCE_S = 30.0
HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000


class Worker:
    """A worker as a process, its words in a file."""

    def __init__(self, env: dict[str, str], words: Path, role: str) -> None:
        self.words = words
        with words.open("wb") as out:
            self.process = subprocess.Popen(
                [*WINBACK, "run", "--role", role], env=env, stdout=out, stderr=out
            )

    def stop(self) -> None:
        """End it in good order."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.words.read_text()

    def page(self, path: str) -> str:
        """Return what it serves, empty before it serves."""
        found = re.search(r"http://127\.0\.0\.1:(\d+)/health", self.words.read_text())
        if found is None:
            return ""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/{path}", timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as error:  # 503: not ready
            return str(error.read().decode())

    def has_begun(self) -> bool:
        """Return whether it owns partitions."""
        assert self.process.poll() is None, self.words.read_text()
        return '"ready": true' in self.page("health")


class Deployment:
    """Topics, rules and processes with names of their own."""

    def __init__(self, bootstrap: str, directory: Path, rules: str) -> None:
        name = f"control-{uuid4().hex[:8]}"
        self.directory, self.bootstrap = directory, bootstrap
        self.rules = directory / "rules.yaml"
        self.rules.write_text(rules)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("WINBACK_")}
        self.env = {
            **clean, **{f"WINBACK_TOPIC_{topic}": f"{name}-{topic.lower()}" for topic in TOPICS},
            "WINBACK_KAFKA_BOOTSTRAP": bootstrap, "WINBACK_APP_ID": name, "WINBACK_WEB_PORT": "0",
            "WINBACK_RULES": str(self.rules), "WINBACK_CLOCK": "event",
            "WINBACK_SESSION_TIMEOUT_S": "3",
        }  # fmt: skip
        self.workers: list[Worker] = []
        self._partition = Partitioner(PARTITIONS)
        self._clock_ms = START_MS
        assert self.winback("topics", "apply")[0] == 0

    def winback(self, *words: str) -> tuple[int, str, str]:
        """Run a command; return exit code, output, complaints."""
        done = subprocess.run(
            [*WINBACK, *words], env=self.env, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def start(self, count: int = 1, role: str = "pipeline") -> list[Worker]:
        """Start workers and wait until all of them own partitions."""
        made = [
            Worker(self.env, self.directory / f"{role}-{len(self.workers) + n}.log", role)
            for n in range(count)
        ]
        self.workers += made
        for worker in made:
            wait_for(worker.has_begun, worker.words)
        return made

    @property
    def clock_ms(self) -> int:
        """Event time of the latest complaint, but for a few ms."""
        return self._clock_ms

    def kill(self) -> None:
        """End everything that still runs."""
        for worker in self.workers:
            worker.process.kill()
            worker.process.wait()

    def complain(self, users: Iterable[str]) -> None:
        """Let users view something on three days, and then complain, an hour later each time."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        users = list(users)
        for event in ("view", "view", "view", "complaint"):
            self._clock_ms += 30 * HOUR_MS
            for number, user in enumerate(users):
                self._send(producer, user, event, self._clock_ms + number)
        for partition in range(PARTITIONS):  # so that every partition has come as far
            key, value = watermark("test", self._clock_ms + HOUR_MS)
            producer.send(self.env["WINBACK_TOPIC_ACTIVITY"], value, key, partition=partition)
        producer.flush()
        producer.close()

    def _send(self, producer: Any, user: str, event: str, at_ms: int) -> None:
        body = {"event_id": f"{user}-{at_ms}", "user_id": user, "event": event, "event_time": at_ms}
        producer.send(
            self.env["WINBACK_TOPIC_ACTIVITY"], json.dumps(body).encode(), key=user.encode(),
            partition=self._partition[user],
        )  # fmt: skip

    def records(self, topic: str) -> list[dict[str, Any]]:
        """Return everything that is committed on a topic by now."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", group_id=None
        )
        try:
            name = self.env[f"WINBACK_TOPIC_{topic}"]
            parts = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name)]
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            ends, found = consumer.end_offsets(parts), []
            end_s = time.monotonic() + 10
            while any(consumer.position(part) < ends[part] for part in parts):
                assert time.monotonic() < end_s
                for records in consumer.poll(timeout_ms=200).values():
                    found += [json.loads(each.value) for each in records if each.value]
            return found
        finally:
            consumer.close()

    def applied(self) -> int:
        """Return how many records of activity are durable in the state."""
        name = self.env["WINBACK_TOPIC_ACTIVITY"]
        steps = [step for entry in self.records("JOURNAL") for step in entry["inputs"]]
        return sum(end - start for topic, start, end in steps if topic == name)

    def touches(self, kind: str = "touch.requested") -> list[dict[str, Any]]:
        """Return the messages of a kind on the topic of touches."""
        return [touch for touch in self.records("TOUCHES") if touch["type"] == kind]


def wait_for(is_so: Callable[[], object], words: Path | None = None) -> None:
    """Return when something is so."""
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s, "" if words is None else words.read_text()
        time.sleep(0.1)
