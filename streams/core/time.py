"""Event time: instants and spans in integer milliseconds."""

import re
from typing import Final, NewType

from winback_sender.contract.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, iso

__all__ = [
    "DAY_MS", "FAR_FUTURE_MS", "HOUR_MS", "MINUTE_MS", "SECOND_MS", "SPAN_MAX_MS", "EventTimeMs",
    "iso", "span_ms",
]  # fmt: skip

EventTimeMs = NewType("EventTimeMs", int)
"""An instant in event time, epoch milliseconds UTC."""

FAR_FUTURE_MS: Final = 4_102_444_800_000
"""2100-01-01: no event of a running business lies beyond; a clock that says so is broken."""

SPAN_MAX_MS: Final = 36_525 * DAY_MS
"""A hundred years: sums of instants and spans stay far from the end of what is exact."""

_UNITS: Final = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def span_ms(text: str) -> int:
    """Return the milliseconds of a span such as ``90s``, ``15m``, ``12h`` or ``30d``.

    Raises:
        ValueError: The text is not a number followed by one of the units s, m, h, d, or too long.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        message = (
            f"{text!r} is not a span of time: write a number and a unit, as in 90s, 15m, 12h, 30d"
        )
        raise ValueError(message)
    ms = float(match[1]) * _UNITS[match[2]]
    if ms > SPAN_MAX_MS:
        raise ValueError(f"{text!r} is too long: at most a hundred years")
    return round(ms)
