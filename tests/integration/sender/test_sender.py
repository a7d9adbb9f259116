"""A sender on a real Kafka: what it reads, what it reports, and what a kill -9 leaves behind."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.core.time import HOUR_MS, iso
from streams.runtime.topic_admin import apply_plan, plan_topics
from streams.settings import Settings, load_settings
from tests.unit.sender.letters import START_MS, revoked, touch
from winback_sender.clock import EventClock
from winback_sender.contract.messages import Feedback, Output, cloud_event, to_json
from winback_sender.contract.words import Status
from winback_sender.desk import Desk
from winback_sender.doorstep import admin_client
from winback_sender.journal import Journal
from winback_sender.receipt import Receipt
from winback_sender.worker import Sender

pytestmark = pytest.mark.kafka

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")


@pytest.fixture
def environ(kafka: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a deployment of its own."""
    name = f"s{abs(hash(request.node.nodeid))}"
    found = {
        f"WINBACK_TOPIC_{topic}": f"{name}-{topic.lower().replace('_', '-')}"
        for topic in (
            "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS",
            "JOURNAL", "CONTROL",
        )
    }  # fmt: skip
    return found | {
        "WINBACK_KAFKA_BOOTSTRAP": kafka, "WINBACK_APP_ID": name, "WINBACK_CLOCK": "event",
        "WINBACK_SESSION_TIMEOUT_S": "2",
    }  # fmt: skip


@pytest.fixture
def settings(environ: dict[str, str], kafka: str) -> Settings:
    found = load_settings(environ)
    with admin_client(kafka) as client:
        apply_plan(client, plan_topics(client, found), 1)
    return found


@contextmanager
def running(environ: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "touches.txt").open("ab") as out:
        process = subprocess.Popen(
            [*WINBACK, "sender", "--channel", "console", "--answer", "0.4",
             "--journal", str(folder / "journal.sqlite")],
            env=os.environ | environ, stdout=out,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def publish(settings: Settings, *outputs: Output) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap)
    for key, value, headers in outputs:
        producer.send(settings.topic_touches, key=key, value=value, headers=headers)
    producer.flush(timeout=20)
    producer.close()


def requested(
    touch_id: str, user_id: str, *, at_ms: int = START_MS, not_before_ms: int = START_MS
) -> Output:
    message = touch(touch_id, user_id, not_before_ms=not_before_ms)
    headers = cloud_event("touch.requested", touch_id, "/test", iso(at_ms), user_id)
    return Output(user_id.encode(), to_json(message), headers)


def feedback(settings: Settings, expected: int, timeout_s: float = 40) -> list[Feedback]:
    """Return the feedback once there are ``expected`` records, and a moment to see more."""
    consumer: Any = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest",
        isolation_level="read_committed",
    )  # fmt: skip
    consumer.assign(
        [TopicPartition(settings.topic_feedback, number) for number in range(settings.partitions)]
    )
    found: list[Feedback] = []
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        for records in consumer.poll(timeout_ms=200).values():
            found += [msgspec.json.decode(record.value, type=Feedback) for record in records]
        if len(found) >= expected:
            end_s = min(end_s, time.monotonic() + 1)
    consumer.close()
    return found


def test_touches_are_printed_answered_and_reported(
    environ: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    stop = to_json(revoked("t-bob", "bob"))
    headers = cloud_event("touch.revoked", "t-bob-revoked", "/test", iso(START_MS), "bob")
    publish(
        settings,
        *(requested(f"t-{number}", f"user-{number}") for number in range(40)),
        requested("t-bob", "bob", not_before_ms=START_MS + HOUR_MS),
        Output(b"bob", stop, headers),
        requested("t-bob-2", "bob", at_ms=START_MS + HOUR_MS),
    )
    with running(environ, tmp_path) as process:
        said = feedback(settings, 42)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0

    by_touch = {event.touch_id: event for event in said}
    assert len(by_touch) == len(said) == 42
    assert (by_touch["t-bob"].status, by_touch["t-bob"].outcome) == ("failed", "revoked")
    assert {"delivered", "replied"} <= {event.status for event in said}
    assert len((tmp_path / "touches.txt").read_text().splitlines()) == 41


def test_kill_9_repeats_no_touch(
    environ: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    count = 600
    publish(settings, *(requested(f"t-{number}", f"user-{number}") for number in range(count)))
    printed = tmp_path / "touches.txt"
    with running(environ, tmp_path) as process:
        end_s = time.monotonic() + 30
        while time.monotonic() < end_s and len(printed.read_bytes().splitlines()) < 50:
            time.sleep(0.01)
        process.kill()
        process.wait()
    with running(environ, tmp_path):
        said = feedback(settings, count)

    lines = printed.read_text().splitlines()
    assert len(lines) == len(set(lines))
    by_touch = {event.touch_id: event.status for event in said}
    assert len(by_touch) == count
    assert Counter(by_touch.values())["unknown"] <= 1
    assert len(lines) >= count - 1


def test_what_is_finished_is_committed_when_another_sender_joins(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winback_sender.worker.COMMIT_EVERY_S", 1e9)
    publish(settings, *(requested(f"t-{number}", f"user-{number}") for number in range(40)))
    ends = [Event(), Event()]

    def run(end: Event) -> None:
        with Journal(tmp_path / "journal.sqlite") as journal:
            desk = Desk(lambda _: Receipt(Status.DELIVERED), journal, EventClock())
            Sender(settings, settings.kafka_bootstrap, "console", desk).run(end.is_set)

    first, second = (Thread(target=run, args=(end,)) for end in ends)
    first.start()
    assert len(feedback(settings, 40)) == 40
    assert committed(settings) == 0
    second.start()
    until_s = time.monotonic() + 20
    while committed(settings) < 40 and time.monotonic() < until_s:
        time.sleep(0.2)
    found = committed(settings)
    for end, thread in zip(ends, (first, second), strict=True):
        end.set()
        thread.join(timeout=20)
    assert found == 40


def committed(settings: Settings) -> int:
    """Return how many touches lie below the offsets of the group."""
    with admin_client(settings.kafka_bootstrap) as client:
        group = f"{settings.app_id}-sender-console"
        found = client.list_group_offsets({group: None})[group]
    return sum(max(offset.offset, 0) for offset in found.values())
