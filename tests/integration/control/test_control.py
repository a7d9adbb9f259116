"""What operators order, and what they change in files, on a real Kafka with two workers."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer

from streams.core.teaching import EpisodeBlock
from streams.replay.rulebook import rules_at
from tests.integration.control.deployment import PARTITIONS, SORRY, Deployment, wait_for
from tests.unit.runtime.teaching import episodes

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

RULES = SORRY + "      - {channel: sms, template_key: care_again, wait: 20d, expires: 30d}\n"
BANDIT = """
playbooks:
  - name: winback
    match: {triggers: [complaint]}
    choose: bandit
    variants:
      - {name: a, share: 0.5, steps: [{channel: sms, template_key: care_a, expires: 30d}]}
      - {name: b, share: 0.5, steps: [{channel: sms, template_key: care_b, expires: 30d}]}
"""


@pytest.fixture
def deployment(kafka: str, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(kafka, tmp_path, RULES)
    yield made
    made.kill()


def people(name: str, count: int = 24) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


def observed(deployment: Deployment) -> int:
    """Return how many users were decided about without sending anything."""
    said = deployment.records("DECISIONS")
    return len({one["user_id"] for one in said if one.get("reason") == "observed"})


def test_the_kill_switch_revokes_what_is_out_and_nothing_leaves_after_it(
    deployment: Deployment,
) -> None:
    workers = deployment.start(2)
    deployment.complain(people("early"))
    wait_for(lambda: len(deployment.touches()) == 24, workers[0].words)

    code, out, words = deployment.winback("control", "stop", "--yes", "--json")
    assert code == 0, words
    (stop,) = json.loads(out)["controls"]
    assert (stop["key"], stop["value"], stop["taken_by"]) == ("stop", "on", [*range(PARTITIONS)])
    wait_for(lambda: len(deployment.touches("case.closed")) == 24, workers[0].words)
    assert {case["outcome"] for case in deployment.touches("case.closed")} == {"stopped"}
    revoked = {touch["touch_id"] for touch in deployment.touches("touch.revoked")}
    assert revoked == {touch["touch_id"] for touch in deployment.touches()}

    for worker in workers:
        worker.stop()
    (worker,) = deployment.start()
    deployment.complain(people("late"))
    wait_for(lambda: deployment.applied() == 2 * (24 * 4 + PARTITIONS), worker.words)
    assert len(deployment.touches()) == 24
    assert "Traceback" not in worker.words.read_text()

    code, out, words = deployment.winback("control", "resume")
    assert code == 0, words
    assert "stop: lifted from" in out
    deployment.complain(people("after"))
    wait_for(lambda: len(deployment.touches()) == 48, worker.words)
    journal = {step[0] for entry in deployment.records("JOURNAL") for step in entry["inputs"]}
    assert {"$control stop=on", "$control stop=off"} <= journal


def test_changed_rules_come_into_force_and_broken_ones_do_not(deployment: Deployment) -> None:
    (worker,) = deployment.start()
    deployment.complain(people("first", 4))
    wait_for(lambda: len(deployment.touches()) == 4, worker.words)

    renamed = deployment.rules.with_suffix(".new")
    renamed.write_text(RULES.replace("care_apology", "care_with_gift"))
    renamed.rename(deployment.rules)
    wait_for(lambda: "rules_in_force" in worker.words.read_text(), worker.words)
    deployment.complain(people("second", 4))
    wait_for(lambda: len(deployment.touches()) == 8, worker.words)
    keys = [touch["template_key"] for touch in deployment.touches()]
    assert sorted(keys) == ["care_apology"] * 4 + ["care_with_gift"] * 4

    deployment.rules.write_text(RULES.replace("channel: sms", "chanel: sms", 1))
    wait_for(lambda: "rules_refused" in worker.words.read_text(), worker.words)
    refused = json.loads(worker.page("health"))["rules"]["refused"]
    assert "rules.yaml:16:10" in refused
    assert "chanel" in refused
    deployment.rules.write_text(RULES.replace("horizon: 8d", "horizon: 12d"))
    wait_for(lambda: "winback state migrate" in worker.words.read_text(), worker.words)
    assert "winback_rules_refused_total 2.0" in worker.page("metrics")
    deployment.complain(people("third", 4))
    wait_for(lambda: len(deployment.touches()) == 12, worker.words)
    assert [touch["template_key"] for touch in deployment.touches()].count("care_with_gift") == 8

    deployment.rules.write_text(RULES)
    wait_for(lambda: "rules_mended" in worker.words.read_text(), worker.words)
    assert json.loads(worker.page("health"))["rules"]["refused"] is None


def test_a_mode_and_a_pause_stay_after_a_restart(deployment: Deployment) -> None:
    code, _, words = deployment.winback("control", "pause", "--playbook", "sory")
    assert (code, "did you mean sorry?" in words) == (2, True)
    (worker,) = deployment.start()
    deployment.complain(people("begin", 8))
    wait_for(lambda: len(deployment.touches()) == 8, worker.words)
    assert deployment.winback("control", "mode", "observe")[0] == 0
    deployment.complain(people("seen", 8))
    wait_for(lambda: observed(deployment) == 8, worker.words)
    worker.stop()
    (worker,) = deployment.start()
    deployment.complain(people("again", 8))
    wait_for(lambda: observed(deployment) == 16, worker.words)
    assert len(deployment.touches()) == 8
    wait_for(lambda: 'winback_mode{mode="observe"} 4.0' in worker.page("metrics"), worker.words)
    assert "winback_cases_open 24.0" in worker.page("metrics")

    code, out, _ = deployment.winback("control", "mode", "rules")
    assert (code, "mode: lifted" in out) == (0, True)
    assert deployment.winback("control", "pause", "--playbook", "sorry")[0] == 0
    code, out, _ = deployment.winback("control")
    assert "the pause of playbook sorry: on from" in out
    assert "taken by 4 of 4 partitions" in out
    deployment.complain(people("paused", 8))
    assert deployment.winback("control", "unpause", "--playbook", "sorry")[0] == 0
    deployment.complain(people("end", 8))
    wait_for(lambda: len(deployment.touches()) >= 16, worker.words)
    assert {touch["user_id"].split("-")[0] for touch in deployment.touches()} == {"begin", "end"}


def test_what_the_learner_learned_of_contacts_changes_what_is_sent(deployment: Deployment) -> None:
    deployment.rules.write_text(RULES[: RULES.index("playbooks:")] + BANDIT)
    (worker,), _ = deployment.start(), deployment.start(role="learner")
    hash_ = rules_at(str(deployment.rules)).hash
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    for number in range(5):
        made = msgspec.msgpack.decode(episodes(100, number), type=EpisodeBlock)
        value = msgspec.msgpack.encode(msgspec.structs.replace(made, rules_hash=hash_))
        producer.send(deployment.env["WINBACK_TOPIC_EXAMPLES"], value, partition=0)
    producer.flush()
    producer.close()
    wait_for(lambda: "winback_policy_episodes 500.0" in worker.page("metrics"), worker.words)
    deployment.complain(people("ada", 20))
    wait_for(lambda: len(deployment.touches()) == 20, worker.words)
    keys = [touch["template_key"] for touch in deployment.touches()]
    assert keys.count("care_b") >= 15
