"""Export: the tables are what was learned and said, and no row knows what came after it."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic

from models.boosted import BadTreesError, Trees
from models.catalogue import CATALOGUE, CHAMPION, MIX
from models.challengers import TreesScorer
from models.features import FEATURES, PLAIN_WIDTH, Rhythm, features, features_hash
from models.questions import joined
from streams.replay import parquet
from streams.replay.backtest import Asked, Backtest
from streams.replay.dataset import hexes
from streams.replay.files import EventLog
from streams.replay.guests import guests_of
from streams.replay.instants import instant_ms, short_iso
from tests.unit.replay.exporting import (
    DAYS,
    HORIZON_MS,
    NAMES,
    NOW_MS,
    STATE,
    Harvested,
    booster,
    column,
    rows_of,
)

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


def test_rows_are_in_the_order_in_which_they_matured(tables: dict[str, pa.Table]) -> None:
    for table in (tables["outcomes"], tables["predictions"]):
        times = column(table, "matured_at").tolist()
        assert all(before <= after for before, after in pairwise(times))
