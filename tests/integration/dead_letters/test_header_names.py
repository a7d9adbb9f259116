"""A header whose name is not UTF-8, on a real Kafka: its record is put aside, the rest goes on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams.core.partitioner import partition_of
from streams.runtime.dead_letter_desk import Desk
from streams.runtime.dead_letter_survey import Wanted
from streams.runtime.letters import Letter
from tests.integration.control.deployment import (
    PARTITIONS,
    SORRY,
    START_MS,
    Deployment,
    wait_for,
)
from tests.unit.runtime.foreign_names import CHANNEL
from winback_sender.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

BEFORE, BESIDE, BEHIND = "user-0", "user-1", "user-2"


@pytest.fixture
def deployment(kafka: str, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(kafka, tmp_path, SORRY)
    yield made
    made.kill()


def write(deployment: Deployment) -> bytes:
    """Write a record of somebody, with a name that no client in Python can read, in one batch."""
    value = json.dumps({
        "event_id": "e1", "user_id": BESIDE, "event": "view", "event_time": START_MS,
    }).encode()  # fmt: skip
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, compression_type="gzip")
    producer.send(
        deployment.env["WINBACK_TOPIC_ACTIVITY"], value, BESIDE.encode(),
        [("ce_id", b"1"), (CHANNEL, b"sms")], partition=partition_of(BESIDE, PARTITIONS),
    )  # fmt: skip
    producer.flush()
    producer.close()
    return value


def letters(deployment: Deployment) -> list[Letter]:
    topic, name = (deployment.env[f"WINBACK_{each}"] for each in ("TOPIC_DEAD_LETTERS", "APP_ID"))
    return Desk(Cluster.plain(deployment.bootstrap), topic, name).survey(Wanted()).open()


def test_it_is_a_dead_letter_and_nothing_stops(deployment: Deployment) -> None:
    deployment.complain([BEFORE])
    value = write(deployment)
    people = [BESIDE, BEHIND, *(f"user-{number}" for number in range(3, 20))]
    deployment.complain(people)
    (worker,) = deployment.start()

    wait_for(
        lambda: {touch["user_id"] for touch in deployment.touches()} == {BEFORE, *people},
        worker.words,
    )
    (letter,) = letters(deployment)
    assert (letter.reason, letter.size, letter.is_whole) == ("bad_header", len(value), True)
    assert letter.place.partition == partition_of(BESIDE, PARTITIONS)

    code, said, complaint = deployment.winback("dead-letters", "replay", "--yes", "--json")
    assert code == 0, complaint
    assert json.loads(said)["replayed"] == 1
    assert not letters(deployment), "sent without the name, it is understood"
    worker.stop()
