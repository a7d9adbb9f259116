"""The learner on a real Kafka: killed in the middle, ordered about, lied to."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from kafka import KafkaProducer

from models.bgnbd import BgNbdScorer
from models.catalogue import CHAMPION, FLOOR
from models.questions import Examples, Openings
from models.roster import Roster
from models.standing import Report
from streams.lessons import block_of, lesson_of
from streams.orders import Action, ordered
from streams.replay.files import EventLog
from streams.replay.rulebook import rules_at
from streams.replay.run import Replay
from tests.unit.replay import synthetic
from tests.unit.runtime.teaching import trees
from winback_sender.keys import DEVELOPMENT_KEY

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")
TOPICS = (
    "ACTIVITY", "TOUCHES", "FEEDBACK", "DECISIONS", "EXAMPLES", "MODELS", "DEAD_LETTERS", "JOURNAL",
    "CONTROL", "IDENTITY",
)  # fmt: skip
PATIENCE_S = 60.0


class Deployment:
    """A deployment with names of its own, whose processes end with the test."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        name = f"models-{uuid4().hex[:8]}"
        rules = directory / "rules.yaml"
        rules.write_text("churn: {horizon: 8d, min_active_days: 2}\nalert: {examples_min: 100}\n")
        clean = {key: value for key, value in os.environ.items() if not key.startswith("WINBACK_")}
        topics = {f"WINBACK_TOPIC_{topic}": f"{name}-{topic.lower()}" for topic in TOPICS}
        self.env = {
            **clean, **topics, "WINBACK_KAFKA_BOOTSTRAP": bootstrap, "WINBACK_APP_ID": name,
            "WINBACK_WEB_PORT": "0", "WINBACK_RULES": str(rules), "WINBACK_CLOCK": "event",
        }  # fmt: skip
        self.directory, self.bootstrap = directory, bootstrap
        self.rules = rules_at(str(rules))
        self.processes: list[subprocess.Popen[bytes]] = []
        assert self.winback("topics", "apply")[0] == 0

    def winback(self, *words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*WINBACK, *words], env=self.env, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def start(self, role: str) -> tuple[subprocess.Popen[bytes], Path]:
        words = self.directory / f"{role}-{len(self.processes)}.log"
        with words.open("wb") as out:
            process = subprocess.Popen(
                [*WINBACK, "run", "--role", role], env=self.env, stdout=out, stderr=out
            )
        self.processes.append(process)
        return process, words

    def teach(self, values: list[bytes]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        for value in values:
            producer.send(self.env["WINBACK_TOPIC_EXAMPLES"], value, partition=0)
        producer.flush()
        producer.close()

    def models(self) -> dict[str, object]:
        code, out, words = self.winback("models", "list", "--json")
        assert code == 0, words
        found: dict[str, object] = json.loads(out)
        return found


@pytest.fixture
def deployment(kafka: str, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(kafka, tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


def taught(deployment: Deployment) -> list[bytes]:
    """Return what a pipeline of three partitions teaches of 40 users in 90 days."""
    path = synthetic.log(deployment.directory / "log.csv", synthetic.rows(40, 90))
    rules = deployment.rules
    run = Replay(
        rules, BgNbdScorer(rules.churn.horizon_ms), partitions=3, now_ms=1_600_000_000_000,
        keeps=["examples"],
    )  # fmt: skip
    run.run(EventLog(path, block_rows=200).blocks())
    return sorted(run.records("examples"), key=lambda value: newest_ms(value, rules.hash))


def newest_ms(value: bytes, rules_hash: str) -> float:
    lesson = lesson_of(block_of(value), rules_hash)
    at_ms = lesson.at_ms if isinstance(lesson, Openings) else lesson.matured_at_ms
    return float(at_ms.max())


def uninterrupted(deployment: Deployment, values: list[bytes]) -> Report:
    """Return the report of a roster that learned the same records in one go."""
    rules = deployment.rules
    roster = Roster(
        rules.churn.horizon_ms, columns=rules.columns, rules_hash=rules.hash, examples_min=100
    )
    for value in values:
        match lesson := lesson_of(block_of(value), rules.hash):
            case Examples():
                roster.receive(examples=lesson)
            case Openings():
                roster.receive(openings=lesson)
            case _:
                roster.receive(outcomes=lesson)
        roster.catch_up()
    return roster.report()


def wait_for(is_so: Callable[[], object], words: Path | None = None) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "" if words is None else words.read_text()
        time.sleep(0.3)


def page(words: Path) -> str:
    found = re.search(r"http://127\.0\.0\.1:(\d+)/health", words.read_text())
    if found is None:
        return ""
    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def learned(words: Path) -> int:
    found = re.search(r'examples_learned_total\{outcome="learned"\} (\S+)', page(words))
    return 0 if found is None else int(float(found[1]))


def test_a_learner_that_is_killed_comes_to_what_an_uninterrupted_one_says(
    deployment: Deployment,
) -> None:
    values = taught(deployment)
    third = len(values) // 3
    first, words = deployment.start("learner")
    deployment.teach(values[:third])
    wait_for(lambda: "winback_model_examples" in page(words) and learned(words) > 50, words)
    deployment.teach(values[third : 2 * third])
    time.sleep(0.4)  # somewhere in the middle of it
    first.send_signal(signal.SIGKILL)
    first.wait()
    _, words = deployment.start("learner")
    deployment.teach(values[2 * third :])
    expected = msgspec.to_builtins(uninterrupted(deployment, values))

    def is_there() -> bool:
        code, out, _ = deployment.winback("models", "list", "--json")
        return code == 0 and json.loads(out)["trained_to_ms"] == expected["trained_to_ms"]

    wait_for(is_there, words)
    wait_for(lambda: deployment.models()["questions"] == expected["questions"], words)
    found = deployment.models()
    assert found.pop("orders") == []
    assert found == json.loads(msgspec.json.encode(expected))
    assert expected["served"]["outcomes"] > 50


def test_an_order_changes_what_the_workers_use_and_rollback_gives_it_back(
    deployment: Deployment,
) -> None:
    _, learner = deployment.start("learner")
    _, worker = deployment.start("pipeline")
    deployment.teach(taught(deployment))
    in_force = 'winback_model_in_force{{model="{}"}} 1.0'.format
    wait_for(lambda: in_force(CHAMPION) in page(worker), worker)
    wait_for(lambda: 'phase="learned"} 1.0' in page(worker), worker)

    code, out, words = deployment.winback("models", "promote", FLOOR)
    assert (code, out) == (0, f"{FLOOR} is the champion instead of {CHAMPION}\n"), words
    wait_for(lambda: in_force(FLOOR) in page(worker), worker)

    code, out, words = deployment.winback("models", "rollback", "--json")
    assert (code, json.loads(out)["is_done"]) == (0, True), words
    wait_for(lambda: in_force(CHAMPION) in page(worker), worker)
    assert in_force(FLOOR) not in page(worker)

    code, out, _ = deployment.winback("models", "promote", "hazard_logistic_v9")
    assert (code, out) == (1, "refused: no model is called hazard_logistic_v9\n")
    code, out, _ = deployment.winback("models", "list")
    assert code == 0
    assert f"* {CHAMPION}" in out
    assert "refused: no model is called hazard_logistic_v9" in out
    assert f"{FLOOR} instead of {CHAMPION}: ordered by an operator at 20" in out
    assert "Traceback" not in learner.read_text() + worker.read_text()


def test_a_booster_of_ones_own_plays_and_a_tampered_order_is_refused(
    deployment: Deployment,
) -> None:
    booster = deployment.directory / "mine.txt"
    booster.write_text(trees(), encoding="utf-8")
    code, _, words = deployment.winback("models", "add", "mine", "--booster", str(booster))
    assert (code, "has not written anything yet" in words) == (2, True)
    _, learner = deployment.start("learner")
    values = taught(deployment)
    deployment.teach(values[: len(values) // 2])
    wait_for(lambda: learned(learner) > 50, learner)

    code, out, words = deployment.winback("models", "add", "mine", "--booster", str(booster))
    assert (code, out) == (0, "guest_mine plays\n"), words
    now_ms = int(time.time() * 1000)
    lie = ordered(Action.PROMOTE, "guest_mine", "", at_ms=now_ms, keys=(b"a key of somebody else",))
    stolen = ordered(Action.PROMOTE, FLOOR, "", at_ms=now_ms, keys=(DEVELOPMENT_KEY.encode(),))
    changed = msgspec.structs.replace(stolen, name="guest_mine")
    deployment.teach([msgspec.msgpack.encode(order) for order in (lie, changed)])
    deployment.teach(values[len(values) // 2 :])
    wait_for(lambda: learner.read_text().count("order_refused") == 2, learner)

    code, out, _ = deployment.winback("models", "show", "guest_mine")
    assert code == 0
    assert "not in force, 400 examples" in out
    found = deployment.models()
    assert (found["champion"], found["promotions"]) == (CHAMPION, [])


def test_without_a_learner_an_order_waits_and_says_so(deployment: Deployment) -> None:
    code, _, words = deployment.winback("models", "promote", FLOOR, "--wait", "1")
    assert code == 1
    assert "the learner has not answered within 1 s" in words
    assert len(words.splitlines()) == 2
