"""What is told to somebody who starts the conformance kit in a wrong way, and what it prints."""

import json

import pytest
from click.testing import CliRunner

from tests.unit.sender.test_conformance_judge import BAD, CLEAN
from winback_sender.conformance.command import conformance
from winback_sender.conformance.driver import Outcome
from winback_sender.conformance.page import Verdict, facts, markdown, time_line, verdict
from winback_sender.errors import UserError


def verdicts(*names: str) -> list[Verdict]:
    cases = CLEAN | {name: evidence for name, (_, evidence) in BAD.items()}
    return [
        verdict(seed, Outcome(cases[name], ("a note",), 1.5))
        for seed, name in enumerate(names, start=7)
    ]


@pytest.mark.parametrize("options", [[], ["--command", "x", "--topic", "y"]])
def test_either_a_command_or_a_topic_is_asked_for(options: list[str]) -> None:
    said = CliRunner().invoke(conformance, options)
    assert (said.exit_code, "either --command or --topic" in said.output) == (2, True)


def test_without_kafka_it_is_said_how_to_name_one() -> None:
    said = CliRunner(env={"WINBACK_KAFKA_BOOTSTRAP": ""}).invoke(conformance, ["--command", "x"])
    assert isinstance(said.exception, UserError)
    assert said.exception.hint == "give --bootstrap host:port"


def test_figures_are_summed_over_runs() -> None:
    found = facts(verdicts("twice", "sent once", "again after a time-out"))
    assert (found["runs"], found["clean_runs"], found["seeds"]) == (3, 1, [7, 8, 9])
    assert found["findings"]["sent_twice"] == {"faults": 2, "of": 3}
    assert found["notes"] == ["a note"]
    assert [example["seed"] for example in found["examples"]] == [7, 9]
    json.dumps(found)


def test_a_time_line_counts_from_the_publication() -> None:
    (found,) = verdicts("after a revocation")
    assert time_line(found, "t-1") == [
        "   +0.00 s  published: plain",
        "   +0.70 s  said: accepted",
        "   +1.00 s  revoked",
        "   +2.00 s  called: ok, sent",
    ]


def test_markdown_marks_what_was_found() -> None:
    text = markdown(verdicts("twice"), "winback sender conformance", "winback-sender 1")
    assert "| sent twice | **1** | 1 | touches sent |" in text
    assert "| lost | 0 | 1 | touches that were due |" in text
