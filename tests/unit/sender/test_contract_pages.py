"""What ``winback contracts`` says."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from winback_sender import schema_files
from winback_sender.commands.contract_pages import contracts
from winback_sender.contract.schemas import CONTRACTS, schema
from winback_sender.errors import Exit, UserError
from winback_sender.schema_files import release


def told(*arguments: str) -> Result:
    return CliRunner().invoke(contracts, arguments, standalone_mode=False)


@pytest.fixture
def _released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the schemas of this checkout elsewhere, all of them released."""
    for path in schema_files.HERE.glob("*/*.json"):
        copy = tmp_path / path.relative_to(schema_files.HERE)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    release(tmp_path)
    for function in (schema_files.kept, schema_files.complaints):
        monkeypatch.setattr(function, "__defaults__", (tmp_path,))


def test_all_messages_are_listed_with_their_version() -> None:
    lines = told("show").stdout.splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(CONTRACTS)
    assert all(line.startswith("    ") for line in lines[1::2])


def test_a_message_is_shown_with_its_fields() -> None:
    said = told("show", "touch.requested").stdout
    assert "urn:winback:touch.requested:1" in said
    assert "risk.reasons[].text.zh  " in said
    assert "params                    map of string" in said
    assert max(map(len, said.splitlines())) <= 120


def test_a_schema_and_an_example_can_be_piped() -> None:
    assert json.loads(told("show", "feedback", "--json").stdout) == schema("feedback")
    assert json.loads(told("show", "feedback", "--example").stdout)["user_id"] == "900"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["show", "nothing"], "there is no message 'nothing'"),
        (["show", "--json"], "which message?"),
        (["diff", "feedback", "--since", "7.7"], "there is no version '7.7' of feedback"),
        (["diff", "feedback", "--since", __file__], "is no schema of winback"),
    ],
)
def test_what_is_not_there_is_said(arguments: list[str], why: str) -> None:
    error = told(*arguments).exception
    assert isinstance(error, UserError)
    assert why in error.message
    assert error.hint


def test_a_schema_of_another_message_is_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(schema("case.closed")))
    error = told("diff", "feedback", "--since", str(path)).exception
    assert isinstance(error, UserError)
    assert "urn:winback:case.closed:1" in error.message


@pytest.mark.usefixtures("_released")
def test_what_is_as_it_was_released_is_sound() -> None:
    answer = told("check")
    assert answer.return_value == Exit.OK
    assert "feedback: sound with 1.0" in answer.stdout
    assert "feedback: no change since 1.0" in told("diff").stdout


@pytest.mark.usefixtures("_released")
def test_a_change_that_leaves_somebody_behind_fails_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CONTRACTS, "feedback", CONTRACTS["touch.revoked"])

    answer = told("check")

    assert answer.return_value == Exit.FAILED
    assert "feedback 1.0: status is gone; a field never goes" in answer.stdout
    assert "feedback 1.0: old messages can no longer be read: revoked_at may be missing" in (
        answer.stdout
    )
    assert "docs/adr/0023" in answer.stdout


def test_what_came_went_and_changed_is_told(tmp_path: Path) -> None:
    """A developer kept the schema that the sender was written for."""
    mine = schema("feedback")
    mine["properties"]["at"] = {"type": "integer"}
    mine["properties"]["colour"] = {"type": "string"}
    del mine["properties"]["provider_ref"]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(mine))

    assert told("diff", "feedback", "--since", str(path)).stdout.splitlines() == [
        f"feedback: since {path}",
        "  + provider_ref: string; optional",
        "  - colour: string; optional",
        "  ~ at: integer → date-time or integer, minimum 1",
    ]


def test_a_version_that_no_message_has_is_refused() -> None:
    with pytest.raises(UserError, match="no message has a version 'foo'"):
        contracts.main(["diff", "--since", "foo"], standalone_mode=False)
