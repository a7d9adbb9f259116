# ruff: noqa: E501, ISC004 (tables of samples)
"""Schemas with everything in them, values of these, and the targets that read schemas themselves."""

import io
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from fastavro import parse_schema, schemaless_writer

from streams.demo.tongues import SCHEMA_ID
from streams.demo.tongues_binary import AVRO_SCHEMA, PROTO_SCHEMA, avro, protobuf
from streams.intake.fact import UnreadableError
from streams.intake.shape import struct_of
from streams.intake.wire.avro import avro_parse_as
from streams.intake.wire.protobuf import protobuf_parse_as
from streams.intake.wire.protobuf_files import with_files
from streams.intake.wire.registry import RegistryAwayError, _Answer, _parsed
from streams.intake.wire.schemas import Schema, Schemas
from tests.fuzz.engine import Target
from tests.fuzz.tongues import BINARY, JSON

FRAME: Final = struct.pack(">bI", 0, SCHEMA_ID)
EVENT: Final[dict[str, Any]] = {
    "id": "i", "uid": "ada", "what": "Order", "at": 1_700_000_000_000, "amount": 3.5,
    "currency": "CNY",
}  # fmt: skip


class WithSeeds(NamedTuple):
    """A schema, and bodies of values written with it."""

    text: str
    bodies: tuple[bytes, ...]

    def seeds(self, frame: bytes) -> list[bytes]:
        return [frame + body for body in self.bodies]


def _field(name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": kind}


def _logical(kind: str, logical: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": logical, **more}


_AVRO: Final = {
    "type": "record", "name": "Event",
    "fields": [
        _field("id", "string"), _field("uid", ["null", "string", "long"]), _field("what", "string"),
        _field("at", _logical("long", "timestamp-micros")),
        _field("amount", ["null", _logical("bytes", "decimal", precision=20, scale=2), "double"]),
        _field("any", ["null", "string", {"type": "array", "items": ["null", "long", "Event"]},
                       {"type": "map", "values": ["null", "string", "Event"]}]),
        _field("inner", {"type": "record", "name": "Inner", "fields": [
            _field("inner", ["null", "Inner"]), _field("name", ["null", "string"])]}),
        _field("map", {"type": "map", "values": "string"}),
        _field("list", {"type": "array", "items": {"type": "array", "items": "int"}}),
        _field("nulls", {"type": "array", "items": "null"}),
        _field("colour", {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}),
        _field("fixed", {"type": "fixed", "name": "Four", "size": 4}),
        _field("uuid", _logical("string", "uuid")), _field("day", _logical("int", "date")),
        _field("millis", _logical("long", "timestamp-millis")),
        _field("local", _logical("long", "local-timestamp-micros")),
        _field("time", _logical("long", "time-micros")), _field("flag", "boolean"),
        _field("single", "float"), _field("raw", "bytes"),
    ],
}  # fmt: skip
_VALUE: Final[dict[str, Any]] = {
    "id": "i", "uid": "ada", "what": "Order", "at": 1_700_000_000_000_000, "amount": 3.5,
    "any": None, "inner": {"inner": {"inner": None, "name": "x"}, "name": "UTC"},
    "map": {"x": "y"}, "list": [[1, 2], []], "nulls": [None, None], "colour": "RED",
    "fixed": b"abcd", "uuid": "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "day": 19_000,
    "millis": 1_700_000_000_000, "local": 1_700_000_000_000_000, "time": 7, "flag": True,
    "single": 1.5, "raw": b"\0\1",
}  # fmt: skip


def _written(value: dict[str, Any]) -> bytes:
    body = io.BytesIO()
    schemaless_writer(body, parse_schema(_AVRO), value)
    return body.getvalue()


AVRO_ALL: Final = WithSeeds(
    json.dumps(_AVRO),
    tuple(
        _written(_VALUE | more)
        for more in (
            {}, {"what": "T", "any": "text"}, {"any": [None, 5, _VALUE], "amount": None},
            {"what": "T", "any": {"a": _VALUE, "b": "c", "d": None}, "uid": 7},
        )
    ),
)  # fmt: skip


def _tag(number: int, kind: int, body: bytes) -> bytes:
    if kind == 2:
        return bytes((number << 3 | 2, len(body))) + body
    return bytes((number << 3 | kind,)) + body


_BASE: Final = (
    _tag(1, 2, b"i") + _tag(2, 2, b"ada") + _tag(3, 2, b"Order")
    + _tag(4, 2, b"\x08\x80\xe2\xcf\xaa\x06\x10\x05")
)  # fmt: skip
_INNER: Final = _tag(1, 2, _tag(2, 2, b"UTC")) + _tag(2, 2, b"x")
PROTO_ALL: Final = WithSeeds(
    """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "confluent/type/decimal.proto";
message Event {
  enum Colour { RED = 0; BLUE = 1; }
  message Inner { Inner inner = 1; string name = 2; }
  string id = 1;
  google.protobuf.StringValue uid_of = 15;
  string uid = 2;
  string what = 3;
  google.protobuf.Timestamp at = 4;
  oneof money { double amount = 5; confluent.type.Decimal exact = 6; }
  google.protobuf.Value any = 7;
  Inner inner = 8;
  map<string, string> map = 9;
  repeated Event list = 10;
  repeated int32 numbers = 11;
  Colour colour = 12;
  google.protobuf.Duration span = 13;
  bytes raw = 14;
}
""",
    tuple(
        b"\0" + body
        for body in (
            _BASE + b"\x29" + struct.pack("<d", 3.5),
            _BASE + _tag(6, 2, b"\x0a\x02\x01\x5e\x10\x14\x18\x02") + _tag(9, 2, b"\x0a\1x\x12\1y"),
            _tag(1, 2, b"i") + _tag(2, 2, b"ada") + _tag(3, 2, b"T")
            + _tag(4, 2, b"\x08\x80\xe2\xcf\xaa\x06") + _tag(7, 2, b"\x1a\1z") + _tag(8, 2, _INNER)
            + _tag(10, 2, _BASE) + _tag(11, 2, b"\1\2\xff\xff\xff\xff\x0f") + _tag(12, 0, b"\1")
            + _tag(13, 2, b"\x08\5") + _tag(14, 2, b"\0\xff"),
            _BASE + _tag(7, 2, b"\x2a\x0a\x0a\x08\x0a\1a\x12\3\x1a\1b")
            + _tag(7, 2, b"\x32\x06\x0a\x04\x1a\x02hi"),
        )
    ),
)  # fmt: skip
SHAPE: Final = struct_of("Record", {}, [("id",), ("at",), ("amount",), ("inner", "name"), ("any",)])
AVRO_TEXTS: Final = (
    AVRO_SCHEMA, AVRO_ALL.text, '"long"', '["null","string"]',
    '{"type":"record","name":"A","fields":[{"name":"a","type":["null","A"]}]}',
    '{"type":"array","items":{"type":"array","items":"null"}}',
)  # fmt: skip
ANSWERS: Final = (
    b'{"schema":"\\"long\\""}',
    b'{"subject":"a-value","version":1,"id":7,"schemaType":"PROTOBUF","schema":"syntax=\\"proto3\\";",'
    b'"references":[{"name":"a.proto","subject":"a","version":1}]}',
    b'{"error_code":40403,"message":"Schema 7 not found"}',
)


def _parsing(parse_as: Any, schema: Schema, value: bytes) -> str:
    schemas = Schemas()
    schemas.learn(SCHEMA_ID, schema)
    try:
        parse_as(schemas)(SHAPE)(value)
    except UnreadableError as error:
        return f"{error.reason} {str(error)[:40]}"
    return "read"


def _of_avro_schema() -> Callable[[bytes], str]:
    """Return what reads with a schema; which it is comes from the registry."""
    values = [avro(EVENT, SCHEMA_ID), *AVRO_ALL.seeds(FRAME), FRAME + b"\x02\x02\x02"]
    count = 0

    def call(sample: bytes) -> str:
        nonlocal count
        count += 1
        schema = Schema("AVRO", sample.decode("utf-8", "replace"))
        return _parsing(avro_parse_as, schema, values[count % len(values)])

    return call


def _of_files() -> Callable[[bytes], str]:
    """Return what reads with the descriptors that protoc has made of a schema."""
    values = [protobuf(EVENT, SCHEMA_ID), *PROTO_ALL.seeds(FRAME), FRAME + b"\x04\x02\x02\x0a\0"]
    count = 0

    def call(sample: bytes) -> str:
        nonlocal count
        count += 1
        schema = Schema("PROTOBUF", "", files=sample)
        return _parsing(protobuf_parse_as, schema, values[count % len(values)])

    return call


def _files() -> Sequence[bytes]:
    return [with_files(Schema("PROTOBUF", text)).files for text in (PROTO_SCHEMA, PROTO_ALL.text)]


def _of_answer() -> Callable[[bytes], str]:
    def call(sample: bytes) -> str:
        try:
            answer = _parsed(sample, _Answer, "http://registry")
        except RegistryAwayError as error:
            return f"away {str(error)[40:80]}"
        return f"answer {answer.schema_type[:10]}"

    return call


def _of_frame() -> Callable[[bytes], str]:
    """Return what finds out which schema a value names, and at which place of it."""
    parses = [
        make(Schemas())(SHAPE)
        for make in (avro_parse_as, protobuf_parse_as)
    ]  # fmt: skip

    def call(sample: bytes) -> str:
        word = ""
        Schemas().missing([sample, None, sample[:3]])
        for parse in parses:
            try:
                parse(sample)
            except UnreadableError as error:
                word += f"{error.reason} {str(error)[:30]} "
        return word

    return call


COMPILED: Final = "a reader, or a refusal that is kept with the schema"
TARGETS: Final = (
    Target("avro-schema", "schemas", JSON, lambda: [text.encode() for text in AVRO_TEXTS],
           _of_avro_schema, COMPILED, cpu_s=2.0),
    Target("protobuf-files", "schemas", BINARY, _files, _of_files, COMPILED, cpu_s=0.2),
    Target("registry", "schemas", JSON, lambda: ANSWERS, _of_answer, "an answer, or: it is away"),
    Target("frame", "schemas", BINARY, lambda: [FRAME + b"\0abc", FRAME + b"\4\2\2x", b"\1abcd"],
           _of_frame, "a refusal of the catalogue"),
)  # fmt: skip
