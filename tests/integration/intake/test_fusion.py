"""One picture of a person from four systems: an app, orders in a database, a CRM, a gateway.

The app is read where it lies; the others go through the router. What comes of it is held against a
count that knows nothing of winback.
"""

import json
import threading
import zlib
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.stand import Stand, Worker, committed, wait_until
from streams.core.partitioner import partition_of_key
from tests.integration.intake.company import RULES, Message, baskets, encoded, messages, people

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(110)]

PARTITIONS = {"app": 2, "orders": 3, "crm": 1, "gateway": 1}
TOPICS = ("activity", "touches", "feedback", "decisions", "examples", "models", "dead_letters",
          "journal", "control", "identity")  # fmt: skip


def deployment(kafka: str, directory: Path) -> Stand:
    name = f"fusion-{uuid4().hex[:8]}"
    rules = directory / "rules.yaml"
    rules.write_text(RULES.format(name=name), encoding="utf-8")
    client = KafkaAdminClient(bootstrap_servers=kafka)
    client.create_topics({
        f"{name}-{system}": {"num_partitions": count, "replication_factor": 1}
        for system, count in PARTITIONS.items()
    })  # fmt: skip
    client.close()
    return Stand(
        kafka, directory, app_id=name, rules=rules, partitions=PARTITIONS["app"], clock="event",
        session_timeout_s=6, **{f"topic_{topic}": f"{name}-{topic}" for topic in TOPICS},
    )  # fmt: skip


def feed(stand: Stand, told: list[Message]) -> None:
    """Publish what the systems say; an order keeps its partition, as Debezium does it."""
    name = stand.environ["WINBACK_APP_ID"]
    producer = KafkaProducer(bootstrap_servers=stand.bootstrap, linger_ms=5)
    for message in told:
        key, count = message.key.encode(), PARTITIONS[message.system]
        is_ours = message.system == "app"
        partition = partition_of_key(key, count) if is_ours else zlib.crc32(key) % count
        producer.send(f"{name}-{message.system}", encoded(message), key, partition=partition)
    producer.flush()
    producer.close()


class Gateway(threading.Thread):
    """Takes the touches of a deployment, and says an hour later that each was delivered."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(daemon=True)
        self.stand, self.has_ended = stand, threading.Event()
        self.sent: list[dict[str, Any]] = []

    def run(self) -> None:
        name = self.stand.environ["WINBACK_APP_ID"]
        servers = self.stand.bootstrap
        producer = KafkaProducer(bootstrap_servers=servers, linger_ms=0)
        consumer = KafkaConsumer(
            f"{name}-touches", bootstrap_servers=servers, group_id=None,
            auto_offset_reset="earliest", isolation_level="read_committed",
        )  # fmt: skip
        while not self.has_ended.is_set():
            for records in consumer.poll(200).values():
                for record in records:
                    if dict(record.headers)["ce_type"] != b"winback.touch.requested":
                        continue
                    touch = json.loads(record.value)
                    self.sent.append(touch)
                    said = {"kind": "receipt", "receipt": f"r{len(self.sent)}", "code": "DELIVRD",
                            "member": touch["user_id"], "out_id": touch["touch_id"],
                            "at": 1_490_000_000}  # fmt: skip
                    producer.send(f"{name}-gateway", json.dumps(said).encode())
            producer.flush()
        consumer.close()
        producer.close()


def test_four_systems_make_one_picture_of_a_person(kafka: str, tmp_path: Path) -> None:
    bought = baskets()
    told, expected = messages(bought), people(bought)
    stand = deployment(kafka, tmp_path)
    with stand:
        stand.run("topics", "apply")
        feed(stand, told)
        gateway = Gateway(stand)
        gateway.start()
        pipeline, router = stand.worker(role="pipeline"), stand.worker(role="router")
        router.wait_ready()
        pipeline.wait_ready()
        wait_until("everything", lambda: states(stand) == expected_states(expected), 45, 1.0)
        wait_until("the touches", lambda: is_heard(pipeline, gateway), 30, 0.5)
        gateway.has_ended.set()
        gateway.join(10)
        check_touches(kafka, stand, gateway.sent)
        assert committed(kafka, stand.environ["WINBACK_TOPIC_DEAD_LETTERS"]) == []
        assert router.end() == 0
        assert pipeline.end() == 0


def states(stand: Stand) -> dict[str, tuple[int, int]]:
    """Return the acts and the net value of everybody who is known."""
    users = map(json.loads, stand.run("state", "export").splitlines())
    return {user["user_id"]: (user["events_applied"], user["value_net_minor"]) for user in users}


def expected_states(expected: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {user: (person.acts, person.cents) for user, person in expected.items()}


def is_heard(pipeline: Worker, gateway: Gateway) -> bool:
    """Whether of every touch that went out its delivery was heard, and there were some."""
    heard = int(pipeline.metrics().get("winback_feedback_total", 0))
    return len(gateway.sent) > 0 and heard >= len(gateway.sent)


def check_touches(kafka: str, stand: Stand, sent: list[dict[str, Any]]) -> None:
    """Nobody who did not agree was written to, and nobody twice."""
    names = Counter(touch["touch_id"] for touch in sent)
    assert set(names.values()) == {1}
    assert all(int(touch["user_id"][1:]) % 3 for touch in sent), "the CRM says who agreed"
    decisions = [
        json.loads(record.value)
        for record in committed(kafka, stand.environ["WINBACK_TOPIC_DECISIONS"])
    ]
    refused = {one["user_id"] for one in decisions if one.get("reason") == "no_consent"}
    assert refused, "somebody was at risk and had not agreed"
    numbers = {int(user.rpartition("家")[2]) for user in refused}
    assert all(number % 3 == 0 or number % 4 == 0 for number in numbers), "who agreed is asked"
