"""``winback simulate`` as a user meets it."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from streams.commands.replay import replay
from streams.commands.simulate import simulate
from streams.errors import UserError
from streams.simulation import simulate as room
from streams.simulation.catalogue import SCENARIOS
from streams.simulation.referee import Referee, Violation
from streams.simulation.run import Run

SMALL = ("--users", "15", "--days", "20")


def run(*args: str) -> Result:
    return CliRunner().invoke(simulate, args, standalone_mode=False)


def test_the_list_names_every_scenario() -> None:
    listed = run("--list").output

    assert all(name in listed for name in SCENARIOS)


def test_an_unknown_scenario_is_refused_with_the_nearest_name() -> None:
    found = run("--scenario", "stedy")

    assert isinstance(found.exception, UserError)
    assert "'steady'" in found.exception.hint


def test_one_world_is_told_in_lines_and_several_in_a_table() -> None:
    one, table = run(*SMALL), run(*SMALL, "--policy", "full", "--policy", "random")

    assert one.return_value == 0
    assert "detection" in one.output
    assert "nothing broken" in one.output
    assert table.output.count("steady") == 2
    assert "2 worlds, 0 violations" in table.output


def test_a_world_as_json_and_as_files_that_replay_reads(tmp_path: Path) -> None:
    found = run(*SMALL, "--json", "--out", str(tmp_path / "world"))
    verdicts = msgspec.json.decode(found.output)
    log, rules = tmp_path / "world" / "events.jsonl", tmp_path / "world" / "rules.yaml"

    again = CliRunner().invoke(
        replay, [str(log), "--rules", str(rules), "--partitions", "2", "--json", "-q"],
        standalone_mode=False,
    )  # fmt: skip

    assert verdicts["violations"] == []
    assert msgspec.json.decode(again.output)["users"] == 15
    assert len((tmp_path / "world" / "truth.jsonl").read_text().splitlines()) == 15
    for name in ("touches", "decisions", "feedback", "arrivals", "exposures"):
        assert (tmp_path / "world" / f"{name}.jsonl").exists()


def test_rules_and_playbooks_of_ones_own(tmp_path: Path) -> None:
    rules, books = tmp_path / "rules.yaml", tmp_path / "books.yaml"
    rules.write_text(
        "mode: observe\nchurn: {horizon: 4d, min_active_days: 3}\n"
        "budget: {touches_per_day: 1}\nmoney: {currency: USD}\n"
    )
    books.write_text(
        "playbooks:\n  - name: own\n    steps: [{channel: email, template_key: own}]\n"
    )

    found = run(*SMALL, "--rules", str(rules), "--playbooks", str(books), "--json")

    verdicts = msgspec.json.decode(found.output)
    assert verdicts["harm"]["touches"] > 0
    assert [use["budget"] for use in verdicts["spending"]] == [1]
    assert verdicts["violations"] == []


def test_it_does_not_matter_how_many_processes_run_the_worlds() -> None:
    many = (*SMALL, "--worlds", "3", "--json")

    assert run(*many, "--jobs", "2").output == run(*many, "--jobs", "1").output


def test_what_a_process_complains_of_is_said_here(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("budget: {touches_per_day: -1}\n")
    broken = run("--rules", str(tmp_path / "rules.yaml"), "--worlds", "2", "--jobs", "2")

    assert isinstance(broken.exception, UserError)
    assert "touches_per_day" in broken.exception.message


def test_a_file_that_is_not_there_is_said() -> None:
    assert isinstance(run("--rules", "nowhere.yaml").exception, UserError)


def test_a_broken_rule_is_exit_code_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Strict(Referee):
        def watch(self, run: Run) -> None:
            super().watch(run)
            self.violations.append(Violation("ada", "2024-01-01T00:00:00Z", "planted", "by hand"))

    monkeypatch.setattr(room, "Referee", Strict)
    found = run(*SMALL)

    assert found.return_value == 1
    assert "1 VIOLATIONS" in found.output
    assert "planted" in found.output
