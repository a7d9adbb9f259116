"""Rows of a log as native events: the bytes that a producer would put on the activity topic."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from streams.replay.blocks import Block

WATERMARK: Final = "$watermark"
"""Event name, user id and key of the record that closes a partition: nothing older follows."""


class NativeEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """One native event; instants in epoch ms UTC."""

    event_id: str
    user_id: str
    event: str
    event_time: int
    amount: float | None = None
    currency: str | None = None
    properties: dict[str, Any] | None = None


_ENCODER: Final = msgspec.json.Encoder()


def encoded(block: Block) -> list[bytes]:
    """Return the values of a block's events, in its order."""
    encode = _ENCODER.encode
    columns = zip(
        block.event_ids, block.user_ids, block.events, block.times_ms, block.amounts, strict=True
    )
    if block.extras is None:
        return [encode(NativeEvent(*row)) for row in columns]
    with_extras = zip(columns, block.extras, strict=True)
    return [encode(NativeEvent(*row, **extra)) for row, extra in with_extras]


def watermark(source: str, at_ms: int) -> tuple[bytes, bytes]:
    """Return key and value of a record that says: nothing before ``at_ms`` follows here."""
    event = NativeEvent(f"{source}:{WATERMARK}", WATERMARK, WATERMARK, at_ms)
    return WATERMARK.encode(), _ENCODER.encode(event)


def keys(user_ids: Sequence[str]) -> list[bytes]:
    """Return the Kafka keys of users."""
    return [user_id.encode() for user_id in user_ids]
