"""``winback run`` as an operator meets it."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from tests.integration.lane.harness import Feed, Worker, judge, make_topics

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
TOPICS = (
    "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS", "JOURNAL",
    "CONTROL", "IDENTITY",
)  # fmt: skip


def environment(bootstrap: str) -> dict[str, str]:
    """A deployment with names of its own."""
    name = f"run-{uuid4().hex[:8]}"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WINBACK_")}
    topics = {f"WINBACK_TOPIC_{topic}": f"{name}-{topic.lower()}" for topic in TOPICS}
    return {
        **clean, **topics, "WINBACK_KAFKA_BOOTSTRAP": bootstrap, "WINBACK_APP_ID": name,
        "WINBACK_WEB_PORT": "0",
    }  # fmt: skip


def winback(*words: str, env: dict[str, str], patience_s: float = 30) -> tuple[int, str]:
    done = subprocess.run(
        [*WINBACK, *words], env=env, capture_output=True, text=True, timeout=patience_s, check=False
    )
    return done.returncode, done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("role", ["pipeline", "learner", "all"])
def test_without_kafka_it_says_so_and_ends_with_3(role: str) -> None:
    started = time.monotonic()
    code, words = winback("run", "--role", role, env=environment(f"127.0.0.1:{free_port()}"))
    assert code == 3
    assert "Kafka cannot be reached" in words
    assert "Traceback" not in words
    assert time.monotonic() - started < 15


def test_what_is_no_kafka_is_told() -> None:
    """A port that takes connections and says nothing."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        env = environment(f"127.0.0.1:{mute.getsockname()[1]}")
        code, words = winback("run", "--role", "pipeline", env=env)
    assert code == 3
    assert "it takes connections but does not answer" in words
    assert "Traceback" not in words


def test_without_topics_it_names_the_command_that_makes_them(kafka: str) -> None:
    code, words = winback("run", "--role", "pipeline", env=environment(kafka))
    assert code == 2
    assert "winback topics apply" in words
    assert "Traceback" not in words


def test_a_taken_port_is_told(kafka: str) -> None:
    env = environment(kafka)
    assert winback("topics", "apply", env=env)[0] == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env["WINBACK_WEB_PORT"] = str(taken.getsockname()[1])
        code, words = winback("run", "--role", "pipeline", env=env)
    assert code == 2
    assert "WINBACK_WEB_PORT" in words
    assert "Traceback" not in words


def test_events_become_state_and_sigterm_ends_with_0(kafka: str, tmp_path: Path) -> None:
    """From start to ready in seconds; a bad record becomes a dead letter; a stop is orderly."""
    env = environment(kafka)
    assert winback("topics", "apply", env=env)[0] == 0
    words = tmp_path / "words"
    with words.open("wb") as out:
        worker = subprocess.Popen(
            [*WINBACK, "run", "--role", "all"], env=env, stdout=out, stderr=out
        )
    try:
        wait_for(lambda: len(ports(words)) == 2, words)
        wait_for(lambda: all(health(port)["ready"] for port in ports(words)), words)
        publish(kafka, env["WINBACK_TOPIC_ACTIVITY"])
        wait_for(lambda: "records_rejected_total{" in pages(words), words)
        wait_for(lambda: 'outputs_committed_total{topic="run-' in pages(words), words)
        wait_for(lambda: len(ticked(words)) == 4, words)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0, words.read_text()
    finally:
        worker.kill()
        worker.wait()
    assert "Traceback" not in words.read_text()


def publish(bootstrap: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    now_ms = int(time.time() * 1000)
    for number in range(20):
        event = {
            "event_id": f"e{number}", "user_id": "ada", "event": "view", "event_time": now_ms,
        }  # fmt: skip
        producer.send(topic, json.dumps(event).encode(), key=b"ada")
    producer.send(topic, b"{oops", key=b"bob")
    producer.flush()
    producer.close()


def ports(words: Path) -> list[str]:
    return re.findall(r"http://127\.0\.0\.1:(\d+)/health", words.read_text())


def health(port: str) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=3) as answer:
            found: dict[str, object] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:  # 503: not ready
        return dict(json.load(error))


def pages(words: Path) -> str:
    found = []
    for port in ports(words):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=3) as answer:
            found.append(answer.read().decode())
    return "".join(found)


def ticked(words: Path) -> list[str]:
    """Partitions whose watermark the clock has moved; three of them saw no event at all."""
    return re.findall(r"watermark_timestamp_seconds{.*} 1\..*e\+09", pages(words))


def wait_for(is_so, words: Path, patience_s: float = 25) -> None:  # noqa: ANN001
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, words.read_text()
        time.sleep(0.1)


def test_a_topic_that_was_made_anew_stops_the_worker(kafka: str, tmp_path: Path) -> None:
    """Its offsets begin again: to go on would drop every event as one that was applied."""
    app_id = f"toy-{uuid4().hex[:8]}"
    make_topics(kafka, app_id)
    first = Worker(kafka, app_id, tmp_path, 0)
    first.wait_ready()
    feed = Feed(kafka, app_id, 5000)
    asyncio.run(feed.run(500))
    assert asyncio.run(judge(kafka, app_id, 500, 20)).wrong(feed.sent) == {}
    assert first.stop() == 0
    client = KafkaAdminClient(bootstrap_servers=kafka)
    client.delete_topics([f"{app_id}-in"])
    time.sleep(1)
    client.create_topics({f"{app_id}-in": {"num_partitions": 4, "replication_factor": 1}})
    client.close()
    second = Worker(kafka, app_id, tmp_path, 1)
    assert second.process.wait(30) == 1
    assert "was deleted and made again" in second.words.read_text()
