"""Other people's topics on a real Kafka: proposed for, checked, converted, and left as they are."""

import json
import re
import shlex
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from kafka.admin import KafkaAdminClient

from streams.cli import winback
from streams.core.rules_file import parse_rules
from streams.core.sources import KeyedBy
from streams.errors import UserError

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```sh kafka\n(.*?)^```", re.MULTILINE | re.DOTALL)
USERS, EVENTS = 20, 400


@pytest.fixture(autouse=True)
def on_kafka(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WINBACK_KAFKA_BOOTSTRAP", kafka)
    rows = "".join(
        f"u{n % USERS},2026-10-{1 + n // 20:02d}T{n % 20:02d}:00:00Z,purchase,{n}.50\n"
        for n in range(EVENTS)
    )
    (tmp_path / "history.csv").write_text(f"user_id,ts,event,amount\n{rows}")
    return kafka


def run(line: str) -> Result:
    return CliRunner().invoke(winback, shlex.split(line)[1:], standalone_mode=False)


def make_topic(kafka: str, name: str, partitions: int) -> str:
    client = KafkaAdminClient(bootstrap_servers=kafka)
    client.create_topics({name: {"num_partitions": partitions, "replication_factor": 1}})
    client.close()
    return name


def groups(kafka: str) -> set[str]:
    client = KafkaAdminClient(bootstrap_servers=kafka)
    found = {str(group) for group in client.list_groups()}
    client.close()
    return found


def test_the_cookbook_reads_orders_of_a_database_and_leaves_no_trace(on_kafka: str) -> None:
    topic, before = make_topic(on_kafka, f"shop.orders.{uuid4().hex[:6]}", 3), groups(on_kafka)
    text = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
    (script,) = BLOCK.findall(text)
    said = []
    for line in script.replace("shop.orders", topic).splitlines():
        result = run(line)
        assert result.exception is None, result.exception
        assert result.return_value in {0, None}, result.output
        said.append(result.output)
    assert f"{EVENTS} understood, 0 left out, 0 refused" in said[1]
    assert f"understood: {EVENTS} (100%)" in said[2]
    assert "keys        0 of 400 are the user id" in said[2]
    log = [json.loads(line) for line in Path("live.jsonl").read_text().splitlines()]
    times = [event["event_time"] for event in log]
    assert times == sorted(times)
    assert sorted(event["amount"] for event in log) == [n + 0.5 for n in range(EVENTS)]
    assert groups(on_kafka) == before


def test_keys_in_their_place_need_no_router(on_kafka: str) -> None:
    topic = make_topic(on_kafka, f"app.segment.{uuid4().hex[:6]}", 4)
    assert run(f"winback feed history.csv --as segment --topic {topic} -q").exception is None
    result = run(f"winback init --topic {topic} -o rules.yaml --records 5")
    assert result.exception is None
    assert "20 understood" in result.output, "five of each partition"
    (source,) = parse_rules(Path("rules.yaml").read_text(encoding="utf-8")).sources
    assert source.keyed_by is KeyedBy.USER
    Path("rules.yaml").write_text(
        Path("rules.yaml").read_text().replace("keyed_by: user", "keyed_by: anything")
    )
    said = run(f"winback inputs check --topic {topic} --rules rules.yaml --oldest").output
    assert "keys        400 of 400 are the user id; 400 of these 400 on the partition" in said
    assert "if user-activity has 4 partitions too, keyed_by: user saves" in said


def test_a_topic_that_is_not_there_and_one_that_is_empty_are_told(on_kafka: str) -> None:
    empty = make_topic(on_kafka, f"empty.{uuid4().hex[:6]}", 1)
    missing = run("winback init --topic nowhere").exception
    assert isinstance(missing, UserError)
    assert "there is no topic nowhere" in missing.message
    assert empty in (missing.hint or "") or "…" in (missing.hint or "")
    nothing = run(f"winback init --topic {empty}").exception
    assert isinstance(nothing, UserError)
    assert "there is no record in it" in nothing.message


def test_without_a_kafka_it_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINBACK_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    error = run("winback init --topic t").exception
    assert isinstance(error, UserError)
    assert "Kafka cannot be reached" in error.message
