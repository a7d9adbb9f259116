"""What call-backs of providers have in common."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import msgspec

from winback_sender.adapter import Answer, Heard, Request
from winback_sender.http.decoding import UNREADABLE, decoder
from winback_sender.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")

ITEMS_MAX: Final = 5_000
"""Tencent sends a hundred receipts at once; Aliyun does not say how many."""

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Dialect(NamedTuple):
    """A provider's words: its name, and the answers to what was taken and what is not readable."""

    provider: str
    taken: bytes
    refused: bytes


def callback_base(provider: str, token: str) -> str:
    """Return the path under which a provider calls; the token is for those that do not sign."""
    return f"/callbacks/{provider}/{token}" if token else f"/callbacks/{provider}"


def taken(
    request: Request, kind: type[T], dialect: Dialect, meaning: Callable[[T], Heard | None]
) -> Answer:
    """Return the answer to a call-back.

    Args:
        request: What came.
        kind: Of its items.
        dialect: How to answer.
        meaning: What an item says of a touch, if anything.
    """
    found = _items(request.body, kind, dialect.provider)
    if found is None:
        return Answer(400, dialect.refused)
    heard = [word for item in found if (word := meaning(item)) is not None]
    return Answer(body=dialect.taken, heard=heard)


def _items(body: bytes, kind: type[T], provider: str) -> list[T] | None:
    """Return the items of a call-back, one object or a list; None = it is neither, or too long.

    An item that cannot be read is passed over: it would not be readable the next time either, and
    the others must not be lost with it.
    """
    try:
        parts = _LIST.decode(body if body.lstrip().startswith(b"[") else b"[" + body + b"]")
    except UNREADABLE:
        return None
    if len(parts) > ITEMS_MAX:
        return None
    found = []
    for part in parts:
        try:
            found.append(decoder(kind, strict=False).decode(part))
        except UNREADABLE:
            log.warning("callback_passed_over", provider=provider, bytes=len(part))
    return found
