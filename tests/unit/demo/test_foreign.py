"""The demo in other formats: its rules read them, and a log is told in them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import winback
from streams.core.rules_file import parse_rules
from streams.demo.foreign import Foreign, tongue_rules
from streams.demo.tongues import TONGUES
from streams.errors import UserError

DEMO = Path(__file__).parents[3] / "deploy" / "rules" / "demo.yaml"
LOG = "user_id,ts,event,amount\nada,2026-10-01T08:00:00Z,purchase,12.5\n"


@pytest.mark.parametrize(
    ("form", "is_routed"), [("segment", False), ("sensors", False), ("debezium", True)]
)
def test_the_rules_of_the_demo_read_the_format_besides(form: str, *, is_routed: bool) -> None:
    own = DEMO.read_text(encoding="utf-8")
    rules = parse_rules(tongue_rules(form, own))
    (source,) = rules.sources
    foreign = Foreign(TONGUES[form], source)
    assert (foreign.topic, foreign.is_routed) == (TONGUES[form].topic, is_routed)
    assert rules.playbooks == parse_rules(own).playbooks


@pytest.mark.parametrize("tongue", [name for name, spoken in TONGUES.items() if not spoken.schema])
def test_a_sample_is_a_dump_that_can_be_converted(
    tongue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text(LOG)
    Path("rules.yaml").write_text(TONGUES[tongue].rules)
    for line in (
        f"inputs sample log.csv --as {tongue} -o dump.jsonl",
        "inputs convert dump.jsonl --rules rules.yaml -o events.jsonl",
    ):
        result = CliRunner().invoke(winback, line.split(), standalone_mode=False)
        assert result.exception is None, result.exception
    (event,) = map(json.loads, Path("events.jsonl").read_text().splitlines())
    assert event["event_id"] == "log.csv:1"
    assert (event["user_id"], event["event"], event["amount"]) == ("ada", "purchase", 12.5)


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("inputs sample log.csv --as klingon -o d.jsonl", "'klingon' is none of", ""),
        ("feed log.csv --as klingon --topic t", "'klingon' is none of", ""),
        ("feed log.csv --as segment", "needs a topic of its own", "--topic"),
        ("inputs sample odd.csv --as segment -o d.jsonl", "word for 'dance'", "visit"),
    ],
)  # fmt: skip
def test_what_no_format_can_tell_is_said(
    line: str, said: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text(LOG)
    Path("odd.csv").write_text(LOG.replace("purchase", "dance"))
    error = CliRunner().invoke(winback, line.split(), standalone_mode=False).exception
    assert isinstance(error, UserError)
    assert said in error.message
    assert hint in (error.hint or "")
    assert not Path("d.jsonl").exists()
