"""A report from the topics says what a report from files of the same messages says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "reporting"))

import worlds

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

WINBACK = (sys.executable, "-c", "from streams.cli import main; main()")


def winback(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WINBACK, *words], env=env, capture_output=True, text=True, timeout=90, check=False
    )


def test_a_report_of_the_topics_is_that_of_the_files(kafka: str, tmp_path: Path) -> None:
    name = f"report-{uuid4().hex[:8]}"
    topics = {stream: f"{name}-{stream}" for stream in ("decisions", "touches", "feedback")}
    env = os.environ | {f"WINBACK_TOPIC_{key.upper()}": topic for key, topic in topics.items()}
    env |= {"WINBACK_KAFKA_BOOTSTRAP": kafka, "WINBACK_APP_ID": name}
    missing = winback(env, "report")
    assert missing.returncode == 2
    assert f"there is no topic {topics['decisions']}" in missing.stderr
    assert winback(env, "topics", "apply").returncode == 0
    nothing = winback(env, "report", "--out", str(tmp_path / "nothing.html"))
    assert nothing.returncode == 0, nothing.stderr
    assert "no message to tell of" in (tmp_path / "nothing.html").read_text(encoding="utf-8")

    streams = worlds.world(days=30)
    producer = KafkaProducer(bootstrap_servers=kafka)
    for stream, lines in streams.items():
        for line in lines:
            user_id = json.loads(line).get("user_id", "status")
            producer.send(topics[stream], key=user_id.encode(), value=line)
    producer.send(topics["decisions"], key=b"u", value=b"{broken")
    producer.close()

    live = json.loads(winback(env, "report", "--json").stdout)
    files = json.loads(
        winback(env, "report", "--json", "--from", str(worlds.written(tmp_path, streams))).stdout
    )
    told = live.pop("source")
    assert told["messages"] == files.pop("source")["messages"]
    assert told["broken"] == {"decisions": 1}
    assert told["first_broken"][0].startswith(f"{topics['decisions']}[")
    assert live == files
