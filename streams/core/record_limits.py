"""What one record may bring: every limit of an input, why it is there, and what is said beyond it.

All of them hold before anything is kept of a record, and none depends on the machine, on the load
or on how deep the caller's stack is: a record that is refused live is refused in a replay.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from streams.core.decoded import RejectReason

VALUE_BYTES_MAX: Final = 65_536
FOREIGN_BYTES_MAX: Final = 1_048_576
NESTING_MAX: Final = 250
SMALL: Final = 2 * NESTING_MAX
"""A value of so few bytes is not nested deeper, so nearly all are not even looked at."""
ID_BYTES_MAX: Final = 256
EVENT_ID_MAX: Final = 512
NAME_MAX: Final = 200
TEXT_MAX: Final = 200
PROPERTIES_BYTES_MAX: Final = 32_768
EVENTS_MAX: Final = 1_000
ITEMS_MAX: Final = 10_000
AMOUNT_MAX: Final = 1e12
DIGITS_MAX: Final = 30

_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_ALL_BUT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_DEPTHS: Final = np.zeros(256, np.int8)
_DEPTHS[list(b"[{")] = 1
_DEPTHS[list(b"]}")] = -1


class Limit(NamedTuple):
    """One limit.

    Attributes:
        what: Is limited.
        most: That it may be, with its unit.
        reason: Of the refusal beyond it.
        why: It is there.
    """

    what: str
    most: str
    reason: RejectReason
    why: str


LIMITS: Final[Sequence[Limit]] = (
    Limit("native event, feedback", f"{VALUE_BYTES_MAX:,} B", RejectReason.TOO_LARGE,
          "an event is a fact, not a document"),
    Limit("record of another format", f"{FOREIGN_BYTES_MAX:,} B", RejectReason.TOO_LARGE,
          "what a broker takes by default; batches and rows of tables may be long"),
    Limit("nesting of JSON and of recursive schemas", f"{NESTING_MAX}", RejectReason.NOT_DECODABLE,
          "deeper, it would be the caller's stack that decides whether a record can be read"),
    Limit("events or rows in one record", f"{EVENTS_MAX:,}", RejectReason.TOO_LARGE,
          "each is decoded, mapped and scored on its own before the next record has its turn"),
    Limit("items of a list or a mapping in Avro", f"{ITEMS_MAX:,}",
          RejectReason.NOT_DECODABLE,
          "each is read by itself; of nulls, few bytes could say a billion"),
    Limit("user id, anonymous id, Kafka key of a native event", f"{ID_BYTES_MAX} B in UTF-8",
          RejectReason.TOO_LARGE, "it is a key in memory and in every record that is written"),
    Limit("a null character in a user id or an anonymous id", "none", RejectReason.BAD_ID,
          "changelog keys that begin with one are the service's own, and no database, sender or "
          "terminal keeps such an id as it is; all other characters are the company's own choice"),
    Limit("event id", f"{EVENT_ID_MAX} characters", RejectReason.TOO_LARGE,
          "it is hashed and forgotten; longer, it is no id"),
    Limit("name of an event", f"{NAME_MAX} characters", RejectReason.TOO_LARGE,
          "as in the rules"),
    Limit("a trait that is kept", f"{TEXT_MAX} characters", RejectReason.BAD_PROPERTY,
          "it stays in the user's state; how many are kept, the rules say"),
    Limit("what a mapped event says in properties", f"{PROPERTIES_BYTES_MAX:,} B",
          RejectReason.TOO_LARGE, "it has to fit into a native event"),
    Limit("an amount, in major units", f"±{AMOUNT_MAX:,.0f}, finite", RejectReason.BAD_AMOUNT,
          "beyond it a net value would no longer be an exact float"),
    Limit("digits of an amount or an instant that is written as text",
          f"{DIGITS_MAX} before and behind the point", RejectReason.BAD_AMOUNT,
          "1E+1000000 is nine characters, and a megabyte of digits"),
    Limit("how far an event may be ahead of its record", "1 h", RejectReason.FUTURE,
          "a clock may be wrong by this much; more, and every timer would fire"),
    Limit("how early an event may be", "1970", RejectReason.BAD_TIME,
          "what is older than the past that its topic may bring is put aside as too_old, besides"),
)  # fmt: skip
"""All that a producer can break with one record; docs/limits.md is made of it.

What stands there and is not read costs its bytes alone: how many properties a record has, how long
their names are, what numbers they hold.
"""


def is_too_deep(value: bytes) -> bool:
    """Return whether JSON is nested deeper than `NESTING_MAX`; of what is none, anything."""
    if value.count(b"[") + value.count(b"{") <= NESTING_MAX:
        return False
    brackets = _TEXT.sub(b"", value).translate(None, _ALL_BUT_BRACKETS)
    depths = np.cumsum(_DEPTHS[np.frombuffer(brackets, np.uint8)], dtype=np.int64)
    return bool(len(depths)) and int(depths.max()) > NESTING_MAX
