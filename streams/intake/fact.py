"""A fact: one thing that a record says, in the terms of no format.

A format reads a record into facts; the mapping of its topic makes native events of them.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from streams.core.decoded import Headers, Rejected, Skipped

MADE: Final = (".create", ".read")
"""How the names of changes end before which there was no row, or none that counts: a snapshot."""


class Fact(msgspec.Struct, gc=False):
    """One thing that a record says.

    Attributes:
        name: Event name, as a mapping names it: ``Order Completed``, ``identify``,
            ``orders.create``.
        event_id: Idempotency key; empty = the format gave none, so the mapping must.
        at_ms: When it happened, epoch ms UTC; 0 = the format gave no time, so the mapping must.
        user_id: Under which id the person is known; empty = not logged in.
        anonymous_id: Id of the device or browser; empty = none.
        body: The record as parsed, for the paths of the mapping.
        before: Of a changed row, what it was before, in the shape of what it is now (the part of
            `body` that is ``$.after``); None = there was none (`MADE`), or nobody tells.
    """

    name: str
    event_id: str
    at_ms: int
    user_id: str
    anonymous_id: str
    body: Any
    before: Any = None


Facts = tuple[Fact, ...]

Parse = Callable[[bytes], Any]
"""From the bytes of a value to an instance of the type it was made for.

Raises:
    Unreadable: With the path that is wrong.
"""

ParseAs = Callable[[type], Parse]
"""Makes the parser of a type: a msgspec Struct whose fields are what is read, nothing else.

The same type is used for every encoding: JSON is parsed into it, Avro and Protobuf are converted.
"""


class UnreadableError(Exception):
    """A value is not what its type says; the text names the path, as in ``$.properties.total``.

    Args:
        what: What is wrong, with the path.
        reason: A `RejectReason` value, where it is another than ``not_decodable``.
    """

    def __init__(self, what: str, reason: str = "not_decodable") -> None:
        super().__init__(what)
        self.reason = reason


Plain = Callable[[bytes | None, bytes, int, Headers], Fact | None]
"""``plain(key, value, timestamp_ms, headers)``: the one thing that a record says, as `Read` has it.

None = it is not as nearly all records are: `Read` is to be asked. Of a person who is not logged in
the anonymous id stands as the user id.

Raises:
    UnreadableError: Likewise.
"""


class Read(Protocol):
    """How a format reads a record of a topic."""

    def __call__(
        self, key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers, /
    ) -> Facts | Rejected | Skipped:
        """Return what the record says, in order; never an empty tuple."""
