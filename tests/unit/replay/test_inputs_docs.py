"""What the cookbook and the page on inputs tell people to type works, and says what they show."""

import json
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import winback
from streams.core.rules_file import parse_rules

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "inputs"
LONG, SHORT = "$1 % 10 == 1", '$1 % 100 == 1 && $2 < "1997-08"'
"""What is typed, and what takes less time and does the same."""
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
STORY = {"m-1001": 10_000, "m-1002": 5_990}


def typed(page: str) -> list[tuple[str, str]]:
    """Return what is typed, and what is shown, in order."""
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


@pytest.fixture
def typing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return what types a script as a person would, line by line, and returns what is said."""
    monkeypatch.setenv("WINBACK", str(ROOT))
    monkeypatch.chdir(tmp_path)

    def bash(line: str) -> str:
        command = ["bash", "-e", "-o", "pipefail", "-c", line]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def type_line(line: str) -> str:
        if line.startswith("cd "):
            monkeypatch.chdir(bash(f"echo {line.removeprefix('cd ')}").strip())
            return ""
        if not line.startswith("winback "):
            return bash(line)
        arguments = shlex.split(line, comments=True)[1:]
        result = CliRunner().invoke(winback, arguments, standalone_mode=False)
        assert result.return_value in {0, None}, f"{line}\n{result.output}{result.exception}"
        assert result.exception is None, line
        return result.stdout

    def type_all(script: str) -> str:
        assert LONG in script
        lines = script.replace(LONG, SHORT).splitlines()
        return "".join(type_line(line) for line in lines if line.strip())

    return type_all


def test_the_page_leads_from_a_dump_to_a_report(typing: Callable[[str], str]) -> None:
    said = typing("\n".join(text for kind, text in typed("inputs.md") if kind == "sh"))
    assert "understood:" in said
    assert "REFUSED" not in said
    assert Path("alerts.csv").read_text().count("\n") > 1
    assert "<svg" in Path("report.html").read_text(encoding="utf-8")


def test_the_cookbook_shows_what_its_commands_say(typing: Callable[[str], str]) -> None:
    blocks = typed("cookbook.md")
    script = "\n".join(text for kind, text in blocks if kind == "sh")
    said = typing(re.sub(r"^winback backtest .*$", "", script, flags=re.MULTILINE))  # above
    lines = {line.strip() for line in said.splitlines()}
    shown = [line for kind, text in blocks if kind == "text" for line in text.splitlines()]
    assert len(shown) > 10
    assert [line for line in shown if line.strip() not in lines] == []
    assert "proposal: " in said


def test_the_rules_of_the_cookbook_are_rules() -> None:
    text = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
    rules = re.findall(r"^```yaml\n(inputs:.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(rules) == len(list(EXAMPLES.glob("*.yaml"))) - 1, "Canal's are those of Debezium"
    assert all(parse_rules(one).sources for one in rules)


@pytest.mark.parametrize(
    ("name", "worth"),
    [
        ("segment.jsonl", STORY), ("sensors.jsonl", STORY), ("cloudevents.jsonl", STORY),
        ("orders.csv", STORY), ("canal.jsonl", {"1001": 10_000, "1002": 5_990}),
        ("debezium.jsonl", {"1001": 10_000, "1002": 5_990 + 1_250}),
    ],
)  # fmt: skip
def test_every_example_tells_the_same_story(
    name: str, worth: dict[str, int], tmp_path: Path
) -> None:
    rules, out = EXAMPLES / f"{Path(name).stem}.yaml", tmp_path / "log.jsonl"
    assert worth_of(EXAMPLES / name, rules, out) == worth


@pytest.mark.parametrize("name", ["segment.jsonl", "sensors.jsonl", "cloudevents.jsonl",
                                  "orders.csv", "canal.jsonl", "debezium.jsonl"])  # fmt: skip
def test_what_is_proposed_for_an_example_finds_its_money(name: str, tmp_path: Path) -> None:
    """Only the staff, whose orders are tests, must be told apart by people."""
    guessed, out, others = tmp_path / "rules.yaml", tmp_path / "log.jsonl", tmp_path / "o.jsonl"
    result = CliRunner().invoke(
        winback, ["init", str(EXAMPLES / name), "-o", str(guessed)], standalone_mode=False
    )
    assert result.return_value == 0, result.output
    found = worth_of(EXAMPLES / name, guessed, out)
    truth = worth_of(EXAMPLES / name, EXAMPLES / f"{Path(name).stem}.yaml", others)
    staff = found.keys() - truth.keys()
    assert {found[user] for user in staff} == {100}
    assert found == truth | dict.fromkeys(staff, 100)


def worth_of(dump: Path, rules: Path, out: Path) -> dict[str, int]:
    """Return what each user is worth in the end, in fen."""
    arguments = ["inputs", "convert", str(dump), "--rules", str(rules), "-o", str(out)]
    result = CliRunner().invoke(winback, arguments, standalone_mode=False)
    assert result.return_value == 0, result.output
    assert "refused" not in result.output
    net: Counter[str] = Counter()
    for event in map(json.loads, out.read_text(encoding="utf-8").splitlines()):
        sign = {"purchase": 1, "refund": -1}.get(event["event"], 0)
        net[event["user_id"]] += round(100 * sign * event.get("amount", 0))
    return {user: cents for user, cents in net.items() if cents}
