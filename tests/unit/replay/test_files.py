"""Stories of event logs: good ones, and every way in which one can be bad."""

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UserError
from streams.replay.blocks import Block
from streams.replay.files import EventLog, Format, OnBadRow, Order
from streams.replay.instants import zone_named

HEADER = "user_id,ts,event,amount\n"
ADA = "ada,2017-01-01T10:00:00Z,purchase,3.5\n"
BOB = "bob,2017-01-02T10:00:00Z,visit,\n"


def log_of(
    directory: Path, content: str | bytes, name: str = "log.csv", **options: object
) -> EventLog:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return EventLog(str(path), **options)  # type: ignore[arg-type]  # Stories give what users give.


def rows_of(log: EventLog) -> list[tuple[object, ...]]:
    return [row for block in log.blocks() for row in zip(*block[:6], strict=True)]


def complaint(log: EventLog) -> UserError:
    with pytest.raises(UserError) as caught:
        rows_of(log)
    assert caught.value.exit_code == 2
    return caught.value


def test_a_plain_csv_gives_its_rows(tmp_path: Path) -> None:
    assert rows_of(log_of(tmp_path, HEADER + ADA + BOB)) == [
        (1, "log.csv:1", "ada", 1483264800000, "purchase", 3.5),
        (2, "log.csv:2", "bob", 1483351200000, "visit", None),
    ]


def test_gzip_byte_order_mark_windows_line_ends_and_free_column_order(tmp_path: Path) -> None:
    text = "\ufeffevent,amount,ts,user_id\r\npurchase,3.5,2017-01-01T10:00:00Z,ada\r\n\r\n"
    log = log_of(tmp_path, gzip.compress(text.encode()), "log.csv.gz")
    assert rows_of(log) == [(1, "log.csv.gz:1", "ada", 1483264800000, "purchase", 3.5)]


def test_further_columns_become_properties_and_given_ids_are_kept(tmp_path: Path) -> None:
    text = (
        "user_id,ts,event,amount,event_id,currency,shop\n"
        "ada,2017-01-01T10:00:00Z,buy,1,e7,EUR,north\n"
        "ada,2017-01-01T10:00:00Z,buy,1,,,\n"
    )
    block = next(log_of(tmp_path, text).blocks())
    assert block.event_ids == ["e7", "log.csv:2"]
    assert block.extras == [{"currency": "EUR", "properties": {"shop": "north"}}, {}]


def test_json_lines_in_native_names_and_in_csv_names(tmp_path: Path) -> None:
    text = (
        '{"event_id":"e1","user_id":"ada","event":"buy","event_time":1483264800000,"amount":2}\n\n'
        '{"user_id":"雪","event":"visit","ts":"2017-01-02T18:00:00+08:00","properties":{"a":1}}\n'
    )
    log = log_of(tmp_path, text, "log.jsonl")
    block = next(log.blocks())
    assert block.rows == [1, 2]
    assert block.event_ids == ["e1", "log.jsonl:2"]
    assert block.times_ms == [1483264800000, 1483351200000]
    assert block.extras == [{}, {"properties": {"a": 1}}]


def test_standard_input_is_sniffed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO((HEADER + ADA).encode())))
    monkeypatch.setattr("sys.stdin", stream)
    assert rows_of(EventLog("-"))[0][1] == "stdin:1"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (HEADER, "no event"),
        (ADA + BOB, "line 1: there is no header"),
        (HEADER.replace(",", ";"), "there is no header"),
        ("user,ts,event,amount\n", "no column user_id"),
        ("user_id,ts,event,amout\n" + ADA, "no column amount"),
        ("user_id,ts,event,ts\n", "column ts is there twice"),
        (HEADER + ADA + "bob,2017-01-02T10:00:00Z,visit\n", "line 3, column -: the row has 3"),
        (HEADER + ADA + "bob,2017-13-02T10:00:00Z,visit,\n", "line 3, column ts: '2017-13-02"),
        (HEADER + "bob,yesterday,visit,\n", "line 2, column ts: 'yesterday' is no date"),
        (HEADER + "bob,2017-01-02T10:00:00,visit,\n", "names no time zone"),
        (HEADER + "bob,1483351200,visit,\n", "too short for epoch milliseconds"),
        (HEADER + "bob,2017-01-02T10:00:00Z,visit,nan\n", "column amount: 'nan' is no finite"),
        (HEADER + "bob,2017-01-02T10:00:00Z,visit,inf\n", "column amount: 'inf' is no finite"),
        (HEADER + "bob,2017-01-02T10:00:00Z,visit,--5\n", "column amount: '--5' is no finite"),
        (HEADER + ",2017-01-02T10:00:00Z,visit,\n", "column user_id: the field is empty"),
        (HEADER + "bob,2017-01-02T10:00:00Z,,\n", "column event: the field is empty"),
        (HEADER + BOB + ADA, "line 3: 2017-01-01T10:00:00Z comes after 2017-01-02T10:00:00Z"),
        (HEADER + 'bob,"2017-01-02T10:00:00Z,visit,\n', "the row is no csv"),
        ((HEADER + ADA + "b\xf6b,2017-01-02T10:00:00Z,x,\n").encode("latin-1"), "line 3: byte"),
        ("\ufeffuser_id".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04\x00\x00", "no text file"),
        (gzip.compress((HEADER + ADA * 999).encode())[:-12], "cut off or damaged"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_words(tmp_path: Path, content: str | bytes, says: str) -> None:
    error = complaint(log_of(tmp_path, content))
    assert says in error.message
    assert error.hint or says == "no event"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"user_id":"ada","event":"buy"}', "column event_time: there is no time"),
        ('{"user_id":"ada","ts":"2017-01-01T00:00:00Z"}', "column event:"),
        ('{"user_id":7,"event":"buy","ts":"2017-01-01T00:00:00Z"}', "column user_id:"),
        ('{"user_id":"ada","event":"buy","ts":"soon"}', "'soon' is no date"),
        ('{"user_id":"ada","event":"buy","ts":"2017-01-01T00:00:00Z","amount":"x"}', "amount"),
        ('{"user_id":"ada",', "line 1, column -"),
        ("[1]", "line 1, column -"),
    ],
)
def test_a_bad_json_line_is_refused_in_words(tmp_path: Path, line: str, says: str) -> None:
    assert says in complaint(log_of(tmp_path, line + "\n", "log.jsonl")).message


def test_missing_file_and_directory(tmp_path: Path) -> None:
    assert "no such file" in complaint(EventLog(str(tmp_path / "no.csv"))).message
    assert "is a directory" in complaint(EventLog(str(tmp_path))).message


def test_bad_rows_can_be_skipped_and_are_counted(tmp_path: Path) -> None:
    text = HEADER + ADA + "bob,never,visit,\n" + "eve\n" + BOB
    log = log_of(tmp_path, text, on_bad_row=OnBadRow.SKIP)
    assert [row[1] for row in rows_of(log)] == ["log.csv:1", "log.csv:4"]
    assert log.skipped == 2
    assert "line 3" in (log.first_bad or "")


def test_a_quoted_line_break_does_not_shift_the_line_in_a_message(tmp_path: Path) -> None:
    text = HEADER + '"a\nb",2017-01-01T10:00:00Z,visit,\n' + "bob,never,visit,\n"
    assert "line 4" in complaint(log_of(tmp_path, text)).message


def test_disorder_may_be_taken_with_a_warning(tmp_path: Path) -> None:
    log = log_of(tmp_path, HEADER + BOB + ADA + BOB + ADA, order=Order.WARN, block_rows=2)
    assert log.head().user_ids == ["bob", "ada"]
    assert len(rows_of(log)) == 4
    assert log.unordered == 2


def test_naive_times_take_the_zone_they_are_given(tmp_path: Path) -> None:
    text = HEADER + "ada,2017-01-01 18:00:00,buy,\n"
    assert rows_of(log_of(tmp_path, text, zone=zone_named("Asia/Shanghai")))[0][3] == 1483264800000
    with pytest.raises(UserError, match="no zone"):
        zone_named("Mars/Olympus")


def test_an_event_of_the_year_2999_is_a_row(tmp_path: Path) -> None:
    assert rows_of(log_of(tmp_path, HEADER + "ada,2999-01-01T00:00:00Z,buy,\n"))[0][3] > 3e13


def test_a_format_may_be_forced(tmp_path: Path) -> None:
    error = complaint(log_of(tmp_path, HEADER + ADA, form=Format.JSONL))
    assert "line 1" in error.message


LETTERS = st.characters(exclude_categories=["Cs", "Cc"])
NAMES = st.text(LETTERS, min_size=1, max_size=8).filter(str.strip)
ROWS = st.lists(
    st.tuples(
        NAMES, st.integers(0, 4_000_000_000), NAMES, st.none() | st.integers(-(10**6), 10**6)
    ),
    min_size=1,
    max_size=40,
)


@given(rows=ROWS, count=st.integers(1, 45))
def test_what_is_written_is_read_whatever_the_size_of_a_block(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, int, str, int | None]],
    count: int,
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["user_id", "ts", "event", "amount"])
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for user, second, event, cents in rows:
        at = (epoch + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
        writer.writerow([user, at, event, "" if cents is None else cents / 100])
    log = log_of(
        tmp_path_factory.mktemp("log"), buffer.getvalue(), order=Order.WARN, block_rows=count
    )
    blocks: list[Block] = list(log.blocks())
    read = [
        r for b in blocks for r in zip(b.user_ids, b.times_ms, b.events, b.amounts, strict=True)
    ]
    assert read == [
        (user, second * 1_000, event, None if cents is None else cents / 100)
        for user, second, event, cents in rows
    ]
    assert [row for block in blocks for row in block.rows] == list(range(1, len(rows) + 1))
