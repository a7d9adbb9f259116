"""What the readers of all formats share: ids, names that are ours, and why a record is refused."""

from typing import Final

from streams.core.decoded import Rejected, RejectReason
from streams.core.interpret import COVERAGE_EVENT
from streams.core.native import WATERMARK_EVENT
from streams.core.sources import LINK_EVENT
from streams.intake.fact import UnreadableError

Id = str | int | None
"""An id as others write it; a float, a boolean or an object is none, and refused with its path."""
OWN_NAMES: Final = frozenset({LINK_EVENT, COVERAGE_EVENT, WATERMARK_EVENT})
"""What only our own machinery says; an event that calls itself so is refused."""
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


def faulty(what: str) -> Rejected:
    """Return the refusal of an envelope; the text names the path."""
    return Rejected(RejectReason.BAD_ENVELOPE, what)


def own_name(name: str, path: str) -> Rejected:
    """Return the refusal of an event with a name that only our own machinery gives."""
    return faulty(f"{name!r} is a name of winback's own - at `{path}`")
