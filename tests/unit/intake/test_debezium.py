"""Debezium: envelopes, rows without them, and what tells of no row."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from streams.core.decoded import Rejected, RejectReason, Skipped
from streams.core.sources import Encoding, Form, Source
from streams.intake.fact import Fact
from streams.intake.formats.cdc_values import UNAVAILABLE
from streams.intake.formats.debezium import make_read
from tests.unit.intake.changes import (
    PATHS,
    TOPIC,
    Outcome,
    packed_parse_as,
    reader,
    row_of,
    said,
    tabled,
    written,
)
from tests.unit.intake.spec_debezium import (
    EXAMPLES,
    MYSQL,
    POSTGRES,
    SQL_SERVER,
    Example,
    envelope,
    wrapped,
)

READ = reader(Form.DEBEZIUM)
KEY = b'{"id":7}'
AT = 1_465_581_029_100
NEW = {"id": 7, "customer_id": 900, "status": "created", "amount": "99.90", "note": "x"}
PAID = NEW | {"status": "paid"}


def only(told: Outcome) -> Fact:
    assert isinstance(told, tuple), told
    (fact,) = told
    return fact


def fact(value: Any, key: bytes | None = KEY) -> Fact:
    return only(READ(key, written(value), 0, ()))


def headline(told: Fact) -> tuple[str, str, int]:
    return told.name, told.event_id, told.at_ms


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.what)
def test_examples_of_the_documentation_come_to_what_the_page_says(example: Example) -> None:
    outcome = READ(example.key, example.value, 0, ())

    assert said(outcome) == example.comes_to
    if isinstance(outcome, Rejected):
        assert "$." in outcome.detail


def test_the_page_lists_the_examples_of_the_documentation() -> None:
    rows = [(f"[{e.what}]({e.at})", e.comes_to, e.note) for e in EXAMPLES]
    assert tabled(rows) in Path("docs/formats/debezium.md").read_text()


def test_an_update_tells_the_row_before_and_after_and_when_it_was_committed() -> None:
    told = fact(envelope("u", MYSQL, before=NEW, after=PAID))

    assert told.name == "customers.update"
    assert told.at_ms == AT
    assert row_of(told.body.after) == {name: PAID[name] for name in row_of(told.body.after) or ()}
    assert row_of(told.before) == row_of(told.body.before)
    assert (told.before.status, told.body.after.status) == ("created", "paid")
    assert (told.body.op, told.body.source.table) == ("u", "customers")
    assert not hasattr(told.body.after, "note"), "what no rule asks for is not read"


def test_with_and_without_its_schema_a_record_says_the_same() -> None:
    change = envelope("u", MYSQL, before=NEW, after=PAID)
    inside = only(READ(KEY, wrapped(change), 0, ()))

    assert row_of(inside.body.after) == row_of(fact(change).body.after)
    assert headline(inside) == headline(fact(change))
    spaced = {"schema": {"optional": False}, "payload": change}
    assert headline(fact(spaced)) == headline(fact({"payload": change})) == headline(inside)


def test_a_change_told_again_has_the_same_id_and_every_other_change_another() -> None:
    """Debezium delivers at least once: what differs then is when the connector saw it."""
    change = envelope("u", MYSQL, before=NEW, after=PAID)
    others = [
        envelope("u", MYSQL | {"pos": 999}, before=NEW, after=PAID),
        envelope("u", MYSQL | {"row": 1}, before=NEW, after=PAID),
        envelope("u", MYSQL | {"file": "mysql-bin.000004"}, before=NEW, after=PAID),
        envelope("u", MYSQL | {"table": "orders"}, before=NEW, after=PAID),
        envelope("u", POSTGRES, before=NEW, after=PAID),
        envelope("u", POSTGRES | {"lsn": 24023129}, before=NEW, after=PAID),
        envelope("d", MYSQL, before=NEW),
    ]
    ids = {fact(other).event_id for other in others}

    assert fact(change | {"ts_ms": 1}).event_id == fact(change).event_id
    assert len(ids | {fact(change).event_id}) == len(others) + 1
    assert "" not in ids


def test_rows_at_one_place_of_the_log_are_told_apart_by_all_they_hold() -> None:
    """All rows of a snapshot have the place at which it was taken; so have those of one COPY.

    Their keys need not be their own: ``message.key.columns`` may name the customer.
    """
    for op, source in (("r", MYSQL), ("r", POSTGRES), ("c", POSTGRES), ("c", SQL_SERVER)):
        ids = {
            fact(envelope(op, source, after=NEW | other), key).event_id
            for other in ({}, {"id": 8}, {"note": "y"})
            for key in (KEY, b"{}", None)
        }
        assert len(ids) == 3
    moved = [envelope("d", POSTGRES, before=NEW), envelope("c", POSTGRES, after=NEW | {"id": 8})]
    assert len({fact(change).event_id for change in moved}) == 2, "its primary key changed"


def test_a_row_whose_key_changes_is_not_deleted() -> None:
    """It is told as a deletion and a creation; a rule that erases must not see the first."""
    gone = written(envelope("d", MYSQL, before=NEW))
    headers = (("__debezium.newkey", b'{"id":8}'),)

    assert READ(KEY, gone, 0, headers) == Skipped("key_changed")
    assert said(READ(KEY, gone, 0, (("other", b""),))) == "customers.delete"
    assert READ(KEY, None, 0, headers) == Skipped("tombstone")


def test_in_other_encodings_rows_are_told_apart_by_their_key_and_what_is_read() -> None:
    source = Source(topic=TOPIC, form=Form.DEBEZIUM, encoding=Encoding.AVRO)
    binary = make_read(source, PATHS, packed_parse_as)

    def told(value: Any, key: bytes | None = KEY) -> Fact:
        return only(binary(key, msgspec.msgpack.encode(value), 0, ()))

    change = envelope("u", MYSQL, before=NEW, after=PAID)
    assert astuple(told(change))[:5] == astuple(fact(change))[:5]
    assert row_of(told(change).before) == row_of(fact(change).before)
    row = envelope("r", POSTGRES, after=NEW)
    ids = [
        told(row).event_id,
        told(row, b'{"id":8}').event_id,
        told(envelope("r", POSTGRES, after=NEW | {"amount": "1"})).event_id,
    ]
    assert len({*ids, ""}) == 4
    assert not told(row, None).event_id
    flat = NEW | {"__op": "c", "__table": "orders", "__lsn": 7}
    assert told(flat).event_id != told(flat | {"status": "paid"}).event_id
    assert not told(flat, None).event_id


def test_a_row_of_a_snapshot_has_no_time_and_no_row_before_it() -> None:
    told = fact(envelope("r", MYSQL | {"snapshot": "true"}, after=PAID))

    assert (told.name, told.at_ms, told.before) == ("customers.read", 0, None)
    assert told.body.source.ts_ms == AT, "when it was taken: a rule may ask for it"
    called_created = envelope("c", MYSQL | {"snapshot": True}, after=PAID)
    assert fact(called_created).name == "customers.read"
    assert fact(called_created).at_ms == 0


@pytest.mark.parametrize("ts_ms", [0, None, 1_465_581_029, -1])
def test_what_is_no_instant_in_milliseconds_is_no_time(ts_ms: int | None) -> None:
    assert fact(envelope("c", MYSQL | {"ts_ms": ts_ms}, after=NEW)).at_ms == 0


def test_a_deleted_row_is_the_row_before() -> None:
    told = fact(envelope("d", MYSQL, before=PAID))

    assert (told.name, told.body.after) == ("customers.delete", None)
    assert told.body.before.customer_id == told.before.customer_id == 900
    assert fact(envelope("d", POSTGRES)).before is None, "a table without any identity"


def test_a_column_that_was_not_told_is_never_taken_for_a_value() -> None:
    unknown = PAID | {"status": UNAVAILABLE}
    after_only = fact(envelope("u", POSTGRES, after=unknown))
    known = fact(envelope("u", POSTGRES, before=NEW, after=unknown))
    both = fact(envelope("u", POSTGRES, before=unknown, after=unknown))

    assert after_only.body.after.status is None
    assert known.body.after.status == "created", "it did not change, and before it was told"
    assert (both.before.status, both.body.after.status) == (None, None)


def test_a_row_without_its_envelope_reads_like_one_with_it() -> None:
    flat = PAID | {"__op": "u", "__table": "orders", "__source_ts_ms": AT}
    told = fact(flat)
    gone = fact(flat | {"__deleted": "true"})

    assert (told.name, told.at_ms, told.before) == ("orders.update", AT, None)
    assert (told.body.after.status, told.body.source.table) == ("paid", "orders")
    assert (gone.name, gone.before.customer_id) == ("orders.delete", 900)
    assert (gone.body.after, gone.body.before) == (None, gone.before)
    inside = only(READ(KEY, wrapped(flat), 0, ()))
    assert (inside.name, inside.at_ms) == (told.name, told.at_ms)
    assert fact(flat | {"status": UNAVAILABLE}).body.after.status is None


def test_ids_of_rows_without_their_envelope() -> None:
    flat = PAID | {"__op": "u", "__table": "orders", "__source_ts_ms": AT}
    ids = [
        fact(flat).event_id,
        fact(flat | {"status": "shipped"}).event_id,  # MySQL counts commits in seconds
        fact(flat | {"__source_ts_ms": AT + 1}).event_id,
        fact(flat | {"__lsn": 24023128}).event_id,
        fact(flat | {"__file": "bin.1", "__pos": 4, "__row": 0}).event_id,
        fact(flat | {"__source_file": "bin.1", "__source_pos": 5}).event_id,
        fact(flat | {"note": "y"}).event_id,
    ]

    assert len(set(ids)) == len(ids)
    assert fact(flat, None).event_id == ids[0], "the row says it all"
    assert not fact(PAID | {"__op": "u"}).event_id


def test_what_tells_when_the_connector_saw_a_row_is_no_part_of_its_id() -> None:
    flat = PAID | {"__op": "u", "__table": "orders", "__source_ts_ms": AT, "__ts_ms": AT + 40}
    first = fact(flat).event_id

    assert fact(flat | {"__ts_ms": AT + 99_000}).event_id == first
    assert fact(flat | {"status": "shipped"}).event_id != first
    assert fact(flat, b'{"id":8}').event_id != first
    assert not fact(flat, None).event_id


def test_columns_may_be_called_as_parts_of_an_envelope_are() -> None:
    names = {"op": "sell", "source": "search", "payload": "x", "after": 2, "status": "BEGIN"}
    flat = {"__op": "c", "__table": "orders", "__source_ts_ms": AT, "id": 7, **names}

    assert fact(flat).name == "orders.create"
    assert fact(envelope("c", MYSQL, after=names)).body.after.status == "BEGIN"


def test_an_empty_envelope_stands_for_a_tombstone() -> None:
    nothing = written({"schema": None, "payload": None})
    assert READ(KEY, nothing, 0, ()) == Skipped("tombstone")
    assert READ(KEY, wrapped(None), 0, ()) == Skipped("tombstone")


DEEP: Any = json.loads("[" * 900 + "]" * 900)


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        (b"", RejectReason.EMPTY, "value"),
        (b"null", RejectReason.NOT_DECODABLE, "$"),
        (b"[]", RejectReason.NOT_DECODABLE, "$"),
        (b"{", RejectReason.NOT_DECODABLE, "$"),
        (b"\0\0\0\0\x01abc", RejectReason.NOT_DECODABLE, "$"),  # Avro
        (written(envelope("c", MYSQL, after=NEW)).decode().encode("utf-16"),
         RejectReason.NOT_DECODABLE, "$"),
        (b'{"op":"c","after":{"id":"\xff"}}', RejectReason.NOT_DECODABLE, "$"),
        (b'{"op":' + b"[" * 40_000, RejectReason.NOT_DECODABLE, "$"),
        (written(envelope("u", MYSQL)), RejectReason.BAD_ENVELOPE, "$.after"),
        (written(envelope("x", MYSQL, after=NEW)), RejectReason.BAD_ENVELOPE, "$.op"),
        (written(envelope("", MYSQL, after=NEW)), RejectReason.BAD_ENVELOPE, "$.op"),
        (written(envelope("c", MYSQL, after=NEW) | {"op": 1}), RejectReason.NOT_DECODABLE, "$.op"),
        (written({"after": NEW}), RejectReason.BAD_ENVELOPE, "$.op"),
        (written(envelope("c", MYSQL) | {"after": [NEW]}), RejectReason.NOT_DECODABLE, "$.after"),
        (wrapped(envelope("c", MYSQL) | {"after": "{}"}),
         RejectReason.NOT_DECODABLE, "$.payload.after"),
        (written(envelope("c", MYSQL | {"ts_ms": "soon"}, after=NEW)),
         RejectReason.NOT_DECODABLE, "$.source.ts_ms"),
        (written(envelope("c", MYSQL | {"pos": [4]}, after=NEW)),
         RejectReason.NOT_DECODABLE, "$.source.pos"),
        (written(envelope("c", MYSQL | {"table": 5}, after=NEW)),
         RejectReason.NOT_DECODABLE, "$.source.table"),
        (written(envelope("c", MYSQL, after=NEW)).replace(b'"op"', b'"op":"d","op"'),
         RejectReason.DUPLICATE_KEY, "$.op"),
        (written(envelope("c", MYSQL, after=NEW)).replace(b'"status"', b'"status":"paid","status"'),
         RejectReason.DUPLICATE_KEY, "$.after.status"),
        (wrapped(envelope("c", MYSQL)).replace(b',"payload"', b',"payload":{},"payload"'),
         RejectReason.DUPLICATE_KEY, "$.payload"),
        (wrapped(envelope("c", MYSQL, after=NEW)).replace(b'"status"', b'"status":"x","status"'),
         RejectReason.DUPLICATE_KEY, "$.payload.after.status"),
        (written(PAID | {"__op": "x"}), RejectReason.BAD_ENVELOPE, "$.__op"),
        (written(PAID | {"__deleted": "false"}), RejectReason.BAD_ENVELOPE, "$.__op"),
        (written(DEEP), RejectReason.NOT_DECODABLE, "$"),
    ],
    ids=lambda part: repr(part)[:40],
)  # fmt: skip
def test_what_is_no_record_of_debezium_is_refused_with_the_path(
    value: bytes, reason: RejectReason, path: str
) -> None:
    found = READ(KEY, value, 0, ())

    assert isinstance(found, Rejected), found
    assert (found.reason, path in found.detail) == (reason, True), found.detail


cells = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=9)
rows = st.fixed_dictionaries(dict.fromkeys(("id", "status", "amount", "customer_id"), cells))
positions = st.fixed_dictionaries({"file": st.just("bin.1"), "pos": st.integers(4, 2**40)})


@given(st.sampled_from("cudr"), rows, rows, positions, st.sampled_from([written, wrapped]))
def test_what_is_written_is_read(
    op: str, old: dict[str, Any], new: dict[str, Any], place: dict[str, Any], write: Any
) -> None:
    before = old if op in "ud" else None
    after = None if op == "d" else new
    change = envelope(op, MYSQL | place, before=before, after=after)
    outcome = READ(KEY, write(change), 0, ())

    assert isinstance(outcome, tuple)
    assert row_of(outcome[0].body.after) == after
    assert row_of(outcome[0].before) == before
    assert str(place["pos"]) in outcome[0].event_id


documents = st.recursive(
    cells | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["op", "after", "before", "source", "payload", "ts_ms", "table", "lsn", "pos", "file",
             "__op", "__deleted", "__table", "__source_ts_ms", "status", "id", "ddl",
             "data_collections", "aggregate_type"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip


@given(documents, st.none() | st.binary(max_size=9))
def test_no_document_can_break_the_reader(document: Any, key: bytes | None) -> None:
    for inner in (document, {"payload": document}, {"op": "u", "after": {}, "source": document}):
        assert said(READ(key, written(inner), 0, ())) is not None


@given(st.binary(max_size=200), st.integers(0, 10_000), st.sampled_from(EXAMPLES))
def test_no_bytes_can_break_the_reader(junk: bytes, place: int, example: Example) -> None:
    value = example.value or b""
    cut = place % (len(value) + 1)
    for broken in (junk, value[:cut], value[:cut] + junk + value[cut:]):
        assert said(READ(example.key, broken, 0, ())) is not None
