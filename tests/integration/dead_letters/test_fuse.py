"""An input that is mostly garbage is held, on a real Kafka, until an operator says go on."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams.core.partitioner import partition_of
from streams.runtime.dead_letter_desk import Desk
from streams.runtime.dead_letter_survey import Wanted
from tests.integration.control.deployment import PARTITIONS, SORRY, Deployment, wait_for
from winback_sender.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

GARBAGE = 600
"""Records that nobody can understand, on partition 0 alone."""
RUN = 100


@pytest.fixture
def deployment(kafka: str, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(kafka, tmp_path, SORRY)
    made.env |= {"WINBACK_FUSE_RECORDS": str(RUN), "WINBACK_FUSE_SHARE": "0.5"}
    yield made
    made.kill()


def litter(deployment: Deployment) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    topic = deployment.env["WINBACK_TOPIC_ACTIVITY"]
    for number in range(GARBAGE):
        producer.send(topic, b"{oops %d" % number, b"ada", partition=0)
    producer.flush()
    producer.close()


def letters(deployment: Deployment) -> int:
    topic, name = (deployment.env[f"WINBACK_{each}"] for each in ("TOPIC_DEAD_LETTERS", "APP_ID"))
    return len(Desk(Cluster.plain(deployment.bootstrap), topic, name).survey(Wanted()).open())


def held(deployment: Deployment) -> dict[str, str]:
    said = json.loads(deployment.workers[-1].page("health") or "{}")
    return dict(said.get("inputs_held", {}))


def touched(deployment: Deployment) -> set[str]:
    return {touch["user_id"] for touch in deployment.touches()}


def test_a_flood_of_garbage_becomes_no_flood_of_dead_letters(deployment: Deployment) -> None:
    people = [f"user-{number}" for number in range(24)]
    behind = {user for user in people if partition_of(user, PARTITIONS) == 0}
    litter(deployment)
    deployment.complain(people)
    (worker,) = deployment.start()

    wait_for(lambda: len(touched(deployment)) == len(people) - len(behind), worker.words)
    assert held(deployment), "those behind it wait, and /health says so"
    assert letters(deployment) == RUN // 2

    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    (again,) = deployment.start()
    wait_for(lambda: held(deployment), again.words)
    assert letters(deployment) == RUN // 2, "a restart lets nothing more through"
    wait_for(lambda: "winback_input_held{" in again.page("metrics"), again.words)

    topic = deployment.env["WINBACK_TOPIC_ACTIVITY"]
    code, _, complaint = deployment.winback("control", "resume-input", topic)
    assert code == 0, complaint
    wait_for(lambda: touched(deployment) == set(people), again.words)
    assert letters(deployment) == GARBAGE
    assert not held(deployment)
    again.stop()
