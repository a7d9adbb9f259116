"""An outage is announced to a running service, and every partition takes note of it."""

import json
import os
import signal
import subprocess
import sys
import time
from uuid import uuid4

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
TOPICS = (
    "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS", "JOURNAL",
    "CONTROL", "IDENTITY",
)  # fmt: skip


def environment(bootstrap: str) -> dict[str, str]:
    """A deployment with names of its own."""
    name = f"gaps-{uuid4().hex[:8]}"
    topics = {f"WINBACK_TOPIC_{topic}": f"{name}-{topic.lower()}" for topic in TOPICS}
    return os.environ | topics | {
        "WINBACK_KAFKA_BOOTSTRAP": bootstrap, "WINBACK_APP_ID": name, "WINBACK_WEB_PORT": "0",
    }  # fmt: skip


def winback(env: dict[str, str], *words: str) -> dict[str, object]:
    done = subprocess.run(
        [*WINBACK, *words, "--json"],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def listed(env: dict[str, str], expected: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the outages that the service knows of, once they are those expected, or at last."""
    end = time.monotonic() + 30
    while True:
        found = winback(env, "coverage", "list")["outages"]
        assert isinstance(found, list)
        if found == expected or time.monotonic() > end:
            return found
        time.sleep(0.5)


def test_what_is_announced_is_known_to_every_partition_until_it_is_taken_back(kafka: str) -> None:
    env = environment(kafka)
    winback(env, "topics", "apply")
    assert winback(env, "coverage", "list")["outages"] == []
    told = winback(env, "coverage", "add", "--from", "2017-05-01", "--to", "2017-05-03")
    assert (told["outages"], told["partitions"]) == (1, 4)
    winback(env, "coverage", "add", "--from", "2017-06-01")
    winback(env, "coverage", "add", "--from", "2017-06-01", "--user-id", "ada")
    worker = subprocess.Popen(
        [*WINBACK, "run", "--role", "pipeline"], env=env, stderr=subprocess.DEVNULL
    )
    may: dict[str, object] = {
        "from": "2017-05-01T00:00:00Z", "to": "2017-05-03T00:00:00Z", "partitions": 4,
    }  # fmt: skip
    june: dict[str, object] = {"from": "2017-06-01T00:00:00Z", "to": None, "partitions": 4}
    try:
        assert listed(env, [may, june]) == [may, june]
        winback(env, "coverage", "remove", "--from", "2017-05-01")
        assert listed(env, [june]) == [june]
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()
