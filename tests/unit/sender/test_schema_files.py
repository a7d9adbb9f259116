"""Schemas and examples in files: promises that are kept, and that say what the types say."""

import json
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streams.core.decoded import Rejected
from streams.core.inputs import FeedbackReceived
from streams.core.native import decode_feedback
from streams.core.time import FAR_FUTURE_MS
from tests.unit.sender.from_schema import of_kept
from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import CHANNEL_MAX, OUTCOME_MAX, Feedback, to_json
from winback_sender.contract.schemas import CONTRACTS, schema
from winback_sender.contract.versions import MAJORS, dataschema
from winback_sender.contract.words import OUTCOMES, Status
from winback_sender.errors import UserError
from winback_sender.schema_files import (
    HERE,
    RELEASED,
    Kept,
    complaints,
    examples,
    kept,
    release,
    write,
)

EXAMPLES = [(kind, name) for kind in CONTRACTS for name in examples(kind)]
LATE_MS = 1 << 43


def test_the_kept_schemas_say_what_the_types_say_and_leave_nobody_behind() -> None:
    assert complaints() == []


@pytest.mark.parametrize("kind", CONTRACTS)
def test_every_message_that_is_written_is_promised(kind: str) -> None:
    """A draft may still change; nobody can write a sender for what is only one."""
    assert any(one.is_released and one.version[0] == MAJORS[kind] for one in kept(kind))


@pytest.mark.parametrize("kind", CONTRACTS)
def test_every_schema_is_one_is_named_and_describes_all_that_it_names(kind: str) -> None:
    said = schema(kind)
    Draft202012Validator.check_schema(said)
    assert said["$id"] == dataschema(kind)
    for part in (said, *said.get("$defs", {}).values()):
        assert part["description"]
        assert part.get("additionalProperties", True) is True
        assert [
            name for name, field in part["properties"].items() if "description" not in field
        ] == []


def test_the_words_of_feedback_are_in_its_schema() -> None:
    fields = schema("feedback")["properties"]
    assert fields["status"]["enum"] == [word.value for word in Status]
    for status, outcomes in OUTCOMES.items():
        for word in (status, *outcomes):
            assert word in fields["outcome"]["description"]


def test_every_instant_is_one() -> None:
    """Whose name says that it is an instant has the format of one, and the other way round."""
    for kind in CONTRACTS:
        for part in (schema(kind), *schema(kind).get("$defs", {}).values()):
            for name, field in part["properties"].items():
                is_named_so = name.endswith("_at") or name in {"at", "not_before"}
                assert ("date-time" in json.dumps(field)) == is_named_so, name


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_an_example_is_of_the_schema_and_of_the_type(kind: str, name: str) -> None:
    text = examples(kind)[name]
    said = json.loads(text)
    assert list(Draft202012Validator(schema(kind)).iter_errors(said)) == []
    read = msgspec.json.decode(text, type=CONTRACTS[kind])
    if kind == "feedback":
        assert isinstance(
            decode_feedback(said["user_id"].encode(), text.encode(), LATE_MS), FeedbackReceived
        )
    else:
        assert json.loads(to_json(read)) == said, "an example shows every field"


@pytest.mark.parametrize("kind", CONTRACTS)
def test_every_message_has_an_example(kind: str) -> None:
    assert examples(kind)


def test_an_example_without_a_needed_field_is_found_out() -> None:
    """The validator that the tests above trust does look."""
    said = json.loads(examples("feedback")["delivered"])
    del said["status"]
    assert not Draft202012Validator(schema("feedback")).is_valid(said)


PROMISES = [one for kind in CONTRACTS for one in kept(kind) if one.version[0] == MAJORS[kind]]


@cache
def validator_of(text: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(text))


@pytest.mark.parametrize("old", PROMISES, ids=lambda old: f"{old.kind}-{old.name}")
@given(data=st.data())
def test_whatever_a_released_schema_allows_is_read_by_the_types(
    old: Kept, data: st.DataObject
) -> None:
    said = data.draw(of_kept(old.text))
    read = msgspec.json.decode(json.dumps(said), type=CONTRACTS[old.kind])
    if not isinstance(read, Feedback):
        again = json.loads(to_json(read))
        assert validator_of(old.text).is_valid(again), "readers of then read us today"
        return
    taken = decode_feedback(read.user_id.encode(), json.dumps(said).encode(), LATE_MS)
    at = said["at"] if isinstance(said.get("at"), int) else instant_ms(said["at"])
    if (
        "\0" in read.user_id or at > FAR_FUTURE_MS
    ):  # Nobody of ours has such an id, so no touch was for it.
        assert isinstance(taken, Rejected)
    elif said["touch_id"] or said["status"] == Status.OPTED_OUT:
        assert isinstance(taken, FeedbackReceived)
        assert taken.event_time_ms == at


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "x" * (OUTCOME_MAX + 1)}, {"channel": "x" * (CHANNEL_MAX + 1)}, {"at": 0},
        {"status": "arrived"}, {"user_id": ""}, {"at": "yesterday"}, {"reason": 7},
    ],
    ids=str,
)  # fmt: skip
def test_what_the_schema_of_feedback_does_not_allow_is_rejected(wrong: dict[str, object]) -> None:
    """The format of an instant is left to readers: a validator need not look at it."""
    said = json.loads(examples("feedback")["delivered"]) | wrong
    if wrong != {"at": "yesterday"}:
        assert not Draft202012Validator(schema("feedback")).is_valid(said)
    key = said["user_id"].encode()
    assert isinstance(decode_feedback(key, json.dumps(said).encode(), LATE_MS), Rejected)


def copied(tmp_path: Path) -> Path:
    for path in HERE.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(HERE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    release(tmp_path)
    return tmp_path


def test_what_has_been_released_never_changes(tmp_path: Path) -> None:
    root = copied(tmp_path)
    path = root / "touch.revoked/1.0.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Which touch.", "A touch."))
    assert "touch.revoked/1.0.json was released and has been changed since" in complaints(root)
    path.unlink()
    assert "touch.revoked/1.0.json was released and is gone" in complaints(root)


def test_a_changed_type_makes_a_draft_beside_what_was_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(Feedback, frozen=True):
        """What became of a touch.

        Attributes:
            parts: Into how many messages the text was cut.
        """

        parts: int = 1

    root = copied(tmp_path)
    before = [one.name for one in kept("feedback", root)]
    assert write(root) == []
    monkeypatch.setitem(CONTRACTS, "feedback", Told)
    assert complaints(root) == [
        "feedback: the newest file is not what the types say; `make docs` writes it"
    ]

    (path,) = write(root)

    assert write(root) == [path], "a draft is written anew"
    assert [one.name for one in kept("feedback", root)] == [*before, path.stem]
    assert complaints(root) == []
    assert release(root) == [f"feedback/{path.name}"]
    assert (root / RELEASED).read_text().splitlines()[-1].endswith(f"  feedback/{path.name}")


def test_what_leaves_somebody_behind_is_not_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(Feedback, frozen=True, kw_only=True):
        """What became of a touch."""

        parts: int

    root = copied(tmp_path)
    monkeypatch.setitem(CONTRACTS, "feedback", Told)
    write(root)

    with pytest.raises(UserError, match="old messages can no longer be read: parts may be missing"):
        release(root)


def test_what_cannot_live_with_the_old_is_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(Feedback, frozen=True, kw_only=True):
        """What became of a touch."""

        parts: int

    root = copied(tmp_path)
    monkeypatch.setitem(CONTRACTS, "feedback", Told)
    monkeypatch.setitem(MAJORS, "feedback", 2)

    assert write(root) == [root / "feedback/2.0.json"]
    assert complaints(root) == []
    assert kept("feedback", root)[-1].schema["$id"] == "urn:winback:feedback:2"
