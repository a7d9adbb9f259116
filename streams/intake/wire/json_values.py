"""Values in JSON: parsed into the type of what is read, each of its fields at most once."""

from typing import Any

import msgspec

from streams.core.interpret import UNREADABLE
from streams.intake.fact import Parse, UnreadableError
from streams.intake.wire.twice import make_guard


def json_parse_as(shape: type) -> Parse:
    """Return what parses JSON into a type; a field of it that stands twice is refused."""
    decode: Parse = msgspec.json.Decoder(shape).decode
    demand_single = make_guard(shape)

    def parse(value: bytes) -> Any:
        try:
            parsed = decode(value)
        except UNREADABLE as error:
            raise unreadable(error) from None
        demand_single(value)
        return parsed

    return parse


def unreadable(error: Exception) -> UnreadableError:
    """Return what is wrong; an error of the whole value has the path of the whole."""
    text = "nested too deep" if isinstance(error, RecursionError) else str(error)
    return UnreadableError(text if "`$" in text else f"{text} - at `$`")
