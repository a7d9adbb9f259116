"""What call-backs of providers have in common."""

from typing import Final, TypeVar

import msgspec

from winback_sender.decoding import UNREADABLE, decoder
from winback_sender.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")

ITEMS_MAX: Final = 5_000
"""Tencent sends a hundred receipts at once; Aliyun does not say how many."""

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def callback_base(provider: str, token: str) -> str:
    """Return the path under which a provider calls; the token is for those that do not sign."""
    return f"/callbacks/{provider}/{token}" if token else f"/callbacks/{provider}"


def items(body: bytes, kind: type[T], provider: str) -> list[T] | None:
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
