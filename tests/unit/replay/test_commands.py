"""The commands of this room as a user mistypes them: words, exit codes, no stack trace."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.errors import UserError
from streams.replay.feed import Pace

LOG = "user_id,ts,event,amount\nada,2017-01-01T10:00:00Z,purchase,3.5\n"


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "日志.csv"
    path.write_text(LOG, encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, list(arguments), standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay", "LOG", "--save-model", "m.json"], "--save-model has nothing to save"),
        (["replay", "LOG", "--rules", "no.yaml"], "rules no.yaml cannot be read"),
        (["replay", "LOG", "--model-file", "no.json"], "model no.json cannot be read"),
        (["replay", "LOG", "--state", "/no/such/place"], "cannot be written"),
        (["replay", "no.csv"], "no such file"),
        (["backtest", "LOG"], "which silence is churn?"),
        (["backtest", "LOG", "--horizon-days", "30", "--points", "p.csv"], "belong together"),
        (
            ["backtest", "LOG", "--horizon-days", "30", "--kinds", "a,b,c,d,e,f,g"],
            "at most 6 kinds",
        ),
        (["backtest", "LOG", "--horizon-days", "30", "--kinds", "a,,b"], "is empty"),
        (["backtest", "LOG", "--horizon-days", "30", "--kinds", "a,b,a"], "'a' is there twice"),
        (["backtest", "LOG", "--horizon-days", "30", "--since", "soon"], "--since: 'soon'"),
        (["backtest", "LOG", "--horizon-days", "9", "--points", "no", "--scores", "s"], "no such"),
        (["explain", "bob", "LOG"], "user 'bob' has no event"),
        (["explain", "ada", "LOG", "--kafka"], "exclude each other"),
        (["coverage", "add"], "it is either --from or --file"),
        (["coverage", "add", "--file", "f", "--to", "2017-05-01"], "it is either --from or"),
        (["coverage", "add", "--file", "no.csv"], "no such file"),
        (["coverage", "add", "--from", "soon"], "--from: soon is no instant"),
        (["coverage", "add", "--from", "2017-05-02", "--to", "2017-05-02"], "ends after it begins"),
        (["coverage", "remove"], "--from is missing"),
        (["replay", "LOG", "--coverage", "LOG"], "line 1: no columns from and to"),
        (["feed", "no.csv"], "no such file"),
        (["feed", "LOG", "--timezone", "Mars/Olympus"], "there is no zone"),
    ],
)
def test_a_mistake_is_told_in_words(log: str, arguments: list[str], says: str) -> None:
    result = run(*[log if argument == "LOG" else argument for argument in arguments])
    assert isinstance(result.exception, UserError)
    assert says in result.exception.message
    assert result.exception.exit_code == 2
    assert [path.name for path in Path().iterdir()] == ["日志.csv"], (
        "a mistake leaves no file behind"
    )


@pytest.mark.parametrize(
    "arguments", [["replay"], ["backtest", "--horizon-days", "30"], ["explain", "ada"]]
)
def test_facts_are_one_json_object(log: str, arguments: list[str]) -> None:
    result = run(*arguments, log, "--json")
    assert result.exception is None
    assert isinstance(json.loads(result.output), dict)


def test_what_leaving_means_is_said_by_the_rules_unless_the_command_says_it(log: str) -> None:
    Path("rules.yaml").write_text("churn: {horizon: 12d, min_active_days: 3}\n", encoding="utf-8")

    def horizon(*options: str) -> float:
        result = run("backtest", log, "--rules", "rules.yaml", "--json", *options)
        return float(json.loads(result.output)["horizon_days"])

    assert horizon() == 12
    assert horizon("--horizon-days", "30") == 30


@pytest.mark.parametrize(("language", "says"), [("en", "too little is known"), ("zh", "了解太少")])
def test_an_explanation_speaks_two_languages(log: str, language: str, says: str) -> None:
    result = run("explain", "ada", log, "--lang", language, "--at", "2017-01-05")
    assert result.exception is None
    assert says in result.output


def test_a_replay_writes_the_state_of_every_user(log: str, tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    assert run("replay", log, "--state", str(path)).exception is None
    (user,) = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert user["user_id"] == "ada"
    assert (user["events_applied"], user["active_days"], user["value_net_minor"]) == (1, 1, 350)
    assert user["last_event_at"] == user["first_event_at"] == "2017-01-01T10:00:00Z"
    assert (user["lifecycle_stage"], user["case"]) == ("new", None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "--state"), ("replay", "--decisions", "/dev/null", "--touches", "/dev/null",
        "--state"), ("backtest", "--horizon-days", "3", "--alerts"),
        ("backtest", "--horizon-days", "3", "--risk"),
    ],
)  # fmt: skip
def test_a_full_disk_is_said_in_words(log: str, arguments: tuple[str, ...]) -> None:
    command, *options = arguments
    result = run(command, log, *options, "/dev/full")
    assert isinstance(result.exception, UserError)
    assert "/dev/full cannot be written: No space left on device" in result.exception.message


def test_a_pace_lets_go_what_is_due() -> None:
    now = [0.0]
    pace = Pace(speed=1_000.0, rate=None, clock=lambda: now[0])
    times = [0, 500, 1_000, 5_000]
    assert pace.due(times, 0) == 1
    now[0] = 0.001  # one second of event time
    assert pace.due(times, 1) == 3
    assert pace.due(times, 3) == 3
    full = Pace(None, None, lambda: now[0])
    assert full.due(times, 0) == 4


def test_a_rate_counts_what_was_sent() -> None:
    now = [10.0]
    pace = Pace(speed=None, rate=2.0, clock=lambda: now[0])
    times = [0] * 10
    assert pace.due(times, 0) == 1
    pace.sent = 1
    now[0] = 11.0
    assert pace.due(times, 1) == 3
