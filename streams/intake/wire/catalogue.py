"""Encodings: what parses the values of a topic."""

from streams.core.sources import Encoding
from streams.intake.fact import ParseAs
from streams.intake.wire.json_values import json_parse_as
from streams.intake.wire.schemas import Schemas


def parse_as_of(encoding: Encoding, schemas: Schemas) -> ParseAs:
    """Return what makes the parsers of an encoding; what it needs is read when it is asked for."""
    match encoding:
        case Encoding.JSON:
            return json_parse_as
        case Encoding.AVRO:
            from streams.intake.wire.avro import avro_parse_as  # noqa: PLC0415 (few need it)

            return avro_parse_as(schemas)
        case Encoding.PROTOBUF:
            from streams.intake.wire.protobuf import protobuf_parse_as  # noqa: PLC0415 (as above)

            return protobuf_parse_as(schemas)
