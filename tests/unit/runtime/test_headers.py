"""What producers put into headers reaches decoders and dead letters as bytes, whatever it was."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.bulk import Bulk
from streams.runtime.columns import BAD_HEADER, Chunk, Columns, unseen
from streams.runtime.fetched import read_columns
from streams.runtime.record_batches import RecordBatches
from tests.unit.runtime.foreign_names import CHANNEL
from tests.unit.runtime.routing import NOW_MS, engine, events_of, line, tell
from tests.unit.runtime.routing import chunk as lines
from tests.unit.runtime.teaching import chunk
from tests.unit.runtime.test_engines import drive, event, pipeline
from winback_sender.contract.messages import Output

HERE = TopicPartition("in", 0)
READ_COMMITTED = 1
GZIP = 1
Own = list[tuple[str, bytes | None]]


def a_batch(*headers: Own, begin: int = 0, codec: int = 0, values: Any = None) -> bytes:
    """Return the bytes of a batch, a record for every list of headers."""
    batch = _DefaultRecordBatchBuilderPy(
        magic=2, compression_type=codec, is_transactional=0, producer_id=-1, producer_epoch=-1,
        base_sequence=-1, batch_size=1_000_000,
    )  # fmt: skip
    for place, own in enumerate(headers):
        value = b"{}" if values is None else values[place]
        batch.append(place, NOW_MS + place, b"ada", value, own)
    made = bytearray(batch.build())
    made[:8] = begin.to_bytes(8)
    return bytes(made)


def fetched(*batches: bytes, has_aborted: bool = False) -> Any:
    """Return what aiokafka holds of batches after a fetch."""
    aborted = [(7, 100)] if has_aborted else None
    records = PartitionRecords(
        HERE, RecordBatches(b"".join(batches)), aborted, 0, lambda key: key,
        lambda value: value, check_crcs=False, isolation_level=READ_COMMITTED,
    )  # fmt: skip
    return SimpleNamespace(_partition_records=records, _update_position=lambda: None)


def columns_of(*batches: bytes, has_aborted: bool = False) -> Columns:
    result = fetched(*batches, has_aborted=has_aborted)
    return read_columns(result, check_crcs=True, with_headers=True)


@pytest.mark.parametrize("has_aborted", [False, True])
def test_a_header_without_a_value_is_an_empty_one(*, has_aborted: bool) -> None:
    columns = columns_of(
        a_batch([("ce_id", b"1"), ("content-type", None)]), has_aborted=has_aborted
    )
    assert columns.headers == [[("ce_id", b"1"), ("content-type", b"")]]
    assert not columns.unreadable


@pytest.mark.parametrize("codec", [0, GZIP])
@pytest.mark.parametrize("has_aborted", [False, True])
def test_a_name_that_is_no_text_stops_nothing(*, has_aborted: bool, codec: int) -> None:
    """It is escaped, and what stands before, beside and behind it is as it was."""
    bad: Own = [("ce_id", b"1"), (CHANNEL, b"sms"), ("last", None)]
    columns = columns_of(
        a_batch([], bad, [("ok", b"")], codec=codec), a_batch([], begin=3),
        a_batch(bad, begin=7), has_aborted=has_aborted,
    )  # fmt: skip

    assert (columns.offsets, columns.next_offset) == ([0, 1, 2, 3, 7], 8)
    assert columns.keys == [b"ada"] * 5
    assert columns.values == [b"{}"] * 5
    assert columns.timestamps_ms == [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS, NOW_MS]
    told = [("ce_id", b"1"), (CHANNEL.escaped, b"sms"), ("last", b"")]
    assert columns.headers == [[], told, [("ok", b"")], [], told]
    assert columns.unreadable == {1, 7}


@given(
    headers=st.lists(
        st.lists(st.tuples(st.text(), st.none() | st.binary()), max_size=3), min_size=1, max_size=5
    ),
    values=st.lists(st.none() | st.binary(), min_size=5, max_size=5),
    codec=st.sampled_from([0, GZIP]),
)
def test_read_slowly_a_batch_says_what_it_says_when_read_by_aiokafka(
    headers: list[Own], values: list[bytes | None], codec: int
) -> None:
    count = len(headers)
    plain = columns_of(a_batch(*headers, codec=codec, values=values))
    with_one_more = a_batch(*headers, [(CHANNEL, b"")], codec=codec, values=[*values[:count], b""])
    marked = columns_of(with_one_more)

    assert marked.unreadable == {count}
    assert replace(marked.part(0, count, 0, count), unreadable=frozenset()) == plain


def marked(found: Chunk, *offsets: int) -> Chunk:
    return replace(found, columns=replace(found.columns, unreadable=frozenset(offsets)))


def reasons_of(letters: list[Output]) -> list[tuple[bytes, bytes, bytes]]:
    told = [(dict(each.headers), each.value or b"") for each in letters]
    return [
        (said["__connect.errors.exception.class.name"], said["__connect.errors.offset"], value)
        for said, value in told
    ]


def test_such_a_record_is_a_dead_letter_with_its_bytes_and_its_neighbours_are_taken() -> None:
    piece = chunk("user-activity", 4, [event("ada", 1), event("bob", 1), event("cid", 1)])
    driven = pipeline()
    drive(driven, marked(piece, 2, 5))
    assert driven.core.users == 2
    letters = driven.take().outputs["winback-dead-letters"]
    assert reasons_of(letters) == [(b"bad_header", b"5", event("bob", 1)[1])]


def test_the_router_puts_it_aside_as_well() -> None:
    driven = engine()
    driven.apply(marked(lines(0, line("ada", 1), line("bob", 2)), 1))
    commit = driven.take()
    assert [output.key for output in events_of(commit)] == [b"ada"]
    (letter,) = reasons_of(commit.outputs["winback-dead-letters"])
    assert letter == (b"bad_header", b"1", line("bob", 2))


def test_pieces_and_what_was_seen_before_keep_the_mark() -> None:
    columns = marked(lines(0, *[line("ada", number) for number in range(6)]), 3).columns
    bulk = Bulk(tell)
    (place,) = [at for at, told in enumerate(columns.read(bulk)) if told == BAD_HEADER]
    found = [told for piece in columns.pieces(2) for told in piece.read(bulk)]
    assert (place, found.index(BAD_HEADER), found.count(BAD_HEADER)) == (3, 3, 1)
    assert unseen(columns, 3).read(bulk)[0] == BAD_HEADER
    assert BAD_HEADER not in unseen(columns, 4).read(bulk)
    assert BAD_HEADER not in columns.head(3).read(bulk)
