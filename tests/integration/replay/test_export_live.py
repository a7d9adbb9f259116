"""Export of a running deployment: the topic of examples as it is committed by now."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from models.questions import Examples
from streams.lessons import block_of, lesson_of
from tests.unit.runtime.past_topic import RULES_TEXT, rules, taught, with_orders
from tests.unit.runtime.teaching import NOW_MS

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(kafka: str) -> str:
    """A topic of examples, written in transactions, of which one was taken back."""
    name = f"examples-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(name, 1, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka, transactional_id=name)
    producer.init_transactions()
    values = with_orders(taught())
    for begin in range(0, len(values), 40):
        producer.begin_transaction()
        for value in values[begin : begin + 40]:
            producer.send(name, value, partition=0, timestamp_ms=NOW_MS)
        producer.commit_transaction()
        if begin == 40:
            producer.begin_transaction()
            producer.send(name, taught()[0], partition=0)
            producer.abort_transaction()
    producer.close()
    return name


def export(
    kafka: str, topic: str, folder: Path, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    rules_file = folder / "rules.yaml"
    rules_file.write_text(RULES_TEXT, encoding="utf-8")
    program = [str(Path(sys.executable).with_name("winback")), "export", *arguments,
               "--rules", str(rules_file), "--out", str(folder / "out")]  # fmt: skip
    environ = {"WINBACK_KAFKA_BOOTSTRAP": kafka, "WINBACK_TOPIC_EXAMPLES": topic}
    return subprocess.run(
        program, env=os.environ | environ, text=True, capture_output=True, timeout=90, check=False
    )


def test_the_topic_becomes_tables_with_what_was_said(
    kafka: str, topic: str, tmp_path: Path
) -> None:
    done = export(kafka, topic, tmp_path, "all", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    lessons = [lesson_of(block_of(value), rules().hash) for value in taught()]
    learned = sum(len(lesson.active) for lesson in lessons if isinstance(lesson, Examples))
    assert said["rows"]["examples"] == learned
    assert said["rows"]["outcomes"] == said["rows"]["predictions"] > 100
    table = pq.read_table(tmp_path / "out" / "predictions.parquet")
    assert not table["said"].null_count
    assert 10 < table["guest_mine"].null_count < table.num_rows - 10
    facts = pq.read_metadata(tmp_path / "out" / "predictions.parquet").metadata
    assert facts[b"source"].startswith(f"topic {topic}, offsets 0 to ".encode())
    assert "guest_mine" in json.loads(facts[b"models"])


def test_what_nobody_remembers_is_not_made_up(kafka: str, topic: str, tmp_path: Path) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.delete_records({TopicPartition(topic, 0): 30})
    admin.close()
    done = export(kafka, topic, tmp_path, "predictions")
    assert done.returncode == 0, done.stderr
    assert f"the beginning of {topic} is deleted" in done.stderr
    table = pq.read_table(tmp_path / "out" / "predictions.parquet")
    assert table["said"].null_count == table.num_rows > 50
    assert not table["ld3"].null_count + table["churned"].null_count


def test_a_topic_that_is_not_there_is_told_in_words(kafka: str, tmp_path: Path) -> None:
    done = export(kafka, "no-such-topic", tmp_path, "all")
    assert done.returncode == 2
    assert "there is no topic no-such-topic" in done.stderr
    assert not (tmp_path / "out").exists()
