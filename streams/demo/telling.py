"""A whole log, told in a tongue: as records of a topic, or as a dump of one."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from streams.demo.tongues import FOREIGN, Record, Tongue
from streams.errors import UserError
from streams.replay.blocks import Block
from streams.replay.events import NativeEvent

_encode: Final = msgspec.json.Encoder().encode


def records_of(tongue: Tongue, block: Block, currency: str) -> Iterator[Record]:
    """Yield the records of the events of a log.

    Args:
        tongue: In which format.
        block: Of the log.
        currency: Of the amounts, where the log names none.

    Raises:
        UserError: The log has events that a tongue does not know.
    """
    columns = zip(
        block.event_ids, block.user_ids, block.events, block.times_ms, block.amounts, strict=True
    )
    extras = block.extras or [{}] * len(block.rows)
    for row, extra in zip(columns, extras, strict=True):
        try:
            yield tongue.write(NativeEvent(*row, **{"currency": currency, **extra}))
        except KeyError:
            hint = f"only for {', '.join(FOREIGN)}"
            raise UserError(f"no format has a word for {row[2]!r} here", hint) from None


def words_of(tongue: Tongue, currency: str) -> Callable[[Block], tuple[list[str], list[bytes]]]:
    """Return what writes the blocks of a log as keys and values."""

    def words(block: Block) -> tuple[list[str], list[bytes]]:
        records = list(records_of(tongue, block, currency))
        return [record.key.decode() for record in records], [record.value for record in records]

    return words


def line_of(tongue: Tongue, record: Record, at_ms: int) -> bytes:
    """Return a record on a line, as ``kcat -J`` writes it."""
    headers = [text for name, value in record.headers for text in (name, value.decode())]
    told: dict[str, Any] = {"topic": tongue.topic, "ts": at_ms, "key": record.key.decode()}
    if headers:
        told["headers"] = headers
    return _encode(told | {"payload": record.value.decode()}) + b"\n"
