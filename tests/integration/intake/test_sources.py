"""Topics of other people on a real Kafka: Segment in JSON and orders in Avro feed one pipeline.

The schema registry is away at first; what needs it waits, also when workers come and go meanwhile,
and nothing is lost, done twice or put aside for it.
"""

import io
import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import fastavro
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.stand import Stand, Worker, committed, wait_until
from tests.standin_registry import StandinRegistry

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

PARTITIONS = 2
CLICKS, ORDERS, USERS = 400, 300, 40
BEGIN_MS = 1_700_000_000_000
ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "number", "type": "string"},
        {"name": "customer", "type": "string"},
        {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "money", "type": "Money"},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}
MONEY = {
    "type": "record",
    "name": "Money",
    "fields": [
        {
            "name": "total",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        },
    ],
}
RULES = """
inputs:
  {name}-clicks:
    format: segment
    keyed_by: user
    lateness: 1h
    others: activity
  {name}-orders:
    format: json
    encoding: avro
    keyed_by: user
    lateness: 1h
    event: order
    id: $.number
    user: $.customer
    time: $.paid_at
    map:
      - {{event: order, as: purchase, name: order_paid, amount: $.money.total}}
"""


def deployment(kafka: str, directory: Path, registry: StandinRegistry, counts: int) -> Stand:
    name = f"sources-{uuid4().hex[:8]}"
    rules = directory / "rules.yaml"
    rules.write_text(RULES.format(name=name), encoding="utf-8")
    topics = ("activity", "touches", "feedback", "decisions", "examples", "models", "dead_letters",
              "journal", "control", "identity")  # fmt: skip
    client = KafkaAdminClient(bootstrap_servers=kafka)
    client.create_topics({
        f"{name}-{topic}": {"num_partitions": counts, "replication_factor": 1}
        for topic in ("clicks", "orders")
    })  # fmt: skip
    client.close()
    return Stand(
        kafka, directory, app_id=name, rules=rules, partitions=PARTITIONS, clock="event",
        session_timeout_s=2, schema_registry_url=registry.url,
        **{f"topic_{topic}": f"{name}-{topic}" for topic in topics},
    )  # fmt: skip


def user_of(number: int) -> str:
    return f"用户{number * 7 % USERS}"


def click(number: int) -> bytes:
    second = BEGIN_MS // 1000 + number
    return json.dumps({
        "type": "track", "event": "Product Viewed", "messageId": f"c{number}",
        "userId": user_of(number), "timestamp": f"2023-11-14T22:{13 + number // 60:02}:"
        f"{number % 60:02}Z", "sentAt": None, "context": {"at": second},
    }).encode()  # fmt: skip


def order(number: int, schema_id: int, schema: Any) -> bytes:
    out = io.BytesIO()
    cents = (number * 10).to_bytes(3)
    fastavro.schemaless_writer(out, schema, {
        "number": f"o{number}", "customer": user_of(number), "paid_at": BEGIN_MS + number * 1000,
        "money": {"total": cents}, "note": None,
    })  # fmt: skip
    return b"\0" + schema_id.to_bytes(4) + out.getvalue()


def plain(schema: dict[str, Any]) -> Any:
    """Return a schema to write with, its logical types left to us."""
    text = json.dumps(schema).replace('"logicalType"', '"was"')
    return json.loads(text)


def feed(stand: Stand, schema_id: int) -> None:
    named: dict[str, Any] = {}
    fastavro.parse_schema(plain(MONEY), named)
    schema = fastavro.parse_schema(plain(ORDER), named)
    name = stand.environ["WINBACK_APP_ID"]
    producer = KafkaProducer(bootstrap_servers=stand.bootstrap, linger_ms=5)
    for number in range(CLICKS):
        producer.send(f"{name}-clicks", click(number), user_of(number).encode())
    for number in range(ORDERS):
        value = order(number, schema_id, schema)
        producer.send(f"{name}-orders", value, user_of(number).encode())
        if number == ORDERS // 2:
            producer.send(f"{name}-orders", order(number, 99, schema), user_of(number).encode())
    producer.flush()
    producer.close()


def expected() -> dict[str, tuple[int, int]]:
    counts = Counter(user_of(number) for number in range(CLICKS))
    counts += Counter(user_of(number) for number in range(ORDERS))
    money: Counter[str] = Counter()
    for number in range(ORDERS):
        money[user_of(number)] += number * 10
    return {user: (count, money[user]) for user, count in counts.items()}


def applied(stand: Stand) -> dict[str, tuple[int, int]]:
    states = map(json.loads, stand.run("state", "export").splitlines())
    return {
        state["user_id"]: (state["events_applied"], state["value_net_minor"]) for state in states
    }


def is_waiting(worker: Worker) -> bool:
    page = worker.page("/health")
    return page is not None and bool(json.loads(page)["schema_registry"]["away"])


def test_two_topics_of_others_feed_one_pipeline_when_the_registry_is_back(
    kafka: str, tmp_path: Path
) -> None:
    with (
        StandinRegistry() as registry,
        deployment(kafka, tmp_path, registry, PARTITIONS) as stand,
    ):
        registry.register("money", json.dumps(MONEY))
        schema_id = registry.register(
            "orders-value", json.dumps(ORDER), references=(("Money", "money", 1),)
        )
        registry.weather = "503"
        assert "yours: keyed by user" in stand.run("topics", "plan")
        stand.run("topics", "apply")
        feed(stand, schema_id)
        first = stand.worker()
        first.wait_ready()
        wait_until("the wait", lambda: is_waiting(first), 30)
        worker = stand.worker()  # shares the partitions with one that waits, and takes them over
        wait_until("the other's wait", lambda: is_waiting(worker), 30)
        first.end(signal.SIGKILL)
        assert worker.metrics()["winback_schema_registry_away"] == 1
        assert not committed(kafka, stand.environ["WINBACK_TOPIC_DEAD_LETTERS"])
        registry.weather = ""
        wanted = expected()
        wait_until("all of it", lambda: applied(stand) == wanted, 40, 0.5)
        (letter,) = committed(kafka, stand.environ["WINBACK_TOPIC_DEAD_LETTERS"])
        assert not is_waiting(worker)
        assert worker.end() == 0
    headers = dict(letter.headers)
    assert letter.value[:5] == b"\0\0\0\0\x63"
    assert headers["__connect.errors.topic"].endswith(b"-orders")
    assert "no schema 99" in str(headers)
    said = worker.log.read_text()
    assert said.count("schema_registry_away") == 1
    assert "schema_registry_back" in said
