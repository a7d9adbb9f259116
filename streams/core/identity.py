"""What partitions tell each other of ids that are one person: the messages on ``winback-identity``.

Each is keyed by the id that it is for, so all that is said of an id is read in one order. Between
the lanes of one deployment only, in the transactions that change their states; nobody else writes
there, and a message of another layout of the state is refused.
"""

from typing import Any, Final

import msgspec

from streams.core.decoded import Headers, Rejected, RejectReason
from streams.core.inputs import (
    Acted,
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    Linked,
    ObservationPaused,
    OptedOut,
    ReachChanged,
    TraitsSet,
    ValueCorrected,
)
from streams.core.versions import LAYOUT
from winback_sender.contract.messages import Output

FORWARDED: Final = {
    kind.__name__: kind
    for kind in (
        Acted, ConsentChanged, Erased, FeedbackReceived, Linked, ObservationPaused, OptedOut,
        ReachChanged, TraitsSet, ValueCorrected,
    )
}  # fmt: skip
"""Inputs that are about one user, by the name that stands in a message."""


class Claimed(msgspec.Struct, frozen=True, tag="claimed"):
    """Somebody is known under another id from now on: this one is to be given up.

    Attributes:
        user_id: The id to be given up.
        event_id: Of the link.
        event_time_ms: When it was linked.
        into: The id under which the person is known.
        path: Ids that had been given up already and sent the message on, in order.
    """

    user_id: str
    event_id: str
    event_time_ms: int
    into: str
    path: tuple[str, ...] = ()


class HandedOver(msgspec.Struct, frozen=True, tag="handed_over"):
    """What was known under an id that was given up.

    Attributes:
        user_id: Who takes it over.
        event_id: Of the link.
        event_time_ms: When it was linked.
        other_id: The id that was given up.
        state: Its changelog value.
        layout: Which version of the state its bytes are of.
        path: As in `Claimed`.
    """

    user_id: str
    event_id: str
    event_time_ms: int
    other_id: str
    state: bytes
    layout: str = LAYOUT
    path: tuple[str, ...] = ()


class Forwarded(msgspec.Struct, frozen=True, tag="forwarded"):
    """An input of an id that was given up; its event time is kept.

    Attributes:
        user_id: Whom it is about now.
        event_time_ms: When it was sent on.
        kind: Name of the input's type, one of `FORWARDED`.
        body: The input.
        path: As in `Claimed`.
    """

    user_id: str
    event_time_ms: int
    kind: str
    body: msgspec.Raw
    path: tuple[str, ...] = ()

    def signal(self) -> Any:
        """Return the input, as one of the user whom it is about now."""
        signal = msgspec.msgpack.decode(self.body, type=FORWARDED[self.kind])
        return msgspec.structs.replace(signal, user_id=self.user_id)


class MemberErased(msgspec.Struct, frozen=True, tag="member_erased"):
    """The person behind an id that was given up is to be forgotten.

    Attributes:
        user_id: The id.
        event_time_ms: When.
        ids: The id under which the person is known, and those that were claimed for it, of which
            some may be somebody else's.
        path: Ids that ask this one whose they are, in order.
    """

    user_id: str
    event_time_ms: int
    ids: tuple[str, ...]
    path: tuple[str, ...] = ()


class Disowned(msgspec.Struct, frozen=True, tag="disowned"):
    """An id that was claimed belongs to somebody who was erased: it is to be forgotten.

    Attributes:
        user_id: Who claimed it.
        event_time_ms: When.
        other_id: The id.
        path: As in `Claimed`.
    """

    user_id: str
    event_time_ms: int
    other_id: str
    path: tuple[str, ...] = ()


Message = Claimed | HandedOver | Forwarded | MemberErased | Disowned

_OUT: Final = msgspec.msgpack.Encoder()
_IN: Final = msgspec.msgpack.Decoder(Message)
_HEADERS: Final = [("content-type", b"application/vnd.msgpack")]


def forwarded(signal: Any, into: str, path: tuple[str, ...], at_ms: int) -> Forwarded:
    """Return the message that sends an input on."""
    body = msgspec.Raw(_OUT.encode(signal))
    return Forwarded(into, at_ms, type(signal).__name__, body, path)


def is_forwarded(signal: Input) -> bool:
    """Return whether an input is about one user."""
    return type(signal).__name__ in FORWARDED


def record_of(message: Message) -> Output:
    """Return a message as a record, keyed by whom it is for."""
    return Output(message.user_id.encode(), _OUT.encode(message), _HEADERS)


def decode_identity(
    key: bytes | None, value: bytes | None, _timestamp_ms: int, _headers: Headers = ()
) -> Message | Rejected:
    """Return the message of a record, or why it cannot be one of ours."""
    if not value or key is None:
        return Rejected(RejectReason.EMPTY, "the record has no key or no value")
    try:
        message: Message = _IN.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejected(RejectReason.NOT_DECODABLE, str(error))
    if message.user_id.encode() != key:
        return Rejected(RejectReason.KEY_MISMATCH, f"{key!r} is not {message.user_id!r}")
    if isinstance(message, Forwarded) and message.kind not in FORWARDED:
        return Rejected(RejectReason.UNKNOWN_VERSION, f"no input is a {message.kind!r}")
    return message
