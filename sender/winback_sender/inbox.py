"""Reading ``win-back``: one record becomes a message of the contract, or is passed over."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked

Message = TouchRequested | TouchRevoked | CaseClosed

_DECODER: Final = msgspec.json.Decoder(Message)


class Letter(NamedTuple):
    """One record of ``win-back``.

    Attributes:
        partition: Where it stands.
        offset: Where it stands there.
        at_ms: Its ``ce_time``, epoch ms UTC.
        message: None for a record that is not of the contract, or of a kind that is new to us.
    """

    partition: int
    offset: int
    at_ms: int
    message: Message | None


def letter(
    partition: int,
    offset: int,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    timestamp_ms: int,
) -> Letter:
    """Read one record; without a readable ``ce_time`` the record's timestamp counts."""
    stated = dict(headers).get("ce_time")
    try:
        at_ms = timestamp_ms if stated is None else instant_ms(stated.decode())
    except ValueError:
        at_ms = timestamp_ms
    try:
        message = _DECODER.decode(value) if value else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = None
    return Letter(partition, offset, at_ms, message)
