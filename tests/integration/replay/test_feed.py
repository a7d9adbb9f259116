"""Feeding a log into a real Kafka: what is on the topic, and every way to be told no."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from streams.core.partitioner import partition_of

pytestmark = pytest.mark.kafka

PARTITIONS = 3
HEADER = "user_id,ts,event,amount"


def topic_of(kafka: str) -> str:
    name = f"activity-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    admin.close()
    return name


def feed(kafka: str, topic: str, *arguments: str) -> "subprocess.Popen[str]":
    environ = {
        **os.environ,
        "WINBACK_KAFKA_BOOTSTRAP": kafka,
        "WINBACK_TOPIC_ACTIVITY": topic,
    }
    program = [str(Path(sys.executable).with_name("winback")), "feed", *arguments]
    return subprocess.Popen(
        program, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def fed(kafka: str, topic: str, *arguments: str, log: str = "") -> tuple[int, str, str]:
    process = feed(kafka, topic, *arguments)
    out, err = process.communicate(log, timeout=60)
    return process.returncode, out, err


def content(kafka: str, topic: str) -> dict[int, list[tuple[bytes | None, dict[str, object], int]]]:
    consumer = KafkaConsumer(bootstrap_servers=kafka, isolation_level="read_committed")
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    consumer.seek_to_beginning(*partitions)
    found: dict[int, list[tuple[bytes | None, dict[str, object], int]]]
    found = {number: [] for number in range(PARTITIONS)}
    deadline = time.monotonic() + 20
    while any(consumer.position(part) < ends[part] for part in partitions):
        assert time.monotonic() < deadline
        for part, records in consumer.poll(timeout_ms=500).items():
            found[part.partition] += [
                (r.key, msgspec.json.decode(r.value), r.timestamp) for r in records
            ]
    consumer.close()
    return found


def rows(count: int) -> str:
    lines = [
        f"用户{n % 37},2017-01-{1 + n * 27 // count:02d}T10:00:00Z,purchase,{n}.5"
        for n in range(count)
    ]
    return "\n".join([HEADER, *lines, ""])


def test_every_event_is_on_its_partition_in_order_with_a_watermark_behind(
    kafka: str, tmp_path: Path
) -> None:
    path, topic = tmp_path / "log.csv", topic_of(kafka)
    path.write_text(rows(20_000), encoding="utf-8")
    before_ms = time.time_ns() // 1_000_000
    code, out, err = fed(kafka, topic, str(path), "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["events"] == 20_000
    assert summary["watermark_at"] == summary["last_event_at"] == "2017-01-27T10:00:00Z"

    found = content(kafka, topic)
    newest_ms = max(int(str(e["event_time"])) for part in found.values() for _, e, _ in part)
    numbers = []
    for partition, records in found.items():
        *events, (key, last, _) = records
        assert (key, last["event"]) == (b"$watermark", "$watermark")
        assert last["event_time"] == newest_ms
        own = [int(str(event["event_id"]).removeprefix("log.csv:")) for _, event, _ in events]
        assert own == sorted(own)
        numbers += own
        for key, event, timestamp_ms in events:
            assert key == str(event["user_id"]).encode()
            assert partition_of(str(event["user_id"]), PARTITIONS) == partition
            assert timestamp_ms >= before_ms - 1_000
    assert sorted(numbers) == list(range(1, 20_001))


def test_a_window_from_standard_input_without_a_watermark(kafka: str) -> None:
    topic = topic_of(kafka)
    window = ("--since", "2017-01-05", "--until", "2017-01-09", "--limit", "30", "--no-watermark")
    code, _, err = fed(kafka, topic, "-", *window, log=rows(1_000))
    assert code == 0, err
    found = [event for records in content(kafka, topic).values() for _, event, _ in records]
    assert len(found) == 30
    assert {str(event["event_id"]).split(":")[0] for event in found} == {"stdin"}


def test_ctrl_c_flushes_and_says_how_far(kafka: str, tmp_path: Path) -> None:
    path, topic = tmp_path / "log.csv", topic_of(kafka)
    path.write_text(rows(20_000), encoding="utf-8")
    process = feed(kafka, topic, str(path), "--rate", "500", "--json")
    deadline = time.monotonic() + 30
    while sum(map(len, content(kafka, topic).values())) < 100:
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    summary = json.loads(out)
    assert summary["is_interrupted"]
    assert 100 <= summary["events"] < 20_000
    assert sum(map(len, content(kafka, topic).values())) == summary["events"]

    rest = ("--from-row", str(summary["next_row"]), "--no-watermark")
    code, _, err = fed(kafka, topic, str(path), *rest)
    assert code == 0, err
    ids = [e["event_id"] for part in content(kafka, topic).values() for _, e, _ in part]
    assert len(ids) == len(set(ids)) == 20_000


def test_a_paced_feed_keeps_its_pace(kafka: str, tmp_path: Path) -> None:
    path, topic = tmp_path / "log.csv", topic_of(kafka)
    path.write_text(rows(1_000), encoding="utf-8")
    days_a_second = str(86_400 * 20)
    code, out, err = fed(kafka, topic, str(path), "--speed", days_a_second, "--json")
    assert code == 0, err
    assert 1.0 < json.loads(out)["seconds"] < 10.0  # 26 days at 20 days a second


def test_a_missing_topic_is_named_with_the_command_that_makes_it(
    kafka: str, tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(rows(5), encoding="utf-8")
    code, _, err = fed(kafka, "no-such-topic", str(path))
    assert code == 2
    assert "no-such-topic" in err
    assert "winback topics apply" in err


def test_no_kafka_is_said_soon(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(rows(5), encoding="utf-8")
    begin = time.monotonic()
    code, _, err = fed("127.0.0.1:1", "activity", str(path))
    assert code == 3
    assert "127.0.0.1:1" in err
    assert "Traceback" not in err
    assert time.monotonic() - begin < 15
