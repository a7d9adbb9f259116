"""Values in JSON: parsed into the type of what is read, each of its fields at most once.

Those that a registry's serialiser has framed are JSON behind the frame; to read them takes no
schema, so none is asked for.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from streams.core.interpret import UNREADABLE
from streams.core.native import TOO_DEEP
from streams.core.record_limits import SMALL, is_too_deep
from streams.intake.fact import Parse, UnreadableError
from streams.intake.wire.faults import unreadable
from streams.intake.wire.schemas import FRAME_BYTES
from streams.intake.wire.twice import make_guard

FRAMED: Final = b"\0"
"""No JSON begins so."""


def json_parse_as(shape: type) -> Parse:
    """Return what parses JSON into a type; a field of it that stands twice is refused."""
    return _parser(shape, make_guard(shape))


def raw_parse_as(shape: type) -> Parse:
    """As `unguarded_parse_as`, of values that nothing frames; errors are as they come."""
    return msgspec.json.Decoder(shape).decode


def unguarded_parse_as(shape: type) -> Parse:
    """Return what parses JSON into a type, for values in which no field of it stands twice."""
    return _parser(shape, None)


def _parser(shape: type, demand_single: Callable[[bytes], None] | None) -> Parse:
    decode: Parse = msgspec.json.Decoder(shape).decode

    def parse(value: bytes) -> Any:
        if len(value) > SMALL and is_too_deep(value):
            raise UnreadableError(TOO_DEEP.detail)
        try:
            parsed = decode(value)
        except UNREADABLE as error:
            if not value.startswith(FRAMED):
                raise unreadable(error) from None
            value = value[FRAME_BYTES:]
            try:
                parsed = decode(value)
            except UNREADABLE as behind:
                raise unreadable(behind) from None
        if demand_single is not None:
            demand_single(value)
        return parsed

    return parse
