"""A deployment of its own on a real Kafka: topics, what is published, what senders say."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.core.time import HOUR_MS, iso
from streams.runtime.topic_admin import apply_plan, plan_topics
from streams.settings import Settings, load_settings
from tests.unit.sender.letters import revoked, touch
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import Feedback, Output, cloud_event, to_json
from winback_sender.doorstep import admin_client

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
KIT_SENDER = (sys.executable, str(Path(__file__).with_name("kit_sender.py")))
TOPICS = (
    "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS", "JOURNAL",
    "CONTROL", "IDENTITY",
)  # fmt: skip


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Deployment:
    """Topics with names of their own, a journal, and a file of calls."""

    def __init__(self, name: str, bootstrap: str, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.calls_file = folder / "calls.txt"
        self.environ = {
            **{f"WINBACK_TOPIC_{topic}": f"{name}-{topic.lower()}" for topic in TOPICS},
            "WINBACK_KAFKA_BOOTSTRAP": bootstrap, "WINBACK_APP_ID": name,
            "WINBACK_SESSION_TIMEOUT_S": "2", "WINBACK_SENDER_STATE": str(folder),
            "WINBACK_SENDER_WEB_PORT": "0", "CALLS": str(self.calls_file), **settings,
        }  # fmt: skip
        self.settings: Settings = load_settings(self.environ)
        with admin_client(Cluster.plain(bootstrap)) as client:
            apply_plan(client, plan_topics(client, self.settings), 1)

    @contextmanager
    def running(
        self, command: Sequence[str] = KIT_SENDER, **environ: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a sender; at the end it is killed, if it still is there, and its log is printed."""
        with (self.folder / "log.txt").open("ab") as log:
            begin = log.tell()
            process = subprocess.Popen(
                command, env=os.environ | self.environ | environ, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            with (self.folder / "log.txt").open("rb") as log:
                log.seek(begin)
                sys.stdout.write(log.read().decode(errors="replace"))

    def publish(self, *outputs: Output, transactional_id: str | None = None) -> None:
        """Write records; with a transactional id into a transaction that is aborted."""
        producer: Any = KafkaProducer(
            bootstrap_servers=self.settings.kafka_bootstrap, transactional_id=transactional_id
        )
        if transactional_id is not None:
            producer.init_transactions()
            producer.begin_transaction()
        for key, value, headers in outputs:
            producer.send(self.settings.topic_touches, key=key, value=value, headers=headers)
        producer.flush(timeout=20)
        if transactional_id is not None:
            producer.abort_transaction()
        producer.close()

    def said(self, touches: int, timeout_s: float = 40) -> list[Feedback]:
        """Return the feedback once it speaks of so many touches, and a moment to see more."""

        def is_enough(found: list[bytes]) -> bool:
            return (
                len({msgspec.json.decode(one, type=Feedback).touch_id for one in found}) >= touches
            )

        found = self.records(self.settings.topic_feedback, is_enough, timeout_s)
        return [msgspec.json.decode(one, type=Feedback) for one in found]

    def records(
        self, topic: str, is_enough: Callable[[list[bytes]], bool], timeout_s: float = 40
    ) -> list[bytes]:
        """Return the values of a topic once there are enough, and a moment to see more."""
        consumer: Any = KafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest",
            isolation_level="read_committed",
        )  # fmt: skip
        parts = sorted(consumer.partitions_for_topic(topic))
        consumer.assign([TopicPartition(topic, number) for number in parts])
        found: list[bytes] = []
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            polled = consumer.poll(timeout_ms=200).values()
            found += [record.value for records in polled for record in records]
            if polled and is_enough(found):
                end_s = min(end_s, time.monotonic() + 1)
        consumer.close()
        return found

    def calls(self) -> list[str]:
        """Return the touches that the provider was called with."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def committed(self, group: str) -> int:
        """Return how many records lie below the offsets of a group."""
        with admin_client(Cluster.plain(self.settings.kafka_bootstrap)) as client:
            found: Mapping[Any, Any] = client.list_group_offsets({group: None})[group]
        return sum(max(offset.offset, 0) for offset in found.values())


def zone_of_noon(at_ms: int) -> str:
    """Return a zone in which it is noon then: no law of hours holds a touch back."""
    ahead = 12 - time.gmtime(at_ms / 1000).tm_hour
    return f"Etc/GMT{-ahead:+d}"  # Behind Greenwich is + there.


def requested(
    touch_id: str, user_id: str, *, at_ms: int | None = None, not_before_ms: int | None = None
) -> Output:
    at_ms = now_ms() if at_ms is None else at_ms
    begin_ms = at_ms if not_before_ms is None else not_before_ms
    message = touch(touch_id, user_id, not_before_ms=begin_ms, expires_ms=begin_ms + HOUR_MS)
    message = msgspec.structs.replace(message, audience_local_timezone=zone_of_noon(begin_ms))
    headers = cloud_event("touch.requested", touch_id, "/test", iso(at_ms), user_id)
    return Output(user_id.encode(), to_json(message), headers)


def taken_back(touch_id: str, user_id: str, at_ms: int | None = None) -> Output:
    at_ms = now_ms() if at_ms is None else at_ms
    headers = cloud_event("touch.revoked", f"{touch_id}-revoked", "/test", iso(at_ms), user_id)
    return Output(user_id.encode(), to_json(revoked(touch_id, user_id)), headers)
