"""Stories of event logs as Parquet: they say what the same log as csv says."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UserError
from streams.replay.events import encoded
from streams.replay.files import EventLog, Format, OnBadRow
from streams.replay.instants import zone_named
from tests.unit.replay.test_files import complaint, rows_of

TEN = datetime(2017, 1, 1, 10, tzinfo=UTC)
CSV = """user_id,ts,event,amount,event_id,currency,shop
ada,2017-01-01T10:00:00Z,buy,3.5,e7,EUR,north
bob,2017-01-01T10:00:00Z,visit,,,,
"""
COLUMNS: dict[str, Any] = {
    "user_id": ["ada", "bob"],
    "ts": [TEN, TEN],
    "event": ["buy", "visit"],
    "amount": [3.5, None],
    "event_id": ["e7", None],
    "currency": ["EUR", None],
    "shop": ["north", None],
}


def log_of(directory: Path, columns: dict[str, Any], **options: Any) -> EventLog:
    path = directory / "log.parquet"
    pq.write_table(pa.table(columns), path)
    return EventLog(str(path), **options)


def test_parquet_says_what_the_same_csv_says(tmp_path: Path) -> None:
    (tmp_path / "log.parquet.csv").write_text(CSV)
    csv = next(EventLog(str(tmp_path / "log.parquet.csv")).blocks())
    parquet = next(log_of(tmp_path, COLUMNS).blocks())
    assert parquet._replace(event_ids=[]) == csv._replace(event_ids=[])
    assert parquet.event_ids == ["e7", "log.parquet:2"]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([TEN, TEN], pa.timestamp("ns", tz="UTC")),
        pa.array([TEN, TEN], pa.timestamp("s", tz="Asia/Shanghai")),
        pa.array([1483264800000, 1483264800000]),
        pa.array(["2017-01-01T10:00:00Z", "2017-01-01T18:00:00+08:00"]),
        pa.array(["1483264800000", "2017-01-01T10:00:00Z"]).dictionary_encode(),
    ],
)
def test_times_of_every_kind_are_the_same_instant(tmp_path: Path, times: pa.Array) -> None:
    block = next(log_of(tmp_path, COLUMNS | {"ts": times}).blocks())
    assert block.times_ms == [1483264800000, 1483264800000]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([datetime(2017, 1, 1), datetime(2017, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001 (as files have it)
        pa.array([date(2017, 1, 1), date(2017, 1, 1)]),
    ],
)
def test_times_without_a_zone_need_one_to_be_named(tmp_path: Path, times: pa.Array) -> None:
    columns = COLUMNS | {"ts": times}
    zoned = log_of(tmp_path, columns, zone=zone_named("Asia/Shanghai"))
    assert next(zoned.blocks()).times_ms == [1483200000000, 1483200000000]
    error = complaint(log_of(tmp_path, columns))
    assert "row 1, column ts" in str(error)
    assert "names no time zone" in str(error)


def test_numbers_name_users_and_amounts_may_be_decimals(tmp_path: Path) -> None:
    columns = COLUMNS | {"user_id": [7, 8], "amount": [Decimal("3.50"), None]}
    block = next(log_of(tmp_path, columns).blocks())
    assert block.user_ids == ["7", "8"]
    assert block.amounts == [3.5, None]


def test_columns_with_types_keep_them_as_properties(tmp_path: Path) -> None:
    nested = [{"vip": True, "none": None}, None]
    block = next(log_of(tmp_path, COLUMNS | {"n": [1, None], "properties": nested}).blocks())
    first, second = encoded(block)
    assert b'"properties":{"shop":"north","n":1,"vip":true}' in first
    assert b"properties" not in second


def test_bad_rows_stop_or_are_skipped_by_their_number(tmp_path: Path) -> None:
    columns = COLUMNS | {"user_id": ["ada", None], "amount": [float("inf"), 1.0]}
    assert "row 1, column amount: 'inf' is no finite number" in str(
        complaint(log_of(tmp_path, columns))
    )
    log = log_of(tmp_path, columns, on_bad_row=OnBadRow.SKIP)
    with pytest.raises(UserError, match="there is no event in it"):
        rows_of(log)
    assert log.skipped == 2
    log = log_of(tmp_path, columns | {"amount": [1.0, 2.0]}, on_bad_row=OnBadRow.SKIP)
    assert [row[2] for row in rows_of(log)] == ["ada"]


def test_a_row_that_is_older_than_the_one_before_is_named(tmp_path: Path) -> None:
    later = [TEN, TEN.replace(hour=9)]
    error = complaint(log_of(tmp_path, COLUMNS | {"ts": later}))
    assert "row 2: 2017-01-01T09:00:00Z comes after" in str(error)


def test_many_batches_are_one_log(tmp_path: Path) -> None:
    columns = {
        "user_id": [f"u{n}" for n in range(50)],
        "ts": [1483264800000 + n for n in range(50)],
        "event": ["visit"] * 50,
    }
    log = log_of(tmp_path, columns, block_rows=7)
    assert [row[0] for row in rows_of(log)] == list(range(1, 51))
    assert log.progress == (50, 50)


def test_what_is_missing_or_broken_is_said_in_words(tmp_path: Path) -> None:
    error = complaint(log_of(tmp_path, {"usr_id": ["a"], "ts": [TEN], "event": ["x"]}))
    assert "no column user_id" in str(error)
    error = complaint(log_of(tmp_path, COLUMNS | {"amount": [[1.0], None]}))
    assert "column amount is of the type list" in str(error)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing more")
    assert "this Parquet file cannot be read" in str(complaint(EventLog(str(broken))))
    text = tmp_path / "log.csv"
    text.write_text(CSV)
    error = complaint(EventLog(str(text), form=Format.PARQUET))
    assert "this Parquet file cannot be read" in str(error)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of(tmp_path, COLUMNS)

    def no_module(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("streams.replay.parquet.importlib.import_module", no_module)
    error = complaint(log)
    assert "pip install 'winback[export]'" in error.hint
