"""Rows of a log as native events: the bytes that a producer would put on the activity topic."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from streams.core.interpret import COVERAGE_EVENT
from streams.core.native import FUTURE_MAX_MS, WATERMARK_EVENT, WATERMARK_KEY
from streams.core.outages import NEVER, Span
from streams.core.time import FAR_FUTURE_MS
from streams.replay.blocks import Block


class NativeEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """One native event as it is written; `streams.core.native.NativeEvent` is how it is read.

    Instants are epoch ms UTC; nothing stands on the wire for what is not there.
    """

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
    event = NativeEvent(f"{source}:{WATERMARK_EVENT}", WATERMARK_EVENT, WATERMARK_EVENT, at_ms)
    return WATERMARK_KEY, _ENCODER.encode(event)


def coverage(span: Span, at_ms: int, user_id: str = COVERAGE_EVENT) -> tuple[bytes, bytes]:
    """Return key and value of a record that says: nothing was logged in a span.

    Args:
        span: Begin and end, epoch ms UTC; infinity = not over; not after the begin = taken back.
        at_ms: When it is said.
        user_id: Of whom; of everybody unless one is named.
    """
    start, end = int(span[0]), None if span[1] == NEVER else int(span[1])
    event = NativeEvent(
        f"{COVERAGE_EVENT}:{start}:{end}", user_id, COVERAGE_EVENT, at_ms,
        properties={"from": start, "to": end},
    )  # fmt: skip
    return user_id.encode(), _ENCODER.encode(event)


def credible(times_ms: Sequence[int], now_ms: int) -> list[int]:
    """Return the instants that may move a watermark: from 1970 on, and not from the future.

    A feed and a replay close with the newest of these, whether its event was accepted or not.

    Args:
        times_ms: Event times, epoch ms UTC.
        now_ms: Record timestamp of these events.
    """
    until_ms = min(now_ms + FUTURE_MAX_MS, FAR_FUTURE_MS)
    return [at_ms for at_ms in times_ms if 0 < at_ms <= until_ms]


def keys(user_ids: Sequence[str]) -> list[bytes]:
    """Return the Kafka keys of users."""
    return [user_id.encode() for user_id in user_ids]
