"""Instants that a client's clock told, and what is done where that clock is plainly wrong."""

from datetime import datetime
from typing import Final

from streams.core.decoded import RejectReason
from streams.core.native import FUTURE_MAX_MS
from streams.intake.formats.envelope import faulty

LONG_AGO_MS: Final = 946_684_800_000
"""2000-01-01: a client that says less has lost its clock; none of these formats is so old."""


def instant_ms(moment: datetime) -> int:
    """Return epoch ms UTC of a moment with a zone, rounded as those of native events."""
    return round(moment.timestamp() * 1_000)


def demand_zone(moment: datetime | None, path: str) -> None:
    """Raise UnreadableError if an instant names no zone: it could be any of 26 hours."""
    if moment is not None and moment.tzinfo is None:
        raise faulty("no zone", path, RejectReason.BAD_TIME)


def is_absurd(reading_ms: int, received_ms: int) -> bool:
    """Return whether a clock cannot have been right, by one that is known; 0 = none is."""
    is_future = reading_ms > received_ms + FUTURE_MAX_MS
    return received_ms > 0 and (is_future or reading_ms < LONG_AGO_MS)


def corrected(reading_ms: int, sent_ms: int, received_ms: int) -> int:
    """Return when it happened by the receiver's clock; the client's may have been set to anything.

    The client's two readings have the same fault, so what lies between them is right; and what was
    sent was received at once.

    Source:
        https://segment.com/docs/connections/spec/common/#timestamps
    """
    return received_ms - (sent_ms - reading_ms)
