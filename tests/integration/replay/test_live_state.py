"""Looking at a service from outside: the export of its changelog is that of the replay."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from models.bgnbd import BgNbdScorer
from streams.replay.files import EventLog
from streams.replay.fleet import Fleet
from streams.replay.rulebook import rules_at

pytestmark = pytest.mark.kafka

PARTITIONS = 2
LOG = "user_id,ts,event,amount\n" + "".join(
    f"用户{n % 5},2017-01-{n + 1:02d}T10:00:00Z,purchase,{n}.25\n" for n in range(28)
)


def winback(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    program = [str(Path(sys.executable).with_name("winback")), *arguments]
    environ = os.environ | {f"WINBACK_{name}": value for name, value in settings.items()}
    return subprocess.run(
        program, env=environ, text=True, capture_output=True, timeout=60, check=False
    )


def publish(kafka: str, log: str, app: str) -> None:
    """Write the changelog of a run, with an older value before every newest one."""
    rules = rules_at("")
    fleet = Fleet(rules, BgNbdScorer(float(rules.churn.horizon_ms)), partitions=PARTITIONS,
                  now_ms=1_600_000_000_000)  # fmt: skip
    accepted = fleet.accept(EventLog(log).head())
    producer = KafkaProducer(bootstrap_servers=kafka)
    for begin, end in ((0, 14), (14, 28)):
        fleet.apply(accepted, begin, end)
        if end == 28:
            fleet.close()
        for partition in fleet.partitions:
            for key, value in partition.take().changelog:
                producer.send(f"{app}-users-changelog", value, key, partition=partition.number)
    producer.send(f"{app}-users-changelog", b"{}", b"erased", partition=0)
    producer.send(f"{app}-users-changelog", None, b"erased", partition=0)
    producer.flush()
    producer.close()


def test_the_export_of_the_changelog_is_that_of_the_replay(kafka: str, tmp_path: Path) -> None:
    app = f"app-{uuid4().hex[:8]}"
    decisions, models = f"{app}-decisions", f"{app}-models"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    names = (f"{app}-users-changelog", decisions)
    admin.create_topics([*(NewTopic(n, PARTITIONS, 1) for n in names), NewTopic(models, 1, 1)])
    admin.close()
    log = tmp_path / "log.csv"
    log.write_text(LOG, encoding="utf-8")
    publish(kafka, str(log), app)
    settings = {"KAFKA_BOOTSTRAP": kafka, "APP_ID": app, "PARTITIONS": str(PARTITIONS),
                "TOPIC_DECISIONS": decisions, "TOPIC_MODELS": models}  # fmt: skip

    live = winback("state", "export", **settings)
    assert live.returncode == 0, live.stderr
    replayed = tmp_path / "state.jsonl"
    assert winback("replay", str(log), "--state", str(replayed), **settings).returncode == 0
    assert live.stdout == replayed.read_text(encoding="utf-8")
    assert len(live.stdout.splitlines()) == 5

    said = winback("explain", "用户3", "--lang", "zh", **settings)
    assert said.returncode == 0, said.stderr
    assert "2017-01-28T10:00:00Z" in said.stdout  # the watermark of the partition
    assert "bgnbd_v1" in said.stdout
    assert said.stderr == ""
    assert winback("explain", "nobody", **settings).returncode == 2

    other = tmp_path / "rules.yaml"
    other.write_text("churn: {horizon: 12d}\n", encoding="utf-8")
    said = winback("explain", "用户3", "--rules", str(other), **settings)
    assert (said.returncode, "other rules" in said.stderr) == (0, True)


def test_no_kafka_is_said_in_two_lines() -> None:
    for command in (("state", "export"), ("explain", "ada")):
        result = winback(*command, KAFKA_BOOTSTRAP="127.0.0.1:1")
        assert result.returncode == 3
        assert len(result.stderr.splitlines()) == 2
        assert "127.0.0.1:1: Connection refused" in result.stderr


def test_a_service_that_never_ran_is_told_apart(kafka: str) -> None:
    result = winback("state", "export", KAFKA_BOOTSTRAP=kafka, APP_ID="never-ran")
    assert result.returncode == 2
    assert "winback topics apply" in result.stderr
