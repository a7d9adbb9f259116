"""Values in Avro, framed with the id of the schema that they were written with."""

import json
import struct
from typing import Any, Final

import msgspec
from fastavro import parse_schema
from fastavro.schema import SchemaParseException
from msgspec import inspect

from streams.intake.fact import Parse, ParseAs
from streams.intake.wire.avro_code import make_reader
from streams.intake.wire.avro_lines import BadBytesError, Read
from streams.intake.wire.faults import not_written_with, unreadable
from streams.intake.wire.schemas import FRAME_BYTES, Schema, Schemas

KIND: Final = "AVRO"
_MISFITS: Final = (
    BadBytesError, IndexError, ValueError, OverflowError, RecursionError, struct.error,
)  # fmt: skip
_FAULTS: Final = (
    SchemaParseException, BadBytesError, ValueError, TypeError, KeyError, AttributeError,
    RecursionError, SyntaxError,
)  # fmt: skip


def avro_parse_as(schemas: Schemas) -> ParseAs:
    """Return what makes the parsers of values in Avro."""

    def parse_as(shape: type) -> Parse:
        tree, readers, convert = inspect.type_info(shape), dict[bytes, Read](), msgspec.convert

        def parse(value: bytes) -> Any:
            frame = value[:FRAME_BYTES]
            read = readers.get(frame)
            if read is None:
                read = readers[frame] = _reader(schemas, value, tree)
            try:
                found, end = read(value, FRAME_BYTES)
                if end != len(value):
                    raise BadBytesError(f"it ends at byte {end} of {len(value)}")
                return found if found.__class__ is shape else convert(found, shape)
            except msgspec.ValidationError as error:
                raise unreadable(error) from None
            except _MISFITS as error:
                raise not_written_with(int.from_bytes(frame[1:]), error) from None

        return parse

    return parse_as


def _reader(schemas: Schemas, value: bytes, tree: inspect.Type) -> Read:
    """Return the reader of the schema that a value names.

    Raises:
        UnreadableError: It is unknown, or no Avro schema; that is found out once.
    """
    schema = schemas.of(value, KIND)
    try:
        named: dict[str, Any] = {}
        _learn_names(schema, named, set())
        return make_reader(parse_schema(json.loads(schema.text), named), named, tree)
    except _FAULTS as error:
        raise schemas.unusable(value, f"it is no schema in Avro: {error!r}") from None


def _learn_names(schema: Schema, named: dict[str, Any], seen: set[Schema]) -> None:
    """Add the types that a schema refers to, those first that they refer to themselves."""
    for _, other in schema.references:
        if other not in seen:
            seen.add(other)
            _learn_names(other, named, seen)
            parse_schema(json.loads(other.text), named)
