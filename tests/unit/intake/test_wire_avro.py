"""Avro as a registry frames it; fastavro is the slow twin."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.fact import UnreadableError
from streams.intake.shape import struct_of
from streams.intake.wire.avro import avro_parse_as
from streams.intake.wire.schemas import Schema, Schemas

MONEY = {
    "type": "record",
    "name": "Money",
    "namespace": "shop",
    "fields": [
        {
            "name": "total",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        },
        {
            "name": "currency",
            "type": {"type": "enum", "name": "Currency", "symbols": ["CNY", "USD"]},
        },
    ],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "user", "type": "string"},
        {"name": "paid", "type": "shop.Money"},
        {"name": "back", "type": ["null", "Money"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "tags", "type": {"type": "map", "values": ["null", "long"]}},
        {"name": "lines", "type": {"type": "array", "items": "Money"}},
    ],
}


class Paid(msgspec.Struct):
    total: Any = None


class Order(msgspec.Struct):
    user: str
    paid: Paid | str | None = None
    at: Any = None
    lines: list[Paid] | None = None


def framed(schema_id: int, body: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4) + body


def written(schema: Any, value: Any, *references: Any) -> bytes:
    named: dict[str, Any] = {}
    for reference in references:
        fastavro.parse_schema(reference, named)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named), value)
    return out.getvalue()


def schemas_with(schema: Any, *references: Any) -> Schemas:
    known = Schemas()
    others = tuple(
        (str(place), Schema("AVRO", json.dumps(r))) for place, r in enumerate(references)
    )
    known.learn(7, Schema("AVRO", json.dumps(schema), others))
    return known


def money(total: str, currency: str = "CNY") -> dict[str, Any]:
    return {"total": Decimal(total), "currency": currency}


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=at_ms)


AT = datetime(2017, 1, 1, 11, 53, 26, 7_000, UTC)
ORDER_VALUE = {
    "note": "thanks", "user": "ada", "paid": money("12.30"), "back": money("-0.05"),
    "at": 1_483_271_606_007, "tags": {"a": 1, "b": None}, "lines": [money("1.00"), money("2.00")],
}  # fmt: skip


def test_what_is_read_of_a_record_arrives_and_the_rest_is_passed_over() -> None:
    parse = avro_parse_as(schemas_with(ORDER, MONEY))(Order)

    order = parse(framed(7, written(ORDER, ORDER_VALUE, MONEY)))

    lines = [Paid("1.00"), Paid("2.00")]
    assert order == Order("ada", Paid("12.30"), AT, lines)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, -1, moment(-1)),
        ({"type": "long", "logicalType": "timestamp-micros"}, 7, EPOCH + timedelta(microseconds=7)),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, 0, EPOCH.replace(tzinfo=None)),
        ({"type": "int", "logicalType": "date"}, 17_178, date(2017, 1, 12)),
        ({"type": "int", "logicalType": "time-millis"}, 61_000, "00:01:01"),
        ({"type": "string", "logicalType": "uuid"}, "a-b", "a-b"),
        ({"type": "bytes", "logicalType": "decimal", "scale": 3}, b"\xff", "-0.001"),
        ({"type": "bytes", "logicalType": "decimal"}, b"\x01\x00", "256"),
        ({"type": "bytes"}, b"\x00\x01", "AAE="),
        ({"type": "long", "logicalType": "of-somebody"}, 5, 5),
    ],
)
def test_logical_types_say_by_themselves_what_they_are(kind: Any, value: Any, text: Any) -> None:
    plain = {key: what for key, what in kind.items() if key not in {"logicalType", "scale"}}
    parse = avro_parse_as(schemas_with(kind))(object)

    assert parse(framed(7, written(plain, value))) == text


def refused(parse: Any, value: bytes) -> tuple[str, str]:
    with pytest.raises(UnreadableError) as caught:
        parse(value)
    return caught.value.reason, str(caught.value)


def test_values_that_do_not_fit_are_refused_for_what_they_are() -> None:
    known = schemas_with(ORDER, MONEY)
    known.learn(8, Schema("JSON", "{}"))
    known.learn(9, Schema("AVRO", '{"type": "nothing"}'))
    known.learn(10, Schema("AVRO", "["))
    known.learn(11, None)
    parse, body = avro_parse_as(known)(Order), written(ORDER, ORDER_VALUE, MONEY)

    assert refused(parse, b'{"user":"ada"}')[0] == "bad_envelope"
    assert refused(parse, b"\x01" + body)[0] == "unknown_version"
    assert refused(parse, b"\0\0")[0] == "bad_envelope"
    assert refused(parse, framed(8, body))[0] == "bad_envelope"
    assert refused(parse, framed(9, body)) == refused(parse, framed(9, body))
    assert "no schema in Avro" in refused(parse, framed(10, body))[1]
    assert refused(parse, framed(11, body))[0] == "schema_unknown"
    assert refused(parse, framed(7, body[:-1]))[0] == "not_decodable"
    assert "ends at byte" in refused(parse, framed(7, body + b"\0"))[1]
    assert (
        "got `int` - at `$`"
        in refused(avro_parse_as(schemas_with("long"))(Order), framed(7, b"\x02"))[1]
    )


def test_a_schema_that_becomes_known_is_used() -> None:
    known = Schemas()
    parse, value = avro_parse_as(known)(Order), framed(7, written(ORDER, ORDER_VALUE, MONEY))
    assert known.missing([value, None, b"", b"{}", b"\0\0"]) == {7}
    known.learn(7, None)
    assert known.missing([value]) == set()
    assert refused(parse, value)[0] == "schema_unknown"

    known.doubt()
    assert known.missing([value]) == {7}
    known.learn(7, Schema("AVRO", json.dumps(ORDER), (("m", Schema("AVRO", json.dumps(MONEY))),)))

    assert parse(value).user == "ada"


def test_items_without_bytes_cannot_be_many() -> None:
    parse = avro_parse_as(schemas_with({"type": "array", "items": "null"}))(object)

    assert "too many items" in refused(parse, framed(7, b"\xfe\xff\xff\xff\xff\x0f\0"))[1]


TREE = {
    "type": "record",
    "name": "Tree",
    "fields": [{"name": "left", "type": ["null", "Tree"]}, {"name": "label", "type": "int"}],
}


class Root(msgspec.Struct):
    label: int


def test_types_may_speak_of_themselves_and_what_is_too_deep_is_refused() -> None:
    leaf = {"left": None, "label": 1}
    parse, skipping = (
        avro_parse_as(schemas_with(TREE))(object),
        avro_parse_as(schemas_with(TREE))(Root),
    )
    value = framed(7, written(TREE, {"left": leaf, "label": 2}))

    assert parse(value) == {"left": leaf, "label": 2}
    assert skipping(value) == Root(2)
    assert refused(parse, framed(7, b"\x02" * 60_000))[0] == "not_decodable"


def record(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "?",
        "fields": [{"name": k, "type": t} for k, t in fields.items()],
    }


names = st.sampled_from("abcdef")
kinds: Any = st.recursive(
    st.sampled_from(["null", "boolean", "int", "long", "float", "double", "string"]),
    lambda inner: st.one_of(
        inner.map(lambda item: {"type": "array", "items": item}),
        inner.map(lambda item: {"type": "map", "values": item}),
        st.sampled_from(["int", "string", "double"]).map(lambda item: ["null", item]),
        st.dictionaries(names, inner, min_size=1, max_size=4).map(record),
    ),
    max_leaves=8,
)


def numbered(kind: Any, count: list[int]) -> Any:
    """Give every record a name of its own."""
    if isinstance(kind, dict):
        kind = {key: numbered(what, count) for key, what in kind.items()}
        if kind.get("name") == "?":
            count.append(0)
            kind["name"] = f"R{len(count)}"
    return [numbered(part, count) for part in kind] if isinstance(kind, list) else kind


def values_of(kind: Any) -> Any:
    if isinstance(kind, list):
        return st.one_of(*map(values_of, kind))
    if isinstance(kind, dict):
        if kind["type"] == "array":
            return st.lists(values_of(kind["items"]), max_size=3)
        if kind["type"] == "map":
            return st.dictionaries(st.text(max_size=3), values_of(kind["values"]), max_size=3)
        return st.fixed_dictionaries({f["name"]: values_of(f["type"]) for f in kind["fields"]})
    return {
        "null": st.none(), "boolean": st.booleans(), "string": st.text(max_size=80),
        "int": st.integers(-(2**31), 2**31 - 1), "long": st.integers(-(2**63), 2**63 - 1),
        "float": st.floats(width=32, allow_nan=False), "double": st.floats(allow_nan=False),
    }[kind]  # fmt: skip


@given(st.data())
def test_everything_is_read_as_fastavro_reads_it(data: st.DataObject) -> None:
    kind = numbered(data.draw(kinds), [])
    body = written(kind, data.draw(values_of(kind)))

    parsed = avro_parse_as(schemas_with(kind))(object)(framed(7, body))

    assert parsed == fastavro.schemaless_reader(io.BytesIO(body), kind, None)


class Some(msgspec.Struct):
    b: Any = None
    d: Any = None


@given(st.data())
def test_what_is_not_read_is_passed_over(data: st.DataObject) -> None:
    fields = data.draw(st.dictionaries(names, kinds, min_size=1, max_size=5))
    kind = numbered(record(fields), [])
    value = data.draw(values_of(kind))
    body = written(kind, value)
    whole = fastavro.schemaless_reader(io.BytesIO(body), kind, None)

    parsed = avro_parse_as(schemas_with(kind))(Some)(framed(7, body))

    assert parsed == Some(whole.get("b"), whole.get("d"))


OPEN = struct_of("Open", {}, [("a", "b"), ("a", "c", "d"), ("b",), ("c", "a")])


@given(st.data())
def test_a_type_that_takes_anything_is_filled_as_if_it_were_checked(data: st.DataObject) -> None:
    fields = data.draw(st.dictionaries(names, kinds, min_size=1, max_size=5))
    kind = numbered(record(fields), [])
    body = written(kind, data.draw(values_of(kind)))
    whole = fastavro.schemaless_reader(io.BytesIO(body), kind, None)

    assert avro_parse_as(schemas_with(kind))(OPEN)(framed(7, body)) == msgspec.convert(whole, OPEN)


NULLABLE = record({name: ["null", "int", "string"] for name in "abcdef"} | {"z": "int"})


@given(st.lists(st.none() | st.integers(0, 300) | st.text(max_size=3), min_size=6, max_size=6))
def test_fields_that_are_null_together_are_read_as_each_alone(values: list[Any]) -> None:
    kind = numbered(NULLABLE, [])
    value = dict(zip("abcdef", values, strict=True)) | {"z": 5}
    body = framed(7, written(kind, value))

    assert avro_parse_as(schemas_with(kind))(object)(body) == value
    assert avro_parse_as(schemas_with(kind))(Some)(body) == Some(value["b"], value["d"])
    assert avro_parse_as(schemas_with(kind))(Last)(body) == Last(5)


class Last(msgspec.Struct):
    z: int


parse_order = avro_parse_as(schemas_with(ORDER, MONEY))(Order)


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    for value in (body, framed(7, body)):
        try:
            assert isinstance(parse_order(value), Order)
        except UnreadableError:
            continue


texts = st.sampled_from(
    ["record", "enum", "fixed", "array", "map", "bytes", "int", "long", "decimal", "a", "b", ""]
)
any_json = st.recursive(
    st.none() | st.integers(-3, 10**12) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries(
            {"type": inner},
            optional={
                "name": texts,
                "size": inner,
                "symbols": st.lists(texts),
                "items": inner,
                "values": inner,
                "scale": inner,
                "logicalType": texts,
                "fields": st.lists(
                    st.fixed_dictionaries({"name": texts, "type": inner}), max_size=3
                ),
            },
        )
    ),
    max_leaves=10,
)


@given(any_json.map(json.dumps), st.binary(max_size=20))
def test_no_schema_raises_anything_else(text: str, body: bytes) -> None:
    known = Schemas()
    known.learn(7, Schema("AVRO", text))
    for shape in (object, Some):
        try:
            avro_parse_as(known)(shape)(framed(7, body))
        except UnreadableError:
            continue


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_an_instant_is_the_millisecond_that_was_written(at_ms: int) -> None:
    kind = {"type": "long", "logicalType": "timestamp-millis"}

    assert avro_parse_as(schemas_with(kind))(object)(framed(7, written("long", at_ms))) == moment(
        at_ms
    )
