"""Ids that are one person, on a real Kafka, through a crash and two rebalances."""

import json
import signal
import time
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.core_stages import RULES
from benchmarks.stand import Stand, wait_until
from benchmarks.workload import Shape
from tests.chaos.merges import examine
from tests.chaos.people import people

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

SHAPE = Shape(users=150, days=60, seed=3, life_days=25.0)
RATE = 900
TOPICS = (
    "activity", "touches", "feedback", "decisions", "examples", "models", "dead_letters", "journal",
    "control", "identity",
)  # fmt: skip


def is_settled(stand: Stand) -> bool:
    """Return whether the workers own all partitions and have nothing to read."""
    owned = 0
    for worker in stand.running():
        said = json.loads(worker.page("/health") or "{}")
        if said.get("lag_records") != 0 or said.get("pending_records") != 0:
            return False
        owned += len(said["partitions"])
    return owned == 4


def test_merges_lose_and_double_nothing(kafka: str, tmp_path: Path) -> None:
    truth, name = people(SHAPE, tmp_path), f"kin-{uuid4().hex[:8]}"
    topics = {f"topic_{topic}": f"{name}-{topic}" for topic in TOPICS}
    stand = Stand(
        kafka, tmp_path, app_id=name, rules=RULES, clock="event", session_timeout_s=2.0,
        partitions=4, **topics,
    )  # fmt: skip
    with stand:
        stand.run("topics", "apply")
        first, _ = stand.worker(), stand.worker()
        for worker in stand.workers:
            worker.wait_ready()
        feed = stand.start("feed", truth.log, "--rate", str(RATE), "--quiet", "--json")
        time.sleep(truth.rows / RATE / 3)
        first.send(signal.SIGKILL)
        stand.worker()
        assert feed.wait(60) == 0
        since = time.monotonic()

        def is_quiet() -> bool:
            nonlocal since
            if not is_settled(stand):
                since = time.monotonic()
            return time.monotonic() - since > 4.5  # How far there is to go is asked every 2 s.

        wait_until("nothing under way", is_quiet, 60, poll_s=0.3)
        for worker in stand.running():
            worker.end()
        found = examine(
            stand, truth, decisions=topics["topic_decisions"], touches=topics["topic_touches"]
        )

    assert found.is_exact, "\n".join(found.details)
    assert found.merged > SHAPE.users, "most people have two cookies"
    assert found.touches > 0, "a log without a touch says little"
