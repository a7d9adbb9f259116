"""Values in Protobuf."""

from streams.intake.fact import ParseAs
from streams.intake.wire.schemas import Schemas


def protobuf_parse_as(schemas: Schemas) -> ParseAs:
    """Return what makes the parsers of values in Protobuf."""
    raise NotImplementedError
