"""What released versions wrote is read today, and gone on from as if nobody had ever stopped."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.core.decoded import Rejected
from streams.core.gate import Gate
from streams.core.identity import HandedOver, decode_identity
from streams.core.lifecycle import Stage
from streams.core.messages import JournalEntry, OfDecisions
from streams.core.migrations.chain import brought_up, state_brought_up
from streams.core.partition_record import PARTITION_KEY
from streams.core.state import decode
from streams.core.versions import STATE, state_version
from streams.lessons import input_of
from tests.golden import record
from tests.golden.deployment import ROUTER_CHANGELOG, SETTINGS, Deployment
from tests.golden.meaning import meaning_of
from tests.golden.stored import HERE, Golden, Written, read, versions
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import COLUMNS

every_version = pytest.mark.parametrize("version", versions())
COMPACTED = {SETTINGS.topic_users_changelog, SETTINGS.topic_models, ROUTER_CHANGELOG}
CAME_BACK = {"goner-1", "trial-1", "trial-2"}
"""Who was gone on the way: 0.1.0 kept the ring and the example of such people."""
SPOKEN = (SETTINGS.topic_touches, SETTINGS.topic_decisions)


@pytest.fixture(scope="module")
def goldens() -> dict[str, Golden]:
    return {version: read(version) for version in versions()}


def restored(golden: Golden) -> Deployment:
    deployment = Deployment(golden.rules)
    last_ms = max(each.at_ms for each in golden.given if each.half == 1)
    deployment.restore([each for each in golden.written if each.topic in COMPACTED], last_ms)
    return deployment


def states(deployment: Deployment) -> dict[str, Any]:
    """Return what every partition knows of its users now, durable or not."""
    found = {
        user_id: meaning_of(decode(value))
        for engine in deployment.engines
        for user_id, value in engine.core.values()
    }
    plain: dict[str, Any] = msgspec.to_builtins(found, str_keys=True)
    return plain


def lived_on(deployment: Deployment, golden: Golden) -> list[Written]:
    """Return what a deployment says of the second half."""
    said = [deployment.give(each) for each in golden.given if each.half == 2]
    deployment.settle()
    return [each for written in said for each in written if each.topic in SPOKEN]


def values(written: list[Written], topic: str) -> list[Any]:
    return [msgspec.json.decode(each.value) for each in written if each.topic == topic]


def contents(golden: Golden, topic: str) -> list[dict[bytes, bytes]]:
    """Return the compacted content of each partition of a topic."""
    found: dict[int, dict[bytes, bytes]] = {}
    for each in golden.written:
        if each.topic == topic and each.key is not None:
            found.setdefault(each.partition, {})[each.key] = each.value
    return [found[number] for number in sorted(found)]


def forgetting(states: dict[str, Any]) -> dict[str, Any]:
    """Return states without what is no longer kept of who is gone, or was."""
    return {
        name: _forgetting(state)
        if name in CAME_BACK or state["profile"].get("stage") == Stage.GONE
        else state
        for name, state in states.items()
    }


def _forgetting(state: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: each for name, each in state["numbers"].items() if name != "frozen_at"}
    return {"numbers": numbers, "profile": state["profile"]}


@every_version
def test_what_a_version_wrote_is_understood_as_it_was_meant(
    version: str, goldens: dict[str, Golden]
) -> None:
    golden, meant = goldens[version], goldens[version].understood
    deployment = restored(golden)

    assert deployment.rules.hash == meant.rules_hash
    assert forgetting(states(deployment)) == forgetting(meant.states)
    assert record.learned(deployment) == meant.learner
    assert (deployment.router.applied, deployment.router.watermark_ms) == (
        {"app.orders": meant.router["next_offset"]}, meant.router["watermark_ms"],
    )  # fmt: skip
    for engine, said in zip(deployment.engines, meant.records, strict=True):
        core = engine.core
        assert (core.applied, core.watermark_ms) == (said["applied"], said["watermark_ms"])
        assert [list(order) for order in core.controls.record()] == said["controls"]
        assert [list(each) for each in core.coverage.record()] == said["outages"]
        assert core.clocks.told_ms == said["told_ms"]


def next_then(gate: Gate, _fired_ms: int) -> int:
    """Return the next border as 0.1.0 did: a bid could be answered at one that had gone by."""
    users, day_end = gate._users, gate.ledger.budget.day(gate.last_ms).end_ms
    if gate._is_idle or not gate.ledger.budget.per_day:
        return gate.border(gate.last_ms)
    if not users.waiting:
        return min(gate.border(max(users.first_due_ms(day_end) - 1, gate.last_ms)), day_end)
    rests_ms = gate._idle_until if users.waiting_version == gate._seen_version else 0
    return min(max(rests_ms, gate.border(gate.last_ms)), day_end)


@pytest.fixture
def rests_as_then(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gate rest as it did then, where that has changed since: the past was lived by it."""
    if version == "0.1.0":
        monkeypatch.setattr(Gate, "_rest_until", lambda _, put_off_ms: put_off_ms)
        monkeypatch.setattr(Gate, "next_ms", next_then)
        monkeypatch.setattr(Gate, "_has_news", lambda gate, _: bool(gate._users.waiting))


@pytest.mark.usefixtures("rests_as_then")
@every_version
def test_who_goes_on_from_it_says_what_one_says_that_never_stopped(
    version: str, goldens: dict[str, Golden]
) -> None:
    golden = goldens[version]
    whole, heir = Deployment(golden.rules), restored(golden)
    for each in golden.given:
        if each.half == 1:
            whole.give(each)
    whole.settle()
    said, said_by_heir = lived_on(whole, golden), lived_on(heir, golden)

    assert said_by_heir == said
    assert forgetting(states(heir)) == forgetting(states(whole))
    assert record.learned(heir) == record.learned(whole)
    served = [each.learner.roster.serving({}).version for each in (heir, whole)]
    assert served[0] == served[1]
    # And what the version itself said then:
    assert values(said, SPOKEN[0]) == golden.understood.touches
    assert values(said, SPOKEN[1]) == golden.understood.decisions
    assert forgetting(states(whole)) == forgetting(golden.understood.ends)


@every_version
def test_it_is_written_anew_in_the_first_commit_and_needs_no_step_after_that(
    version: str, goldens: dict[str, Golden]
) -> None:
    golden = goldens[version]
    deployment = restored(golden)
    for number, old in enumerate(contents(golden, SETTINGS.topic_users_changelog)):
        outdated = brought_up(old).changed
        written = dict(deployment.engines[number].take().changelog)

        assert outdated <= written.keys()
        new = {key: value for key, value in {**old, **written}.items() if value is not None}
        assert new.keys() == old.keys()
        assert state_version(msgspec.json.decode(new[PARTITION_KEY])["layout"]) == STATE
        assert not brought_up(new).changed
        again = Deployment(golden.rules).engines[number].core
        again.restore(new)
        assert dict(again.values()) == dict(deployment.engines[number].core.values())


@every_version
def test_every_message_of_it_can_still_be_read(version: str, goldens: dict[str, Golden]) -> None:
    kinds: dict[str, Any] = {
        SETTINGS.topic_touches: TouchRequested | TouchRevoked | CaseClosed,
        SETTINGS.topic_decisions: OfDecisions,
        SETTINGS.topic_journal: JournalEntry,
    }
    seen = set()
    for each in goldens[version].written:
        seen.add(each.topic)
        if each.topic in kinds:
            msgspec.json.decode(each.value, type=kinds[each.topic])
        elif each.topic == SETTINGS.topic_examples:
            input_of(each.value)
        elif each.topic == SETTINGS.topic_identity:
            message = decode_identity(each.key, each.value, 0)
            assert not isinstance(message, Rejected)
            if isinstance(message, HandedOver):
                seen.add("a state on its way")
                decode(state_brought_up(message.state, message.layout))
        elif each.topic == SETTINGS.topic_dead_letters:
            said = dict(each.headers)
            assert said["__connect.errors.topic"] == b"user-activity"
    others = {SETTINGS.topic_examples, SETTINGS.topic_identity, SETTINGS.topic_dead_letters}
    assert seen == COMPACTED | kinds.keys() | others | {"a state on its way"}


@every_version
def test_a_sender_goes_on_with_its_journal(
    version: str, goldens: dict[str, Golden], tmp_path: Path
) -> None:
    golden = goldens[version]
    file = sqlite3.connect(tmp_path / "journal.sqlite")
    file.executescript(golden.sender_sql)
    file.close()

    with Journal(tmp_path / "journal.sqlite", "k") as kept:
        found = kept.file.sure.execute(f"SELECT {COLUMNS} FROM touches ORDER BY touch_id")
        assert [list(row) for row in found] == golden.understood.journal
        (marked,) = kept.file.sure.execute("SELECT mark FROM touches WHERE touch_id = 't1'")
        assert marked == (kept.mark("+86 138 0000 0001"),)


def test_what_is_on_record_is_never_recorded_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in (HERE / "0.1.0").iterdir()}
    monkeypatch.setattr("sys.argv", ["record", "--version", "0.1.0"])

    assert record.main() == 2
    assert "never written again" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in (HERE / "0.1.0").iterdir()}
