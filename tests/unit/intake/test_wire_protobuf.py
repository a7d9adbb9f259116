"""Protobuf as a registry frames it: the texts of its schemas are compiled as they come."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.fact import UnreadableError
from streams.intake.wire.protobuf import protobuf_parse_as
from streams.intake.wire.protobuf_files import with_files
from streams.intake.wire.schemas import Schema, Schemas

MONEY = """
syntax = "proto3";
package shop;
message Money { int64 units = 1; string currency = 2; }
"""
ORDER = """
syntax = "proto3";
package shop;
import "shop/money.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "confluent/type/decimal.proto";
import "confluent/meta.proto";
message Nothing {}
message Order {
  enum Channel { UNKNOWN = 0; WEB = 1; }
  message Line { string sku = 1; Order part_of = 2; }
  string user_id = 1 [(confluent.field_meta).doc = "who"];
  optional string note = 2;
  Money paid = 3;
  google.protobuf.Timestamp at = 4;
  Channel channel = 5;
  repeated Line lines = 6;
  map<string, Money> by_shop = 7;
  bytes raw = 8;
  google.protobuf.Int32Value age = 9;
  google.protobuf.Struct extra = 10;
  confluent.type.Decimal total = 11;
  oneof device { string phone = 12; int32 till = 13; }
  double weight = 14;
}
"""
REFERENCES = (("shop/money.proto", Schema("PROTOBUF", MONEY)),)
SCHEMA = with_files(Schema("PROTOBUF", ORDER, REFERENCES))


class Line(msgspec.Struct):
    sku: str = ""


class Order(msgspec.Struct, rename={"user": "userId"}):
    user: str
    channel: Any = None
    note: Any = None
    at: Any = None
    paid: Any = None
    lines: list[Line] | None = None
    total: Any = None
    phone: Any = None


def message(name: str) -> Any:
    files = descriptor_pb2.FileDescriptorSet.FromString(SCHEMA.files)
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()


def framed(body: bytes, place: bytes = b"\x02\x02", schema_id: int = 7) -> bytes:
    return b"\0" + schema_id.to_bytes(4) + place + body


def known() -> Schemas:
    schemas = Schemas()
    schemas.learn(7, SCHEMA)
    return schemas


parse_order = protobuf_parse_as(known())(Order)
parse_all = protobuf_parse_as(known())(object)


def an_order() -> Any:
    order = message("shop.Order")
    text = """{"userId": "ada", "paid": {"units": "12", "currency": "CNY"}, "channel": "WEB",
      "at": "2017-01-01T11:53:26.007Z", "lines": [{"sku": "a"}, {"sku": "b"}], "raw": "AAE=",
      "byShop": {"x": {"units": "1"}}, "age": 7, "extra": {"a": [1, null, {"b": true}]},
      "total": {"value": "BNI=", "scale": 2}, "till": 3}"""
    json_format.Parse(text, order)
    return order


def test_what_is_read_of_a_message_arrives() -> None:
    assert parse_order(framed(an_order().SerializeToString())) == Order(
        "ada", "WEB", None, datetime(2017, 1, 1, 11, 53, 26, 7_000, UTC),
        {"units": 12, "currency": "CNY"}, [Line("a"), Line("b")], "12.34",
    )  # fmt: skip


def test_all_of_a_message_is_read_where_it_is_not_said_what() -> None:
    whole = parse_all(framed(an_order().SerializeToString()))

    assert whole["by_shop"] == {"x": {"units": 1, "currency": ""}}
    assert whole["extra"] == {"a": [1.0, None, {"b": True}]}
    assert (whole["raw"], whole["age"], whole["till"]) == ("AAE=", 7, 3)


def test_what_is_missing_is_none_where_that_can_be_told() -> None:
    whole = parse_all(framed(b""))

    assert (whole["user_id"], whole["channel"], whole["weight"]) == ("", "UNKNOWN", 0.0)
    assert whole["note"] is whole["paid"] is whole["at"] is whole["phone"] is whole["age"] is None


@pytest.mark.parametrize(
    ("place", "kind"),
    [(b"\0", "Nothing"), (b"\x02\0", "Nothing"), (b"\x02\x02", "Order"), (b"\x04\x02\0", "Line")],
)
def test_the_place_says_which_message_it_is(place: bytes, kind: str) -> None:
    fields = {"Nothing": set(), "Order": {"user_id"}, "Line": {"sku"}}

    assert fields[kind] <= parse_all(framed(b"", place)).keys()
    assert len(parse_all(framed(b"", place))) == {"Nothing": 0, "Order": 14, "Line": 2}[kind]


def refused(parse: Any, value: bytes) -> tuple[str, str]:
    with pytest.raises(UnreadableError) as caught:
        parse(value)
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (framed(b"", b""), "bad_envelope"),
        (framed(b"", b"\x02\x06"), "bad_envelope"),
        (framed(b"", b"\x01"), "bad_envelope"),
        (framed(b"", b"\xfe\xff\xff\xff\xff\xff"), "bad_envelope"),
        (framed(b"", b"\x80\x01" + b"\0" * 64), "bad_envelope"),
        (b'{"user_id": "ada"}', "bad_envelope"),
        (b"\0\0", "bad_envelope"),
        (framed(b"", schema_id=9), "schema_unknown"),
        (framed(b"\x0a\xff"), "not_decodable"),
        (framed(b"\x0a\x01\xff"), "not_decodable"),
    ],
)
def test_values_that_do_not_fit_are_refused_for_what_they_are(value: bytes, reason: str) -> None:
    assert refused(parse_order, value)[0] == reason


def test_an_instant_beyond_all_calendars_is_refused() -> None:
    order = message("shop.Order")
    order.at.seconds = 2**62

    assert "an instant of" in refused(parse_order, framed(order.SerializeToString()))[1]


@pytest.mark.parametrize(
    ("text", "references", "fault"),
    [
        ("message {", (), "the-schema-itself.proto:1"),
        ('syntax = "proto3"; import "a.proto";', (), "a.proto"),
        ("", (("../a.proto", Schema("PROTOBUF", "")),), "outside"),
        ("", (("/a.proto", Schema("PROTOBUF", "")),), "outside"),
        ("", (("a" * 300, Schema("PROTOBUF", "")),), "no name of a file"),
        ("", (("a", Schema("PROTOBUF", "")), ("a/b", Schema("PROTOBUF", ""))), "no name of a file"),
    ],
)
def test_a_text_that_cannot_be_compiled_says_why(text: str, references: Any, fault: str) -> None:
    schemas = Schemas()
    schemas.learn(7, Schema("PROTOBUF", text, references))

    reason, what = refused(protobuf_parse_as(schemas)(Order), framed(b""))

    assert reason == "not_decodable"
    assert fault in what


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    for value in (body, framed(body, b""), framed(body)):
        try:
            assert isinstance(parse_order(value), Order)
        except UnreadableError:
            continue
