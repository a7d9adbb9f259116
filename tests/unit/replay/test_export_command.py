"""``winback export``: what it writes, and how it fails."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.errors import Exit, UserError
from tests.unit.replay.exporting import booster


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, ["export", *arguments], standalone_mode=False)


FROM = ("--horizon-days", "12", "--min-active-days", "3")


def test_the_command_writes_what_it_says(
    tables: dict[str, pa.Table], small_log: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run("all", "--from", small_log, *FROM, "--out", str(out), "--json")
    assert result.exception is None
    said = json.loads(result.output)
    assert said["rows"] == {name: table.num_rows for name, table in tables.items()}
    assert sorted(path.name for path in out.iterdir()) == sorted(said["files"].values())
    for name, file in said["files"].items():
        assert pq.read_table(out / file).equals(tables[name])
    assert "WINBACK_ID_KEY" in said["remarks"][0]


def test_examples_alone_need_no_learning_and_are_the_same(
    tables: dict[str, pa.Table], small_log: str, tmp_path: Path
) -> None:
    result = run("examples", "--from", small_log, *FROM, "--out", str(tmp_path))
    assert result.exception is None
    assert f"exported {tables['examples'].num_rows:,} examples to" in result.output
    assert pq.read_table(tmp_path / "examples.parquet").equals(tables["examples"])
    assert [path.name for path in tmp_path.iterdir()] == ["examples.parquet"]


def test_users_are_hashed_with_the_key_of_the_deployment(
    tables: dict[str, pa.Table],
    small_log: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WINBACK_ID_KEY", "a secret of sixteen characters")
    result = run("outcomes", "--from", small_log, *FROM, "--out", str(tmp_path), "--json")
    assert json.loads(result.output)["remarks"] == []
    table = pq.read_table(tmp_path / "outcomes.parquet")
    assert not {*table["user"].to_pylist()} & {*tables["outcomes"]["user"].to_pylist()}
    assert len({*table["user"].to_pylist()}) == len({*tables["outcomes"]["user"].to_pylist()})


def test_a_table_that_is_there_is_replaced_only_by_force(small_log: str, tmp_path: Path) -> None:
    there = tmp_path / "examples.parquet"
    there.write_bytes(b"work of a week")
    arguments = ("examples", "--from", small_log, *FROM, "--out", str(tmp_path))
    refused = run(*arguments)
    assert isinstance(refused.exception, UserError)
    assert "is there already" in refused.exception.message
    assert there.read_bytes() == b"work of a week"
    assert run(*arguments, "--force").exception is None
    assert pq.read_table(there).num_rows > 500


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "LOG"], "which silence is churn?"),
        (["--horizon-days", "12"], "are for a log"),
        (["--guest", "a=b"], "are for a log"),
        (["--coverage", "gaps.csv"], "are for a log"),
        (["--from", "no.csv", *FROM], "no such file"),
        (["--from", "LOG", *FROM, "--guest", "a=b.txt"], "belong together"),
        (["--from", "LOG", *FROM, "--guests-since", "2017-02-01"], "belong together"),
        (["--from", "LOG", *FROM, "--guest", "a", "--guests-since", "2017-02-01"], "NAME=FILE"),
        (["--from", "LOG", *FROM, "--guest", "a=b", "--guests-since", "soon"], "'soon'"),
        (
            ["--from", "LOG", *FROM, "--guest", "a=no", "--guests-since", "2017-02-01"],
            "no cannot be read",
        ),
        (
            ["--from", "LOG", *FROM, "--guest", "a=LOG", "--guests-since", "2017-02-01"],
            "cannot play",
        ),
        (["--from", "LOG", *FROM, "--out", "LOG"], "cannot be made"),
    ],
)
def test_a_mistake_is_told_in_words(
    short_log: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    filled = [argument.replace("LOG", short_log) for argument in arguments]
    result = run("all", "--out", "out", *filled)
    assert isinstance(result.exception, UserError)
    assert says in result.exception.message
    assert result.exception.exit_code == Exit.USAGE
    assert list(tmp_path.iterdir()) == [], "a mistake leaves nothing behind"


def test_without_pyarrow_the_extra_is_named(
    short_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("all", "--from", short_log, *FROM, "--out", str(tmp_path / "out"))
    assert isinstance(result.exception, UserError)
    assert "winback[export]" in result.exception.hint
    assert not (tmp_path / "out").exists()


def test_a_bad_row_in_the_middle_leaves_no_half_table(tmp_path: Path) -> None:
    log, begin_ms = tmp_path / "bad.csv", synthetic.START_MS
    good = [f"ada,{begin_ms + 60_000 * row},purchase,1\n" for row in range(9_000)]
    bad = "ada,2017-02-29T10:00:00Z,purchase,1\n"
    log.write_text("".join(["user_id,ts,event,amount\n", *good, bad]), encoding="utf-8")
    result = run("all", "--from", str(log), *FROM, "--out", str(tmp_path / "out"))
    assert isinstance(result.exception, UserError)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_guest_that_comes_after_the_end_of_the_log_is_told(
    short_log: str, tmp_path: Path
) -> None:
    path = tmp_path / "trees.txt"
    path.write_text(booster(), encoding="utf-8")
    result = run("predictions", "--from", short_log, *FROM, "--out", str(tmp_path), "--json",
                 "--guest", f"late={path}", "--guests-since", "2019-01-01")  # fmt: skip
    assert result.exception is None
    assert json.loads(result.output)["remarks"][0].startswith("guest_late did not play")
    table = pq.read_table(tmp_path / "predictions.parquet")
    assert table["guest_late"].null_count == table.num_rows > 0


def test_a_guest_is_graded_in_a_back_test(small_log: str, tmp_path: Path) -> None:
    path = tmp_path / "trees.txt"
    path.write_text(booster(), encoding="utf-8")
    arguments = ["backtest", small_log, *FROM, "--guest", f"mine={path}",
                 "--guests-since", "2017-01-20", "--json"]  # fmt: skip
    result = CliRunner().invoke(winback, arguments, standalone_mode=False)
    assert result.exception is None
    standings = {entry["name"]: entry for entry in json.loads(result.output)["model"]["models"]}
    assert standings["guest_mine"]["grades"]["outcomes"] > 50
    assert standings["guest_mine"]["examples"] == 600


def _program(out: Path, log: str) -> list[str]:
    program = str(Path(sys.executable).with_name("winback"))
    return [program, "export", "all", "--from", log, "--horizon-days", "30", "--out", str(out)]


def test_a_full_disk_is_told_and_leaves_nothing(short_log: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        _program(out, short_log), text=True, capture_output=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000)),
    )  # fmt: skip
    assert done.returncode == Exit.FAILED
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(out.iterdir()) == []


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    log = str(Path(__file__).parents[3] / "data" / "complete_journey.csv.gz")
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(_program(out, log), stderr=subprocess.PIPE, env=environ) as process:
        waited_until = time.monotonic() + 40
        while len(list(out.glob("*.part"))) < 3 and time.monotonic() < waited_until:
            time.sleep(0.05)
        assert len(list(out.glob("*.part"))) == 3, "a half table has another name"
        assert not list(out.glob("*.parquet"))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=40)
    assert process.returncode == Exit.INTERRUPTED
    assert b"interrupted" in said
    assert b"Traceback" not in said
    assert list(out.iterdir()) == []
