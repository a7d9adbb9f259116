"""``winback topics`` on a real Kafka, and on what is none."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.errors import InvalidTimestampError

from streams.errors import Unavailable, UserError
from streams.runtime.retention import AHEAD, ErasedBy
from streams.runtime.topic_admin import apply_plan, plan_topics, require_topics
from streams.runtime.topics import Action, topics
from streams.runtime.whereabouts import resolve_cluster
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client

pytestmark = pytest.mark.kafka

WINBACK = str(Path(sys.executable).parent / "winback")


def named(app: str, **others: int) -> Settings:
    """Return settings whose topics are used by one test alone."""
    names = (
        "activity", "touches", "feedback", "decisions", "examples", "models", "dead_letters",
        "journal", "control", "identity",
    )  # fmt: skip
    return Settings(app_id=app, **{f"topic_{name}": f"{app}.{name}" for name in names}, **others)


def actions(bootstrap: str, settings: Settings) -> dict[Action, int]:
    with admin_client(Cluster.plain(bootstrap)) as client:
        steps = plan_topics(client, settings)
    return {action: sum(step.action is action for step in steps) for action in Action}


def test_apply_makes_what_plan_shows_and_no_more(kafka: str) -> None:
    settings = named("made", partitions=3)
    with pytest.raises(UserError, match=r"missing: made\.activity"):
        require_topics(Cluster.plain(kafka), settings)

    assert actions(kafka, settings)[Action.CREATE] == 11
    with admin_client(Cluster.plain(kafka)) as client:
        apply_plan(client, plan_topics(client, settings), replication=1)

    assert actions(kafka, settings)[Action.KEEP] == 11
    require_topics(Cluster.plain(kafka), settings)


def test_another_partition_count_is_refused_and_nothing_is_done(kafka: str) -> None:
    settings = named("uneven", partitions=2)
    with admin_client(Cluster.plain(kafka)) as client:
        client.create_topics({settings.topic_activity: {"num_partitions": 5}})
        client.wait_for_topics([settings.topic_activity])
        steps = plan_topics(client, settings)
        with pytest.raises(UserError, match=r"uneven\.activity"):
            apply_plan(client, steps, replication=1)

    found = actions(kafka, settings)
    assert (found[Action.REFUSE], found[Action.CREATE]) == (1, 10)
    with pytest.raises(UserError, match="cannot be used"):
        require_topics(Cluster.plain(kafka), settings)


def test_a_state_that_is_not_compacted_is_refused(kafka: str) -> None:
    settings = named("loose")
    with admin_client(Cluster.plain(kafka)) as client:
        client.create_topics({settings.topic_users_changelog: {"num_partitions": 4}})
        client.wait_for_topics([settings.topic_users_changelog])
        steps = plan_topics(client, settings)
    refused = [step for step in steps if step.action is Action.REFUSE]
    assert [step.topic.name for step in refused] == ["loose-users-changelog"]
    assert "cleanup.policy=compact" in refused[0].reason


def test_slow_compaction_is_put_right_and_dead_letters_grow(kafka: str) -> None:
    settings = named("slow")
    models = next(topic for topic in topics(settings) if topic.name == settings.topic_models)
    configs = {**models.configs, "segment.ms": "86400000"}
    with admin_client(Cluster.plain(kafka)) as client:
        client.create_topics(
            {
                settings.topic_models: {"num_partitions": 1, "configs": configs},
                settings.topic_dead_letters: {"num_partitions": 1},
            }
        )
        client.wait_for_topics([settings.topic_models, settings.topic_dead_letters])
        steps = plan_topics(client, settings)
        assert sum(step.action is Action.CHANGE for step in steps) == 2
        apply_plan(client, steps, replication=1)
    deadline = time.monotonic() + 10.0
    while actions(kafka, settings)[Action.KEEP] < 9:  # a change reaches the broker a little later
        assert time.monotonic() < deadline


def test_a_record_that_lies_ahead_is_refused_where_people_are(kafka: str) -> None:
    """Also on a topic that was there before the bound was."""
    settings = named("dated")
    feedback = settings.topic_feedback
    with admin_client(Cluster.plain(kafka)) as client:
        configs = {"segment.ms": "86400000", AHEAD: str(2**63 - 1)}
        client.create_topics({feedback: {"num_partitions": 4, "configs": configs}})
        client.wait_for_topics([feedback])
        dated(kafka, feedback, 48)  # This is what it is about: it would stay for nine days.
        apply_plan(client, plan_topics(client, settings), replication=1)
    deadline = time.monotonic() + 10.0
    while actions(kafka, settings)[Action.KEEP] < 11:
        assert time.monotonic() < deadline
    for topic in topics(settings):
        if topic.erased_by not in {ErasedBy.NOBODY, ErasedBy.COMPANY}:
            dated(kafka, topic.name, 0)
            dated(kafka, topic.name, -24 * 365)
            with pytest.raises(InvalidTimestampError):
                dated(kafka, topic.name, 2)


def dated(bootstrap: str, topic: str, ahead_h: float) -> None:
    """Write a record with a date so many hours ahead."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, retries=0)
    at_ms = round((time.time() + ahead_h * 3_600) * 1_000)
    try:
        producer.send(topic, b"{}", b"ada", timestamp_ms=at_ms).get(20)
    finally:
        producer.close()


def test_kafkas_own_no_is_told_in_its_words(kafka: str) -> None:
    settings = named("lonely")
    with (
        admin_client(Cluster.plain(kafka)) as client,
        pytest.raises(UserError, match=r"only 1 broker\(s\) are registered"),
    ):
        apply_plan(client, plan_topics(client, settings), replication=3)


def test_the_command_prints_json(kafka: str) -> None:
    answer = subprocess.run(
        [WINBACK, "topics", "plan", "--json"],
        env={**os.environ, "WINBACK_KAFKA_BOOTSTRAP": kafka, "WINBACK_TOPIC_ACTIVITY": "asked"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    rows = {row["topic"]: row for row in json.loads(answer.stdout)["topics"]}
    assert rows["asked"]["action"] == "create"
    assert rows["asked"]["partitions"] == 4


def test_the_plan_is_that_of_the_rules_which_are_named(kafka: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\ninputs: {app.named: {format: segment, others: activity}}\n")
    answer = subprocess.run(
        [WINBACK, "topics", "plan", "--json", "--rules", str(rules)],
        env={**os.environ, "WINBACK_KAFKA_BOOTSTRAP": kafka},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "app.named" in {row["topic"] for row in json.loads(answer.stdout)["topics"]}


@pytest.mark.parametrize(
    ("bootstrap", "says"),
    [("127.0.0.1:1", "Connection refused"), ("no.such.host.invalid:9092", "no.such.host.invalid")],
)
def test_no_kafka_is_told_in_seconds(bootstrap: str, says: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable, match=says) as caught, admin_client(Cluster.plain(bootstrap)):
        pytest.fail("there is no Kafka")
    assert caught.value.exit_code == 3
    assert time.monotonic() - began < 10.0


def test_what_is_not_kafka_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        cluster = Cluster.plain(f"127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(Unavailable, match="does not speak like Kafka"), admin_client(cluster):
            pytest.fail("this is no Kafka")


def test_several_servers_need_one_that_answers(kafka: str) -> None:
    with admin_client(Cluster.plain(f"127.0.0.1:1,{kafka}")) as client:
        assert client.describe_cluster()["brokers"]


def test_without_any_kafka_the_complaint_names_three_ways(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        resolve_cluster(Settings(data_dir=str(tmp_path)), os.environ)
    assert caught.value.exit_code == 3
    for way in ("WINBACK_KAFKA_BOOTSTRAP", "winback kafka up", "--local"):
        assert way in caught.value.hint


def test_a_kafka_that_is_named_goes_first() -> None:
    settings = Settings(kafka_bootstrap="a:1, b:2", data_dir="/nowhere")
    assert resolve_cluster(settings, {}, is_local=True) == Cluster(("a:1", "b:2"))


def test_local_starts_one_that_goes_on_and_is_found(tmp_path: Path) -> None:
    environ = {**os.environ, "WINBACK_DATA_DIR": str(tmp_path)}
    environ.pop("WINBACK_KAFKA_BOOTSTRAP", None)
    try:
        for arguments in (["topics", "apply", "--local"], ["topics", "plan"]):
            answer = subprocess.run(
                [WINBACK, *arguments], env=environ, capture_output=True, text=True, timeout=100,
                check=True,
            )  # fmt: skip
        assert answer.stdout.endswith("11 ok\n")
    finally:
        stopped = subprocess.run([WINBACK, "kafka", "down"], env=environ, check=True)
        assert stopped.returncode == 0
