"""Canal JSON: every row of a message is an event of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.decoded import Rejected, RejectReason
from streams.core.sources import Encoding, Form, Source
from streams.intake.fact import Fact
from streams.intake.formats.canal import make_read
from streams.intake.wire.json_values import json_parse_as
from tests.unit.intake.changes import PATHS, Outcome, reader, row_of, said, tabled, written
from tests.unit.intake.spec_canal import EXAMPLES
from tests.unit.intake.spec_debezium import Example

READ = reader(Form.CANAL)
ES = 1_589_373_560_000
NEW = {"id": "7", "customer_id": "900", "status": "created", "amount": "99.90", "note": None}
PAID = NEW | {"status": "paid", "note": "x"}


def message(kind: str = "UPDATE", **changed: Any) -> dict[str, Any]:
    told = {
        "data": [PAID], "old": [{"status": "created", "note": None}] if kind == "UPDATE" else None,
        "database": "shop", "table": "orders", "type": kind, "es": ES, "ts": ES + 798, "id": 9,
        "isDdl": False, "pkNames": ["id"], "sql": "", "mysqlType": {"id": "bigint"},
        "sqlType": {"id": -5},
    }  # fmt: skip
    return told | changed


def read(value: Any) -> Outcome:
    return READ(None, written(value), 0, ())


def facts(value: Any) -> tuple[Fact, ...]:
    found = read(value)
    assert isinstance(found, tuple), found
    return found


def ids(*values: Any) -> list[str]:
    return [fact.event_id for value in values for fact in facts(value)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.what)
def test_examples_of_public_documents_come_to_what_the_page_says(example: Example) -> None:
    assert said(READ(example.key, example.value, 0, ())) == example.comes_to


def test_the_page_lists_the_examples_of_public_documents() -> None:
    rows = [(f"[{e.what}]({e.at})", e.comes_to, e.note) for e in EXAMPLES]
    assert tabled(rows) in Path("docs/formats/canal.md").read_text()


def test_the_row_before_is_the_row_after_but_for_what_changed() -> None:
    (told,) = facts(message())

    assert (told.name, told.at_ms) == ("orders.update", ES)
    assert row_of(told.body.after) == {name: PAID[name] for name in row_of(told.before) or ()}
    assert row_of(told.before) == row_of(told.body.after) | {"status": "created"}  # type: ignore[operator]
    assert (told.body.op, told.body.source.table) == ("u", "orders")
    assert told.body.before is told.before


def test_a_column_that_was_null_before_was_null() -> None:
    """``old`` names it; what it does not name did not change."""
    (told,) = facts(message(old=[{"status": None}]))
    assert (told.before.status, told.before.amount) == (None, "99.90")


def test_a_deleted_row_is_the_row_before_and_a_new_one_has_none() -> None:
    (gone,) = facts(message("DELETE"))
    (made,) = facts(message("INSERT"))

    assert (gone.name, gone.body.after, gone.before.status) == ("orders.delete", None, "paid")
    assert (made.name, made.body.before, made.before) == ("orders.create", None, None)
    assert made.body.after.status == "paid"


def test_every_row_of_a_message_is_an_event_with_its_own_before() -> None:
    rows = [PAID | {"id": str(number)} for number in range(3)]
    told = facts(message(data=rows, old=[{"status": "a"}, {}, {"status": "c"}]))

    assert [fact.body.after.id for fact in told] == ["0", "1", "2"]
    assert [fact.before.status for fact in told] == ["a", "paid", "c"]
    assert len({fact.event_id for fact in told}) == 3


def test_a_change_told_again_has_the_same_id_and_every_other_change_another() -> None:
    """A server that starts again counts its batches anew and cuts them otherwise."""
    once = ids(message())
    others = ids(
        message(data=[PAID | {"id": "8"}]),
        message(data=[PAID | {"note": "y"}]),
        message(old=[{"status": "shipped"}]),
        message(es=ES + 1_000),
        message(gtid="3e11fa47:5"),
        message(_tidb={"commitTs": 429918007904436226}),
        message(database="shop_2"),
        message("DELETE"),
    )

    assert ids(message(id=1, ts=ES + 99_000)) == once
    assert ids(message(data=[PAID | {"id": "6"}, PAID], old=[{}, message()["old"][0]]))[1:] == once
    assert len({*once, *others}) == len(others) + 1


def test_rows_that_are_equal_in_all_they_hold_are_two_where_there_is_no_key() -> None:
    twins = message("INSERT", data=[PAID, PAID], pkNames=None)
    assert len(set(ids(twins))) == 2
    assert ids(message("INSERT", data=[PAID, PAID])) == ids(message("INSERT")) * 2


def test_seconds_and_nothing_are_no_time_and_without_a_moment_nothing_is_sure() -> None:
    (seconds,) = facts(message(es=ES // 1_000))
    (nothing,) = facts(message(es=None))

    assert (seconds.at_ms, seconds.body.source.ts_ms) == (0, ES // 1_000)
    assert (nothing.at_ms, nothing.event_id) == (0, "")


def test_canal_is_json() -> None:
    source = Source(topic="t", form=Form.CANAL, encoding=Encoding.AVRO)
    with pytest.raises(ValueError, match="Canal is read as JSON"):
        make_read(source, PATHS, json_parse_as)


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        (b"", RejectReason.EMPTY, "value"),
        (b"null", RejectReason.NOT_DECODABLE, "$"),
        (b"[{}]", RejectReason.NOT_DECODABLE, "$"),
        (b'{"data":', RejectReason.NOT_DECODABLE, "$"),
        (b'{"type":' + b"[" * 40_000, RejectReason.NOT_DECODABLE, "$"),
        (written(message()).decode().encode("utf-16"), RejectReason.NOT_DECODABLE, "$"),
        (written(message(data=None)), RejectReason.BAD_ENVELOPE, "$.data"),
        (written(message(data=[])), RejectReason.BAD_ENVELOPE, "$.data"),
        (written(message(table=None)), RejectReason.BAD_ENVELOPE, "$.table"),
        (written(message(table="")), RejectReason.BAD_ENVELOPE, "$.table"),
        (written(message(old=[{}, {}])), RejectReason.BAD_ENVELOPE, "$.old"),
        (written(message(type="UPSERT")), RejectReason.BAD_ENVELOPE, "$.type"),
        (written(message(type=None)), RejectReason.BAD_ENVELOPE, "$.type"),
        (written({"op": "c", "after": NEW}), RejectReason.BAD_ENVELOPE, "$.type"),
        (written(message(type=1)), RejectReason.NOT_DECODABLE, "$.type"),
        (written(message(es="2024-01-01 10:00:00")), RejectReason.NOT_DECODABLE, "$.es"),
        (written(message(data={"id": "7"})), RejectReason.NOT_DECODABLE, "$.data"),
        (written(message(data=[[NEW]])), RejectReason.NOT_DECODABLE, "$.data[0]"),
        (written(message(data=[PAID, 7], old=None)), RejectReason.NOT_DECODABLE, "$.data[1]"),
        (written(message(data=[None])), RejectReason.NOT_DECODABLE, "$.data[0]"),
        (written(message(old=[7])), RejectReason.NOT_DECODABLE, "$.old[0]"),
        (written(message()).replace(b'"table"', b'"table":"x","table"'),
         RejectReason.DUPLICATE_KEY, "$.table"),
        (written(message()).replace(b'"amount"', b'"amount":"1","amount"'),
         RejectReason.DUPLICATE_KEY, "$.data[0].amount"),
        (written(message()).replace(b'"old": [{', b'"old": [{"status":"x",'),
         RejectReason.DUPLICATE_KEY, "$.old[0].status"),
        (b'{"type":"INSERT","table":"t","data":[{"id":"\xff"}]}',
         RejectReason.NOT_DECODABLE, "$"),
    ],
    ids=lambda part: repr(part)[:40],
)  # fmt: skip
def test_what_is_no_message_of_canal_is_refused_with_the_path(
    value: bytes, reason: RejectReason, path: str
) -> None:
    found = READ(None, value, 0, ())

    assert isinstance(found, Rejected), found
    assert (found.reason, path in found.detail) == (reason, True), found.detail


cells = st.none() | st.text(max_size=9)
rows = st.fixed_dictionaries(dict.fromkeys(("id", "status", "amount", "customer_id"), cells))


@given(st.lists(st.tuples(rows, rows), min_size=1, max_size=4), st.sampled_from(["only", "all"]))
def test_what_is_written_is_read(pairs: list[tuple[Any, Any]], olds: str) -> None:
    """Canal tells of the row before only what changed, TiCDC all of it: both mean the same."""
    old = [
        before
        if olds == "all"
        else {name: before[name] for name in row if row[name] != before[name]}
        for before, row in pairs
    ]
    told = facts(message(data=[row for _, row in pairs], old=old))

    assert [(row_of(fact.before), row_of(fact.body.after)) for fact in told] == pairs


documents = st.recursive(
    cells | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "data",
                    "old",
                    "table",
                    "database",
                    "es",
                    "isDdl",
                    "pkNames",
                    "id",
                    "_tidb",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=8,
)


@given(documents, documents)
def test_no_document_can_break_the_reader(document: Any, other: Any) -> None:
    for value in (document, message(data=document), message(data=[document], old=[other])):
        assert said(read(value)) is not None


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_no_bytes_can_break_the_reader(junk: bytes, place: int) -> None:
    value = json.dumps(message()).encode()
    cut = place % (len(value) + 1)
    for broken in (junk, value[:cut], value[:cut] + junk + value[cut:]):
        assert said(READ(None, broken, 0, ())) is not None
