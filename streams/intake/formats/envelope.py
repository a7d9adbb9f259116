"""What the readers of all formats share: ids, names that are ours, and why a record is refused."""

from typing import Final

from streams.core.decoded import Rejected, RejectReason
from streams.intake.fact import UnreadableError
from streams.intake.mapping_ids import RESERVED

Id = str | int | None
"""An id as others write it; a float, a boolean or an object is none, and refused with its path."""
BAD: Final = RejectReason.BAD_ENVELOPE
EMPTY: Final = Rejected(RejectReason.EMPTY, "the record has no value")
NO_TIME: Final = "RFC3339"
"""Stands in what the parser says of a text that is no instant."""


def id_text(value: Id) -> str:
    """Return an id as text: integers in decimal digits, nothing as empty, texts as they are."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)


def refused(error: UnreadableError) -> Rejected:
    """Return the refusal of a value that is not what its format says."""
    what = str(error)
    reason = RejectReason.BAD_TIME if NO_TIME in what else RejectReason(error.reason)
    return Rejected(reason, what)


def faulty(what: str, path: str, reason: RejectReason = BAD) -> UnreadableError:
    """Return what a reader raises if an envelope is not as its format says."""
    return UnreadableError(f"{what} - at {path}", reason)


def demand_not_ours(name: str, path: str) -> None:
    """Raise UnreadableError if an event calls itself what only our own machinery says."""
    if name in RESERVED:
        raise faulty(f"{name!r} is a name of winback's own", path)
