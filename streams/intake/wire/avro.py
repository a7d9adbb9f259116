"""Values in Avro."""

from streams.intake.fact import ParseAs
from streams.intake.wire.schemas import Schemas


def avro_parse_as(schemas: Schemas) -> ParseAs:
    """Return what makes the parsers of values in Avro."""
    raise NotImplementedError
