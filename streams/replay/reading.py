"""Rows of a log as inputs: what a topic would make of them, without writing and reading records."""

from collections.abc import Callable, Iterator
from typing import Final

from streams.core.decoded import Decoded
from streams.core.interpret import NativeEvent, make_interpret
from streams.core.native import FUTURE_MAX_MS, WATERMARK_EVENT, make_decode
from streams.core.record_limits import EVENT_ID_MAX, ID_BYTES_MAX, NAME_MAX
from streams.core.rules import Rules
from streams.core.time import FAR_FUTURE_MS
from streams.replay.blocks import Block
from streams.replay.events import encoded

ID_MAX: Final = ID_BYTES_MAX // 4
"""No id of so many characters is too long, whatever they are."""

Read = Callable[[Block], Iterator[Decoded]]
"""Yields what each row of a block comes to."""


def make_read(rules: Rules, now_ms: int) -> Read:
    """Return what reads rows as the service reads records.

    A row without further columns, and with nothing unusual in it, is understood as it is; any other
    is written as a record, and decoded.

    Args:
        rules: The business rules.
        now_ms: Record timestamp of the rows, epoch ms UTC.
    """
    decode, interpret = make_decode(rules), make_interpret(rules)
    until_ms = min(now_ms + FUTURE_MAX_MS, FAR_FUTURE_MS)

    def read(block: Block) -> Iterator[Decoded]:
        if block.extras is not None:
            for user_id, value in zip(block.user_ids, encoded(block), strict=True):
                yield decode(user_id.encode(), value, now_ms)
            return
        rows = zip(
            block.event_ids, block.user_ids, block.events, block.times_ms, block.amounts,
            strict=True,
        )  # fmt: skip
        for place, (event_id, user_id, event, at_ms, amount) in enumerate(rows):
            if (
                0 < at_ms <= until_ms
                and 0 < len(user_id) <= ID_MAX
                and 0 < len(event_id) <= EVENT_ID_MAX
                and 0 < len(event) <= NAME_MAX
                and "\0" not in user_id
                and event != WATERMARK_EVENT
            ):
                yield interpret(NativeEvent(event, at_ms, event_id, user_id, amount), at_ms)
            else:
                (value,) = encoded(block.cut(place, place + 1))
                yield decode(user_id.encode(), value, now_ms)

    return read
