"""Reading ``win-back``: one record becomes a message of the contract, or it is said why not."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked, UserErased
from winback_sender.contract.versions import HEADER, MAJORS, major_of
from winback_sender.contract.words import Why

Message = TouchRequested | TouchRevoked | CaseClosed | UserErased

REQUESTED: Final = "touch.requested"
REVOKED: Final = "touch.revoked"

_DECODER: Final = msgspec.json.Decoder(Message)


class _Loose(msgspec.Struct, frozen=True):
    """What can be read of a message whatever else is wrong with it."""

    type: str = ""
    touch_id: str = ""
    user_id: str = ""
    channel: str = ""


_LOOSE: Final = msgspec.json.Decoder(_Loose)


class Unread(NamedTuple):
    """A record that cannot be read, and what can be read of it all the same; empty = nothing.

    Attributes:
        reason: `Why.NOT_READABLE` or `Why.UNKNOWN_VERSION`.
        detail: For the dead letter; may quote the record.
        kind: Its type.
        touch_id: Which touch.
        user_id: Whose.
        channel: Through which channel.
    """

    reason: Why
    detail: str
    kind: str = ""
    touch_id: str = ""
    user_id: str = ""
    channel: str = ""


class Letter(NamedTuple):
    """One record of ``win-back``.

    Attributes:
        partition: Where it stands.
        offset: Where it stands there.
        at_ms: Its ``ce_time``, epoch ms UTC.
        message: None for a kind that is new to us.
        key: Of the record.
        value: Of the record.
        timestamp_ms: Of the record, epoch ms UTC.
    """

    partition: int
    offset: int
    at_ms: int
    message: Message | Unread | None
    key: bytes | None = None
    value: bytes | None = None
    timestamp_ms: int = 0


def letter(
    partition: int,
    offset: int,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    timestamp_ms: int,
    key: bytes | None = None,
) -> Letter:
    """Read one record; without a readable ``ce_time`` the record's timestamp counts."""
    said = dict(headers)
    stated = said.get("ce_time")
    try:
        at_ms = timestamp_ms if stated is None else instant_ms(stated.decode())
    except ValueError:
        at_ms = timestamp_ms
    message = _message(value, major_of(said.get(HEADER)))
    return Letter(partition, offset, at_ms, message, key, value, timestamp_ms)


def _check(message: Message) -> None:
    """Check what a schema cannot say.

    Raises:
        ValueError: Something is missing, or is no instant.
    """
    if isinstance(message, CaseClosed | UserErased):
        return
    if not (message.touch_id and message.user_id) or "\0" in message.touch_id + message.user_id:
        raise ValueError("touch_id or user_id is missing")
    if isinstance(message, TouchRequested):
        instant_ms(message.not_before)
        instant_ms(message.expires_at)


def _message(value: bytes | None, major: int) -> Message | Unread | None:
    if not value:
        return Unread(Why.NOT_READABLE, "the record is empty")
    detail = f"version {major} of the contract is not known here"
    if major == 1:
        try:
            message: Message = _DECODER.decode(value)
            _check(message)
        except (ValueError, RecursionError) as error:  # msgspec's and Unicode's are ValueErrors
            detail = str(error) or type(error).__name__
        else:
            return message
    try:
        loose = _LOOSE.decode(value)
    except (ValueError, RecursionError):
        return Unread(Why.NOT_READABLE, detail)
    if loose.type not in MAJORS:
        return None if loose.type else Unread(Why.NOT_READABLE, detail)
    reason = Why.NOT_READABLE if major in range(1, MAJORS[loose.type] + 1) else Why.UNKNOWN_VERSION
    known = (loose.touch_id, loose.user_id, loose.channel)
    return Unread(reason, detail, loose.type, *("" if "\0" in text else text for text in known))
