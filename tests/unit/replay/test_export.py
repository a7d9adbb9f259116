"""Export: the tables are what was learned and said, and no row knows what came after it."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic
from click.testing import CliRunner, Result

from models.boosted import BadTreesError, Trees
from models.catalogue import CATALOGUE, CHAMPION, MIX
from models.challengers import TreesScorer
from models.features import FEATURES, PLAIN_WIDTH, Rhythm, features, features_hash
from models.questions import Examples, Matured, joined
from streams.cli import winback
from streams.core.rules import Rules
from streams.errors import Exit, UserError
from streams.replay import parquet
from streams.replay.backtest import Asked, Backtest
from streams.replay.dataset import Dataset, Origin, hexes
from streams.replay.files import EventLog
from streams.replay.guests import NOBODY, Guests, guests_of
from streams.replay.harvest import Harvest
from streams.replay.instants import instant_ms, short_iso
from streams.replay.rulebook import most_frequent_kinds, redefined, rules_at

NOW_MS = 1_600_000_000_000
DAYS = 90
HORIZON_MS = 12 * synthetic.DAY_MS
NAMES = [feature.name for feature in FEATURES[:PLAIN_WIDTH]]
STATE = [f"state_{column.name.lower()}" for column in Rhythm]
TABLES = ("examples", "outcomes", "predictions")


class Harvested:
    """What a log taught, as it came."""

    def __init__(self, log: str, guests: Guests = NOBODY) -> None:
        self.rules = rules_of(log)
        self.pieces: list[Examples | Matured] = []
        harvest = Harvest(self.rules, self.pieces.append, NOW_MS, asks=True, guests=guests)
        harvest.run(EventLog(log, block_rows=97).blocks())
        self.versions = harvest.versions
        self.models = (*CATALOGUE, *guests.names)

    @property
    def examples(self) -> Examples:
        parts = [piece for piece in self.pieces if isinstance(piece, Examples)]
        return Examples(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    @property
    def matured(self) -> Matured:
        found = joined([piece for piece in self.pieces if isinstance(piece, Matured)])
        assert found is not None
        return found

    def write(self, folder: Path, *, may_overwrite: bool = False) -> dict[str, pa.Table]:
        origin = Origin(self.rules, "log small.csv", self.models)
        with Dataset(folder, TABLES, origin, may_overwrite=may_overwrite) as dataset:
            for piece in self.pieces:
                dataset.add(piece)
            dataset.keep(self.versions)
        return {table: pq.read_table(folder / f"{table}.parquet") for table in TABLES}


def rules_of(log: str) -> Rules:
    kinds = most_frequent_kinds(EventLog(log).head(), rules_at(""))
    return redefined(rules_at(""), horizon_days=12, min_active_days=3, kinds=kinds)


def column(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    """Return a column as the array it was made of; null is NaN again."""
    found: np.ndarray[Any, Any] = table[name].to_numpy()
    is_time = found.dtype.kind == "M"
    return found.astype("datetime64[ms]").astype(np.int64).astype(np.float64) if is_time else found


def rows_of(table: pa.Table, names: list[str]) -> np.ndarray[Any, Any]:
    return np.column_stack([column(table, name) for name in names])


def booster(width: int = PLAIN_WIDTH, names: list[str] | str = "auto") -> str:
    chance = np.random.default_rng(5)
    rows = chance.normal(size=(600, width))
    data = lightgbm.Dataset(rows, rows[:, 0] > 0, feature_name=names)
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    text: str = lightgbm.train(options, data, 3).model_to_string()
    return text


@pytest.fixture(scope="module")
def harvested(small_log: str) -> Harvested:
    return Harvested(small_log)


@pytest.fixture(scope="module")
def tables(harvested: Harvested, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    return harvested.write(tmp_path_factory.mktemp("tables") / "new" / "folder")


# -- what is in them


def test_examples_come_back_as_they_were_learned(
    harvested: Harvested, tables: dict[str, pa.Table]
) -> None:
    examples, table = harvested.examples, tables["examples"]
    assert table.num_rows == len(examples.active) > 500
    for name in ("opened_at_ms", "matured_at_ms"):
        assert np.array_equal(column(table, name.removesuffix("_ms")), getattr(examples, name))
    assert np.array_equal(column(table, "active"), examples.active)
    assert np.array_equal(column(table, "weight"), examples.weight)
    assert rows_of(table, NAMES).tobytes() == examples.rows[:, :PLAIN_WIDTH].tobytes()


def test_predictions_are_the_history_of_a_back_test(
    harvested: Harvested, tables: dict[str, pa.Table], small_log: str
) -> None:
    asked = Asked(points=None, scores=None, risk=None, alerts=None, since_ms=0, partitions=1)
    test = Backtest(harvested.rules, asked, NOW_MS)
    test.run(EventLog(small_log).blocks())
    history = joined(test.apprentice.roster.history)
    assert history is not None
    known = len(history.users)
    table = tables["predictions"].slice(0, known)
    assert 100 < known <= tables["predictions"].num_rows
    assert table["user"].to_pylist() == hexes(history.users)
    assert np.array_equal(column(table, "opened_at"), history.opened_at_ms)
    assert np.array_equal(column(table, "churned"), history.churned)
    said = {"said": history.said, "raw": history.raw, "calibrated": history.candidate}
    for name, values in (said | history.models).items():
        assert np.array_equal(column(table, name), values, equal_nan=True), name
    assert rows_of(table, NAMES).tobytes() == history.rows[:, :PLAIN_WIDTH].tobytes()
    assert history.heads is not None
    assert np.array_equal(rows_of(table, STATE), history.heads[:, : len(Rhythm)])
    assert not table["said"].null_count
    assert not table[CHAMPION].null_count
    assert table[MIX].null_count == known, "so few examples make no trees"


def test_outcomes_are_what_became_of_the_users_in_the_log(
    harvested: Harvested, tables: dict[str, pa.Table], small_log: str
) -> None:
    with Path(small_log).open(encoding="utf-8", newline="") as file:
        events = [(row["user_id"], instant_ms(row["ts"])) for row in csv.DictReader(file)]
    times: dict[str, list[int]] = {}
    for user_id, at_ms in events:
        times.setdefault(harvested.rules.ids.token(user_id, at_ms).hex(), []).append(at_ms)
    table = tables["outcomes"]
    opened = column(table, "opened_at").tolist()
    asked = zip(table["user"].to_pylist(), opened, table["churned"].to_pylist(), strict=True)
    for user, at_ms, churned in asked:
        assert churned == all(not 0 <= time - at_ms < HORIZON_MS for time in times[user])
        assert len({time // synthetic.DAY_MS for time in times[user] if time < at_ms}) >= 3
    assert table.equals(tables["predictions"].select(table.column_names).cast(table.schema))
    assert 0.1 < np.mean(table["churned"].to_pylist()) < 0.9


def test_every_column_says_what_it_is(harvested: Harvested, tables: dict[str, pa.Table]) -> None:
    for name, table in tables.items():
        said = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        assert said["table"] == name
        assert said["features_hash"] == features_hash()
        assert said["rules_hash"] == harvested.rules.hash
        assert int(said["horizon_ms"]) == 4 * int(said["period_ms"]) == HORIZON_MS
        assert said["winback_version"]
        assert all(b"role" in field.metadata for field in table.schema)
        for time_name in ("opened_at", "matured_at"):
            assert table.schema.field(time_name).type == pa.timestamp("ms", tz="UTC")
    for feature in FEATURES[:PLAIN_WIDTH]:
        field = tables["examples"].schema.field(feature.name)
        found = {key: value.decode() for key, value in field.metadata.items()}
        assert found[b"formula"] == feature.formula
        assert found[b"unit"] == feature.unit
        assert found[b"group"] == feature.group
        assert field.type == pa.float32()


def test_the_models_are_named_as_they_are_at_the_end(harvested: Harvested, tmp_path: Path) -> None:
    harvested.write(tmp_path)
    foot = pq.read_metadata(tmp_path / "predictions.parquet").metadata
    versions = json.loads(foot[b"models"])
    learned = len(harvested.examples.active)
    assert list(versions) == list(CATALOGUE)
    assert versions[CHAMPION].startswith(f"{CHAMPION}.{learned}.")


def test_row_groups_bound_what_is_kept_in_memory(
    harvested: Harvested,
    tables: dict[str, pa.Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 100)
    again = harvested.write(tmp_path)
    for name, table in again.items():
        assert table.equals(tables[name])
        foot = pq.read_metadata(tmp_path / f"{name}.parquet")
        sizes = [foot.row_group(place).num_rows for place in range(foot.num_row_groups)]
        assert max(sizes) <= 100 < sum(sizes)


# -- laws


def test_features_are_those_of_the_instant_of_the_question(tables: dict[str, pa.Table]) -> None:
    table = tables["predictions"]
    rows = features(rows_of(table, STATE), column(table, "opened_at"), float(HORIZON_MS))
    assert rows_of(table, NAMES).tobytes() == rows[:, :PLAIN_WIDTH].astype(np.float32).tobytes()
    assert (column(table, "state_last") < column(table, "opened_at")).all()


@pytest.mark.parametrize("day", [44.4, 65.0])
def test_no_row_knows_what_came_after_it_had_matured(
    tables: dict[str, pa.Table], tmp_path: Path, day: float
) -> None:
    until_ms = int(synthetic.START_MS + day * synthetic.DAY_MS)
    rows = [row for row in synthetic.rows(40, DAYS) if row[0] < until_ms]
    shorter = Harvested(synthetic.log(tmp_path / "short.csv", rows)).write(tmp_path / "out")
    newest_ms = rows[-1][0]
    for name, table in tables.items():
        found = []
        for whole in (table, shorter[name]):
            early = whole.filter(pa.array(column(whole, "matured_at") <= newest_ms))
            found.append(sorted(map(repr, early.to_pylist())))
        assert len(found[0]) > 20
        assert found[0] == found[1], name


def test_a_guest_is_asked_only_after_it_has_entered_and_says_what_its_trees_say(
    small_log: str, tmp_path: Path
) -> None:
    since = short_iso(synthetic.START_MS + 40 * synthetic.DAY_MS)
    path = tmp_path / "trees.txt"
    path.write_text(booster(), encoding="utf-8")
    guests = guests_of([f"mine={path}"], since, HORIZON_MS)
    table = Harvested(small_log, guests).write(tmp_path / "out")["predictions"]

    said, opened = column(table, "guest_mine"), column(table, "opened_at")
    is_silent = np.isnan(said)
    assert 50 < np.count_nonzero(is_silent) < len(said) - 50
    assert opened[is_silent].max() < instant_ms(since) + HORIZON_MS / 16
    assert opened[~is_silent].min() >= instant_ms(since)
    trees = TreesScorer(Trees(booster()), "mine", 600, HORIZON_MS)
    quiet = trees.quiet(rows_of(table, STATE), opened)
    assert np.array_equal(said[~is_silent], quiet[~is_silent])


def test_a_guest_changes_nothing_that_others_say(
    tables: dict[str, pa.Table], small_log: str, tmp_path: Path
) -> None:
    path = tmp_path / "trees.txt"
    path.write_text(booster(), encoding="utf-8")
    guests = guests_of([f"mine={path}"], short_iso(synthetic.START_MS), HORIZON_MS)
    table = Harvested(small_log, guests).write(tmp_path / "out")["predictions"]
    names = tables["predictions"].column_names
    assert table.select(names).equals(tables["predictions"])


def test_trees_over_our_features_in_another_order_are_refused() -> None:
    assert Trees(booster(names=NAMES)).width == PLAIN_WIDTH
    for names in (NAMES[::-1], [f"mine_{name}" for name in NAMES]):
        with pytest.raises(BadTreesError, match="not ours in our order"):
            Trees(booster(names=names))


# -- the command


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
        (["--from", "LOG"], "--from needs --horizon-days"),
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


def test_rows_are_in_the_order_in_which_they_matured(tables: dict[str, pa.Table]) -> None:
    for table in (tables["outcomes"], tables["predictions"]):
        times = column(table, "matured_at").tolist()
        assert all(before <= after for before, after in pairwise(times))
