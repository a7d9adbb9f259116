"""A person is erased on a real Kafka: in the end not a byte is left, also not on the disk."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click import Command
from click.testing import CliRunner
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from streams.commands.erase import erase
from streams.commands.erased import erased
from streams.core.partitioner import partition_of
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.integration.control.deployment import PARTITIONS, Deployment, wait_for
from tests.integration.control.test_control import RULES, people
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

ADA, COOKIE = "ada-4711-lovelace", "cookie-4711-f3a9"
QUICK_BROKER = {
    "log.initial.task.delay.ms": "100", "log.cleaner.backoff.ms": "100",
    "log.retention.check.interval.ms": "300", "log.segment.delete.delay.ms": "100",
}  # fmt: skip
QUICK_TOPIC = {
    "segment.ms": "100", "max.compaction.lag.ms": "100", "delete.retention.ms": "0",
    "min.cleanable.dirty.ratio": "0.001", "file.delete.delay.ms": "100",
}  # fmt: skip
KEPT = ("DECISIONS", "JOURNAL", "MODELS", "CONTROL")


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with EmbeddedKafka(more=lambda _: QUICK_BROKER) as kafka:
        made = Deployment(kafka.bootstrap, tmp_path, RULES)
        made.env |= {
            "WINBACK_DATA_DIR": str(kafka.directory), "WINBACK_SENDER_STATE": str(tmp_path / "none")
        }  # fmt: skip
        yield made
        made.kill()


def publish(
    deployment: Deployment,
    events: Mapping[str, dict[str, Any] | bytes],
    *,
    is_aborted: bool = False,
) -> None:
    """Write one event of each user; into a transaction that is taken back, if so."""
    more: dict[str, Any] = {"transactional_id": "taken-back"} if is_aborted else {}
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, **more)
    if is_aborted:
        producer.init_transactions()
        producer.begin_transaction()
    for user_id, event in events.items():
        value = (
            event if isinstance(event, bytes) else json.dumps({"user_id": user_id} | event).encode()
        )
        producer.send(
            deployment.env["WINBACK_TOPIC_ACTIVITY"], value, user_id.encode(),
            partition=partition_of(user_id, PARTITIONS),
        )  # fmt: skip
    producer.flush()
    if is_aborted:
        producer.abort_transaction()
    producer.close()


def event(name: str, at_ms: int, **properties: object) -> dict[str, Any]:
    said = {"event_id": f"{name}-{at_ms}", "event": name, "event_time": at_ms}
    return said | {"properties": properties}


def said_by(deployment: Deployment, command: Command, *words: str) -> tuple[int, dict[str, Any]]:
    """Return exit code and answer of a command, run here: a process of its own takes a second."""
    env = {name: value for name, value in deployment.env.items() if name.startswith("WINBACK_")}
    done = CliRunner(env=env).invoke(command, [*words, "--json"], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, json.loads(done.stdout)


def proof(deployment: Deployment) -> tuple[int, dict[str, Any]]:
    """Return exit code and what was found, by place."""
    code, said = said_by(deployment, erased, ADA, COOKIE)
    return code, {place["name"]: place for place in said["places"] if place["records"]}


def let_the_bound_pass(deployment: Deployment) -> None:
    """Let Kafka do within seconds what it does within days."""
    topics = {
        name: value for name, value in deployment.env.items() if name.startswith("WINBACK_TOPIC_")
    }
    configs = {topic: dict(QUICK_TOPIC) for topic in topics.values()}
    configs[f"{deployment.env['WINBACK_APP_ID']}-users-changelog"] = dict(QUICK_TOPIC)
    for name, topic in topics.items():
        if name.removeprefix("WINBACK_TOPIC_") not in KEPT:
            configs[topic]["retention.ms"] = "500"
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic, values) for topic, values in configs.items()
    ]
    with admin_client(Cluster.plain(deployment.bootstrap)) as client:
        client.alter_configs(resources, incremental=True)


def test_not_a_byte_is_left_of_who_was_erased_and_others_are_untouched(
    deployment: Deployment,
) -> None:
    (worker,) = deployment.start()
    deployment.complain([ADA, *people("bo")])
    at_ms = deployment.clock_ms
    publish(deployment, {COOKIE: event("view", at_ms)})
    publish(deployment, {ADA: event("$identify", at_ms, anonymous_id=COOKIE)})
    publish(deployment, {ADA: b'{"user_id": "%s", broken' % ADA.encode()})
    publish(deployment, {ADA: event("view", at_ms + 1)}, is_aborted=True)
    wait_for(lambda: len(deployment.touches()) == 25, worker.words)
    wait_for(
        lambda: any("other_id" in one for one in deployment.records("DECISIONS")), worker.words
    )

    code, before = proof(deployment)
    assert code == 1
    holds = {name.rpartition("-")[2] for name, place in before.items() if place["kind"] == "topic"}
    assert holds == {
        "activity", "touches", "decisions", "identity", "changelog", "dead_letters", "examples",
    }  # fmt: skip
    assert any(place["kind"] == "segment" for place in before.values())
    others = [one for one in deployment.records("DECISIONS") if one.get("user_id", "")[:2] == "bo"]

    code, said = said_by(deployment, erase, ADA, "--yes")
    assert (code, said["is_applied"]) == (0, True)
    assert said["people"][0]["ids"] == [ADA, COOKIE]
    assert said["decisions_deleted"] > 0
    revoked = {touch["user_id"] for touch in deployment.touches("touch.revoked")}
    assert revoked == {ADA}, "what was out is taken back at once, of nobody else"
    publish(deployment, {ADA: event("view", at_ms + 2), COOKIE: event("view", at_ms + 3)})

    let_the_bound_pass(deployment)
    end_s = time.monotonic() + 40
    code = 1
    while code and time.monotonic() < end_s:
        deployment.complain(people("cy"))  # Life goes on: segments are closed by what comes next.
        time.sleep(1)
        code, left = proof(deployment)
    assert code == 0, left
    late = [one for one in deployment.records("DECISIONS") if one.get("user_id", "")[:2] == "bo"]
    assert [one for one in late if one in others] == others
    assert "Traceback" not in worker.words.read_text()
