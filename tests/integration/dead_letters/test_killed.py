"""A replay of dead letters that is killed again and again, on a real Kafka: each is sent once."""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.runtime.dead_letter_desk import Desk
from streams.runtime.dead_letter_survey import Wanted
from tests.integration.control.deployment import SORRY, START_MS, WINBACK, Deployment, wait_for
from winback_sender.cluster import Cluster
from winback_sender.contract.dead_letters import dead_letter

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

LETTERS = 1_600
"""Eight transactions: a kill falls between two of them, or into one."""
KILLS = 2


def put_aside(deployment: Deployment) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, linger_ms=20)
    for number in range(LETTERS):
        event = {"event_id": f"e{number}", "user_id": f"u{number}", "event": "view"}
        letter = dead_letter(
            "bad_amount", "", topic=deployment.env["WINBACK_TOPIC_ACTIVITY"], partition=number % 4,
            offset=number, key=f"u{number}".encode(), timestamp_ms=START_MS,
            value=json.dumps(event | {"event_time": START_MS}).encode(),
        )  # fmt: skip
        producer.send(
            deployment.env["WINBACK_TOPIC_DEAD_LETTERS"], letter.value, letter.key,
            list(letter.headers),
        )  # fmt: skip
    producer.flush()
    producer.close()


class Written:
    """How many offsets of activity are taken: also what was never committed counts."""

    def __init__(self, deployment: Deployment) -> None:
        name = deployment.env["WINBACK_TOPIC_ACTIVITY"]
        self.consumer: Any = KafkaConsumer(bootstrap_servers=deployment.bootstrap)
        self.parts = [TopicPartition(name, at) for at in self.consumer.partitions_for_topic(name)]

    def __call__(self) -> int:
        return int(sum(self.consumer.end_offsets(self.parts).values()))


def kill_while_it_writes(deployment: Deployment, written: Written, after: int) -> None:
    """Kill a replay with SIGKILL when it has written some more records."""
    enough = written() + after
    process = subprocess.Popen(
        [*WINBACK, "dead-letters", "replay", "--yes"], env=deployment.env,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end_s = time.monotonic() + 30
    while process.poll() is None and written() < enough:
        assert time.monotonic() < end_s
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was not at its end yet"


def test_each_letter_is_sent_once(kafka: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, tmp_path, SORRY)
    put_aside(deployment)
    written, chance = Written(deployment), random.Random(7)
    for _ in range(KILLS):
        kill_while_it_writes(deployment, written, chance.randint(1, 500))
    written.consumer.close()

    name = deployment.env["WINBACK_TOPIC_DEAD_LETTERS"]
    desk = Desk(Cluster.plain(kafka), name, deployment.env["WINBACK_APP_ID"])
    left = len(desk.survey(Wanted()).open())
    assert 0 < left < LETTERS, "the kills fell into the work"
    code, said, complaint = deployment.winback("dead-letters", "replay", "--yes", "--json")
    assert code == 0, complaint

    wait_for(lambda: len(deployment.records("ACTIVITY")) >= LETTERS)  # Markers come a bit later.
    found = Counter(event["event_id"] for event in deployment.records("ACTIVITY"))
    assert found == Counter({f"e{number}": 1 for number in range(LETTERS)})
    assert json.loads(said)["replayed"] <= left
    assert not desk.survey(Wanted()).open()
