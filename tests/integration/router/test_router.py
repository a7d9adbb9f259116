"""The router on a real Kafka: orders that are keyed by order, or by nothing, become users' events.

Two routers share them, one is killed in the middle of it; the pipeline beside them comes to the
states that the replay of the same orders has.
"""

import json
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.stand import Stand, committed, wait_until
from streams.core.partitioner import partition_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

ORIGIN_PARTITIONS, PARTITIONS = 3, 4
ORDERS, RATE = 3_000, 500
USERS = 60
BEGIN_MS = 1_700_000_000_000
STEP_MS = 200
RULES = """
inputs:
  {topic}:
    format: json
    lateness: 5s
    idle_after: 3s
    event: $.type
    id: $.order
    user: $.customer
    time: {{path: $.at, unit: ms}}
    map:
      - {{event: order_paid, as: purchase, name: order_paid, amount: $.total}}
"""


def order(number: int) -> dict[str, Any]:
    return {"type": "order_paid", "order": f"o{number}", "customer": f"用户{number * 7 % USERS}",
            "at": BEGIN_MS + number * STEP_MS, "total": number % 90 + 0.5}  # fmt: skip


def origin_of(number: int) -> int:
    """Return the partition of an order: its user's, by the company's own way to divide them."""
    return number * 7 % USERS % ORIGIN_PARTITIONS


def deployment(kafka: str, directory: Path) -> tuple[Stand, str]:
    name = f"router-{uuid4().hex[:8]}"
    source = f"{name}-orders"
    rules = directory / "rules.yaml"
    rules.write_text(RULES.format(topic=source), encoding="utf-8")
    topics = ("activity", "touches", "feedback", "decisions", "examples", "models", "dead_letters",
              "journal", "control", "identity")  # fmt: skip
    stand = Stand(
        kafka, directory, app_id=name, rules=rules, partitions=PARTITIONS, clock="event",
        session_timeout_s=2, **{f"topic_{topic}": f"{name}-{topic}" for topic in topics},
    )  # fmt: skip
    return stand, source


def make_source(stand: Stand, source: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=stand.bootstrap)
    client.create_topics({source: {"num_partitions": ORIGIN_PARTITIONS, "replication_factor": 1}})
    client.close()


def feed(stand: Stand, source: str, goes_on: threading.Event) -> None:
    """Publish the orders at a steady rate, every third without a key, one of them broken.

    The last third waits for an event, so that what happens before it happens in the middle.
    """
    producer = KafkaProducer(bootstrap_servers=stand.bootstrap, linger_ms=5)
    started = time.monotonic()
    for number in range(ORDERS):
        if number == ORDERS * 2 // 3:
            producer.flush()
            assert goes_on.wait(60)
        key = None if number % 3 == 0 else f"o{number}".encode()
        value = json.dumps(order(number)).encode()
        producer.send(source, value, key, partition=origin_of(number))
        if number == ORDERS // 2:
            producer.send(source, b"{oops", partition=1)
        if number % 50 == 0:
            time.sleep(max(0.0, started + number / RATE - time.monotonic()))
    producer.flush()
    producer.close()


def test_orders_become_events_once_whoever_dies(kafka: str, tmp_path: Path) -> None:
    stand, source = deployment(kafka, tmp_path)
    activity = stand.environ["WINBACK_TOPIC_ACTIVITY"]
    with stand:
        make_source(stand, source)
        stand.run("topics", "apply")
        first = stand.worker(role="router")
        pipeline = stand.worker(role="pipeline")
        first.wait_ready()
        is_killed = threading.Event()
        feeding = threading.Thread(target=feed, args=(stand, source, is_killed))
        feeding.start()
        second = stand.worker(role="router")
        second.wait_ready()
        wait_until("events", lambda: first.metrics().get("winback_commits_total", 0) > 1, 20)
        first.end(signal.SIGKILL)
        is_killed.set()
        feeding.join()
        wait_until("the end", lambda: len(events(kafka, activity)) >= ORDERS, 30, 0.5)
        check_events(kafka, activity, source)
        check_letters(kafka, stand.environ["WINBACK_TOPIC_DEAD_LETTERS"], source)
        pipeline.wait_ready()
        expected = replayed(stand, tmp_path)
        came = wait_for(lambda: stand.run("state", "export").splitlines(), expected)
        assert came == expected
        assert second.end() == 0
        assert pipeline.end() == 0


def events(kafka: str, activity: str) -> list[Any]:
    return [record for record in committed(kafka, activity) if record.key != b"$watermark"]


def check_events(kafka: str, activity: str, source: str) -> None:
    """Each order once, on the partition of its user, in the order of its origin."""
    records = committed(kafka, activity)
    found = [record for record in records if record.key != b"$watermark"]
    names = Counter(json.loads(record.value)["event_id"] for record in found)
    assert names == Counter(f"o{number}" for number in range(ORDERS))
    offsets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    for record in found:
        headers = dict(record.headers)
        said = json.loads(record.value)
        number = int(said["event_id"][1:])
        assert record.partition == partition_of(said["user_id"], PARTITIONS)
        assert headers["winback_origin_topic"] == source.encode()
        assert headers["winback_origin_partition"] == b"%d" % origin_of(number)
        origin = (record.partition, headers["winback_origin_partition"])
        offsets[origin].append(int(headers["winback_origin_offset"]))
    assert all(there == sorted(there) for there in offsets.values())
    clocks = {
        (record.partition, json.loads(record.value)["properties"]["clock"])
        for record in records
        if record.key == b"$watermark"
    }
    assert clocks == {
        (partition, f"router/{source}/{number}")
        for partition in range(PARTITIONS)
        for number in range(ORIGIN_PARTITIONS)
    }


def check_letters(kafka: str, dead_letters: str, source: str) -> None:
    (letter,) = committed(kafka, dead_letters)
    headers = dict(letter.headers)
    assert letter.value == b"{oops"
    assert headers["__connect.errors.topic"] == source.encode()
    assert headers["__connect.errors.partition"] == b"1"


def replayed(stand: Stand, directory: Path) -> list[str]:
    """Return the states that the pure replay of the orders comes to."""
    log, state = directory / "log.jsonl", directory / "state.jsonl"
    lines = []
    for number in range(ORDERS):
        said = order(number)
        lines.append(json.dumps({
            "event_id": said["order"], "user_id": said["customer"], "event": "order_paid",
            "event_time": said["at"], "amount": said["total"],
        }))  # fmt: skip
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    stand.run("replay", log, "--quiet", "--state", state)
    return state.read_text(encoding="utf-8").splitlines()


def wait_for(look: Callable[[], list[str]], expected: list[str]) -> list[str]:
    """Return what is there as soon as it is what is expected, or after a while."""
    deadline = time.monotonic() + 15
    while (found := look()) != expected and time.monotonic() < deadline:
        time.sleep(1)
    return found


def test_a_topic_that_is_not_there_is_told_with_one_that_looks_like_it(
    kafka: str, tmp_path: Path
) -> None:
    stand, source = deployment(kafka, tmp_path)
    with stand:
        make_source(stand, source + "s")
        assert f"? {source}" in stand.run("topics", "plan")
        worker = stand.worker(role="router")
        assert worker.process.wait(20) == 2
    said = worker.log.read_text()
    assert f"has no topic {source}, which the rules read" in said
    assert f"Is {source}s meant?" in said
    assert "Traceback" not in said
