"""``winback define`` as its users run it: words, files, exit codes."""

import gzip
import json
import shlex
from pathlib import Path

import pytest
import synthetic
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.core.rules_file import parse_rules
from streams.errors import UserError

HEADER = "user_id,ts,event,amount\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A log that is long enough to propose from; its directory is the present one."""
    monkeypatch.chdir(tmp_path)
    return synthetic.log(tmp_path / "日志 1.csv", synthetic.rows(120, 200))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, ["define", *arguments], standalone_mode=False)


def written(tmp_path: Path, rows: str) -> str:
    path = tmp_path / "log.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return str(path)


def test_the_proposal_comes_with_its_reasons_and_the_next_command(log: str) -> None:
    result = run(log)
    assert result.exception is None
    assert result.return_value == 0
    for said in ("proposal: a user who is silent for", "why", "what another horizon costs", "mind",
                 "→", f"winback define '{log}' --out rules.yaml", "winback backtest"):  # fmt: skip
        assert said in result.output
    assert not any(line.endswith(" ") for line in result.output.splitlines())
    assert max(map(len, result.output.split("next")[0].splitlines())) <= 100


def test_the_rules_that_are_written_are_those_that_are_proposed(log: str) -> None:
    result = run(log, "--out", "my rules.yaml")
    assert result.exception is None
    assert "written: my rules.yaml" in result.output
    rules = parse_rules(Path("my rules.yaml").read_text(encoding="utf-8"))
    proposal = json.loads(run(log, "--json").output)["proposal"]
    assert rules.horizon_days == proposal["horizon_days"]
    assert rules.churn.min_active_days == proposal["min_active_days"]
    assert list(rules.churn.kinds) == proposal["kinds"]


def test_the_commands_that_are_proposed_keep_what_was_asked(
    short_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["--horizon-days", "18", "--min-active-days", "4", "--on-bad-row", "skip"]
    first, test = json.loads(run(short_log, *asked, "--json").output)["next"]
    assert shlex.split(first) == [
        "winback", "define", short_log, "--on-bad-row", "skip", "--horizon-days", "18.0",
        "--min-active-days", "4", "--out", "rules.yaml",
    ]  # fmt: skip
    assert run(*shlex.split(first)[2:]).exception is None
    result = CliRunner().invoke(winback, [*shlex.split(test)[1:], "--json"], standalone_mode=False)
    assert result.exception is None
    assert json.loads(result.output)["horizon_days"] == 18


def test_rules_are_not_overwritten_by_mistake(log: str) -> None:
    Path("rules.yaml").write_text("version: 1\n", encoding="utf-8")
    refused = run(log, "--out", "rules.yaml")
    assert isinstance(refused.exception, UserError)
    assert (refused.exception.exit_code, refused.exception.hint[-7:]) == (2, "--force")
    assert Path("rules.yaml").read_text(encoding="utf-8") == "version: 1\n"
    assert run(log, "--out", "rules.yaml", "--force").exception is None
    assert "horizon" in Path("rules.yaml").read_text(encoding="utf-8")


def test_facts_are_one_json_object(log: str) -> None:
    facts = json.loads(run(log, "--json").output)
    assert facts["events"] == len(synthetic.rows(120, 200))
    assert {row["days"] for row in facts["horizons"]} >= {7, 10, 14, 21}
    assert facts["why"]
    assert facts["rules"] is None


def test_what_cannot_be_said_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, "ada,2017-01-01T10:00:00Z,purchase,3.5\n")
    result = run(path, "--out", "rules.yaml")
    assert result.exception is None
    assert result.return_value == 1
    assert "cannot say, because the log covers 0 days" in result.output
    assert "or decide yourself: --horizon-days H" in " ".join(result.output.split())
    assert not Path("rules.yaml").exists()
    assert run(path, "--out", "rules.yaml", "--horizon-days", "30").return_value == 0
    assert parse_rules(Path("rules.yaml").read_text(encoding="utf-8")).horizon_days == 30


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("", "there is no event in it"),
        ("ada,2017-01-02T10:00:00Z,buy,\nada,2017-01-01T10:00:00Z,buy,\n", "comes after"),
        ("ada,2017-01-02T10:00:00Z,buy,much\n", "'much' is no finite number"),
        ("ada,2017-01-02T10:00:00Z,buy,nan\n", "'nan' is no finite number"),
        ("ada,2999-01-02T10:00:00Z,buy,1\n", "all events lie in the future"),
    ],
)
def test_a_bad_log_is_told_in_words(tmp_path: Path, rows: str, says: str) -> None:
    result = run(written(tmp_path, rows))
    assert isinstance(result.exception, UserError)
    assert says in result.exception.message
    assert result.exception.exit_code == 2


def test_bad_rows_can_be_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, "ada,2017-01-02T10:00:00Z,buy,nan\nada,2017-01-02T10:00:00Z,buy,1\n")
    facts = json.loads(run(path, "--on-bad-row", "skip", "--json").output)
    assert (facts["events"], facts["rows_skipped"]) == (1, 1)


@pytest.mark.parametrize("place", ["no/such/place.yaml", "."])
def test_a_place_that_cannot_be_written_is_told_before_the_log_is_read(
    log: str, place: str
) -> None:
    result = run(log, "--out", place)
    assert isinstance(result.exception, UserError)
    assert place in result.exception.message


def test_json_lines_and_gzip_are_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    event = {"user_id": "ada", "event": "buy", "event_time": "2017-01-02T10:00:00Z",
             "event_id": "1", "amount": 3, "currency": "USD"}  # fmt: skip
    path.write_bytes(gzip.compress(json.dumps(event).encode()))
    facts = json.loads(run(str(path), "--json").output)
    assert (facts["events"], facts["currencies"]) == (1, {"USD": 1})


def test_names_that_would_spoil_a_terminal_are_printed_plainly(tmp_path: Path) -> None:
    rows = "".join(
        f"ada,2017-01-0{day}T10:00:00Z,\x1b[31m[bold]red{'!' * 60},\n" for day in range(1, 8)
    )
    output = run(written(tmp_path, rows)).output
    assert "\x1b" not in output
    assert "[bold]red" in output
