"""A plain event in Avro and in Protobuf, framed as a schema registry frames it."""

import functools
import io
import json
import struct
from typing import Any, Final

TEXTS: Final = ("channel", "zone", "acquisition_source", "member_name", "anonymous_id")
FRAME: Final = ">bI"
"""Magic byte 0 and the id of the schema."""
MESSAGE_INDEX: Final = b"\0"
"""The first message of the file, in the short form."""

AVRO_SCHEMA: Final = json.dumps(
    {
        "type": "record",
        "name": "Event",
        "namespace": "com.example",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "uid", "type": "string"},
            {"name": "what", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "amount", "type": ["null", "double"], "default": None},
            {"name": "currency", "type": ["null", "string"], "default": None},
            {"name": "granted", "type": ["null", "boolean"], "default": None},
            *({"name": name, "type": ["null", "string"], "default": None} for name in TEXTS),
        ],
    }
)

PROTO_SCHEMA: Final = """syntax = "proto3";
package com.example;
message Event {
  string id = 1;
  string uid = 2;
  string what = 3;
  int64 at = 4;
  optional double amount = 5;
  optional string currency = 6;
  optional bool granted = 7;
  optional string channel = 8;
  optional string zone = 9;
  optional string acquisition_source = 10;
  optional string member_name = 11;
  optional string anonymous_id = 12;
}
"""
NUMBERS: Final = {
    "id": 1, "uid": 2, "what": 3, "at": 4, "amount": 5, "currency": 6, "granted": 7,
} | {name: number for number, name in enumerate(TEXTS, start=8)}  # fmt: skip


def avro(row: dict[str, Any], schema_id: int) -> bytes:
    """Return a row in Avro."""
    from fastavro import schemaless_writer  # noqa: PLC0415 (heavy)

    body = io.BytesIO()
    schemaless_writer(body, _parsed(), row)
    return struct.pack(FRAME, 0, schema_id) + body.getvalue()


@functools.cache
def _parsed() -> Any:
    from fastavro import parse_schema  # noqa: PLC0415 (heavy)

    return parse_schema(json.loads(AVRO_SCHEMA))


def protobuf(row: dict[str, Any], schema_id: int) -> bytes:
    """Return a row in Protobuf.

    Source:
        https://protobuf.dev/programming-guides/encoding/
    """
    fields = b"".join(
        _field(NUMBERS[name], value) for name, value in row.items() if value is not None
    )
    return struct.pack(FRAME, 0, schema_id) + MESSAGE_INDEX + fields


def _field(number: int, value: Any) -> bytes:
    if isinstance(value, float):
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, str):
        text = value.encode()
        return _varint(number << 3 | 2) + _varint(len(text)) + text
    return _varint(number << 3) + _varint(int(value))


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:  # noqa: PLR2004 (seven bits a byte)
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*made, number))
