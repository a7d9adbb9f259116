"""Keys and pages as an operator meets them: a lost key, a new one, a token."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams.core.ids import key_id
from tests.integration.lane.test_run import WINBACK, environment, ports, wait_for, winback
from winback_sender.keys import derived

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

OLD, NEW, TOKEN = "o" * 20, "n" * 20, "t" * 20
PEOPLE = [f"uid-zq{number}-13800138000" for number in range(9)]


@contextmanager
def pipeline(env: dict[str, str], words: Path) -> Iterator[str]:
    """Run a pipeline that has its partitions, and stop it in order; gives its port."""
    with words.open("wb") as out:
        worker = subprocess.Popen(
            [*WINBACK, "run", "--role", "pipeline"], env=env, stdout=out, stderr=out
        )
    try:
        wait_for(lambda: "partitions_owned" in words.read_text(), words, 60)
        yield ports_of(words)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0, words.read_text()
    finally:
        worker.kill()
        worker.wait()


def ports_of(words: Path) -> str:
    (port,) = ports(words)
    return port


def page(port: str, path: str, token: str = "") -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{path}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, None, headers), timeout=5) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def publish(bootstrap: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    at_ms = int(time.time() * 1_000) - 5_000
    for user in PEOPLE:
        event = {"event_id": "e", "user_id": user, "event": "view", "event_time": at_ms}
        producer.send(topic, json.dumps(event).encode(), key=user.encode())
        producer.send(topic, f'{{"user_id": "{user}"'.encode(), key=user.encode())
    producer.close()


def test_a_lost_key_is_missed_and_a_new_one_goes_on(kafka: str, tmp_path: Path) -> None:
    env = environment(kafka) | {
        "WINBACK_ID_KEY": OLD, "WINBACK_MODEL_KEY": OLD, "WINBACK_WEB_TOKEN": TOKEN,
    }  # fmt: skip
    assert winback("topics", "apply", env=env, patience_s=60)[0] == 0
    words = [tmp_path / name for name in ("first", "second")]
    with pipeline(env, words[0]) as port:
        publish(kafka, env["WINBACK_TOPIC_ACTIVITY"])
        wait_for(lambda: "states_committed_total" in page(port, "/metrics", TOKEN)[1], words[0], 60)
        wait_for(lambda: f"{len(PEOPLE)}.0" in users(port), words[0], 60)
        assert page(port, "/metrics")[0] == 401
        told = page(port, "/health")[1] + page(port, "/health", TOKEN)[1]
        told += page(port, "/metrics", TOKEN)[1]
    assert json.loads(told.partition("}")[0] + "}").keys() == {"live", "ready"}

    lost = env | {"WINBACK_ID_KEY": NEW}
    code, said = winback("run", "--role", "pipeline", env=lost, patience_s=60)
    assert code == 1
    assert f"the id key {key_id(derived(OLD))}, which is needed until" in said
    assert winback("keys", "check", "--live", env=lost, patience_s=60)[0] == 1

    turned = lost | {"WINBACK_ID_KEYS_BEFORE": f"2100-01-01T00:00Z={OLD}"}
    assert winback("keys", "check", "--live", env=turned, patience_s=60)[0] == 0
    with pipeline(turned, words[1]) as port:
        wait_for(lambda: f"{len(PEOPLE)}.0" in users(port), words[1], 60)
    everything = told + said + "".join(path.read_text() for path in words)
    assert "dead_letter" in everything
    assert not any(word in everything for word in (*PEOPLE, "13800138000", OLD, NEW, TOKEN))


def users(port: str) -> str:
    """Return how many users there are, over all partitions."""
    lines = [line for line in page(port, "/metrics", TOKEN)[1].splitlines()
             if line.startswith("winback_users{")]  # fmt: skip
    return str(sum(float(line.rpartition(" ")[2]) for line in lines))
