"""A deployment of an older version goes on with this one, and over to other rules."""

import asyncio
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.commands.state import state
from streams.core.carry_over import MINOR_UNITS
from streams.core.definition import definition_of
from streams.core.partition_record import OURS
from streams.core.rules import Rules
from streams.core.state import Column, decode
from streams.core.versions import LAYOUT
from streams.errors import UserError
from streams.rule_files import load_rules
from streams.runtime.learner import LearnerEngine
from streams.runtime.live_state import read_states
from streams.runtime.metrics import Metrics
from streams.runtime.rules_migration import Done, Migration, migrate
from streams.settings import load_settings
from tests.golden.stored import Golden, read, versions
from tests.integration.upgrade.deployment import USERS, Stage, Worker
from winback_sender.cluster import Cluster

pytestmark = pytest.mark.kafka

NEW = """
churn: {horizon: 6d, min_active_days: 2}
kinds: [view]
"""


class BrokenOffError(Exception):
    """Somebody killed the migration in the middle."""


@pytest.fixture
def stage(kafka: str, tmp_path: Path) -> Stage:
    made = Stage(kafka, read(versions()[0]), tmp_path)
    made.set()
    return made


def new_rules(golden: Golden, path: Path) -> Path:
    """Write the rules of a golden set with another definition of churn."""
    kept = [line for line in golden.rules.read_text("utf-8").splitlines()
            if not line.startswith(("churn:", "kinds:"))]  # fmt: skip
    path.write_text("\n".join(kept) + NEW, "utf-8")
    return path


def cases(stage: Stage) -> dict[str, tuple[str, float]]:
    """Return id and deadline of every open case."""
    found = {}
    for partition in (0, 1):
        for key, value in stage.changelog(partition).items():
            if not key.startswith(OURS) and (case := decode(value).profile.case) is not None:
                found[key.decode()] = (case.case_id, decode(value)[Column.DUE])
    return found


def broken_off(stage: Stage, was: Rules, new: Rules) -> list[Done]:
    """Carry the first partition over, and die."""
    done: list[Done] = []

    def tell(each: Done) -> None:
        done.append(each)
        raise BrokenOffError

    migration = Migration(
        load_settings(stage.environ(Path())), Cluster.plain(stage.kafka), new, was
    )
    with pytest.raises(BrokenOffError):
        asyncio.run(migrate(migration, is_dry_run=False, read=None, tell=tell))
    return done


def goes_on(stage: Stage, path: Path, new: Rules) -> None:
    """Let both roles go on with the new rules."""
    settings = load_settings(os.environ)
    models = stage.changelog(0, "churn-models")
    assert {b"orders", b"policy"} >= models.keys()
    LearnerEngine(settings, new, Metrics()).restore(models)
    worker = Worker(stage, "pipeline", WINBACK_RULES=str(path))
    try:
        worker.wait_for("partitions_owned")
        stage.wait_until_read()
    finally:
        assert worker.stop() == 0


def test_an_older_deployment_goes_on_and_over_to_other_rules(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stage.settings.items():
        monkeypatch.setenv(name, value)
    path = new_rules(stage.golden, tmp_path / "new.yaml")
    was, new = load_rules(str(stage.golden.rules)), load_rules(str(path))
    before = stage.record(0)
    assert before["layout"] == "d3adbcf4312442d1"
    seen = asyncio.run(read_states(Cluster.plain(stage.kafka), stage.topic(USERS)))
    assert {user_id for user_id, _ in seen} == stage.golden.understood.states.keys()

    # A worker of this version brings everything up, and goes on.
    worker = Worker(stage, "pipeline")
    try:
        worker.wait_for("partitions_owned")
        stage.go_on(40)
        stage.wait_until_read()
        assert [stage.record(number)["layout"] for number in (0, 1)] == [LAYOUT, LAYOUT]
        assert stage.record(1)["definition"][MINOR_UNITS] == "100"
        assert stage.record(0)["watermark_ms"] >= before["watermark_ms"]
        open_cases = cases(stage)

        # While it runs, the command refuses; whoever holds the fence all the same, stops it.
        command = ["migrate", "--rules", str(path)]
        with pytest.raises(UserError, match="the service runs: 1 pipeline"):
            CliRunner().invoke(state, command, catch_exceptions=False)
        (first,) = broken_off(stage, was, new)
        stage.go_on()
        assert worker.process.wait(30) != 0
        assert "took over" in worker.said()
        assert "winback state migrate" in worker.said()
    finally:
        worker.stop()
    assert stage.record(0)["rules_hash"] == new.hash
    assert stage.record(1)["rules_hash"] == was.hash
    assert first.counts["users"] > 5

    # Once more: what is left is done, and that is said; promises are where they were.
    stage.wait_for_nobody()
    told = CliRunner().invoke(state, [*command, "--dry-run"], catch_exceptions=False).output
    assert "partition 0: " in told
    assert "has these rules already" in told.splitlines()[0]
    assert "would go from" in told.splitlines()[1]
    assert stage.record(1)["rules_hash"] == was.hash
    told = (
        CliRunner().invoke(state, [*command, "--history", "topic"], catch_exceptions=False).output
    )
    assert "told by the history" in told
    assert "the models begin anew" in told
    assert [stage.record(n)["definition"] for n in (0, 1)] == [definition_of(new)] * 2
    assert cases(stage) == open_cases
    goes_on(stage, path, new)
