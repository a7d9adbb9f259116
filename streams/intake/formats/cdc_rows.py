"""Rows that changed: what Debezium and Canal are read into, so that one rule fits both.

A change is told as Debezium's envelope has it: ``op``, ``before``, ``after`` and ``source``. Of a
row only those columns are read that a mapping asks for, whether before or after the change.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec

from streams.core.decoded import Rejected, RejectReason
from streams.core.sources import Path, Source
from streams.intake.fact import Fact, UnreadableError
from streams.intake.shape import struct_of

VERBS: Final = {"c": "create", "u": "update", "d": "delete", "r": "read"}
"""Operation, as Debezium writes it, to the last word of the name of an event."""
INSTANT_MIN_MS: Final = 1_000_000_000_000
"""2001: no change was captured sooner. A smaller number is none that counts milliseconds: 0 where
a connector did not know, seconds where it was another's idea."""

SOURCE: Final[Mapping[str, Any]] = {
    "db": str | None,
    "table": str | None,
    "ts_ms": int | None,
}
"""Of where a change comes from: what every source tells."""


class Shapes(NamedTuple):
    """Types of what is read.

    Attributes:
        row: Of a row, before or after a change.
        source: Of where a change comes from.
        change: Of the envelope.
    """

    row: type[msgspec.Struct]
    source: type[msgspec.Struct]
    change: type[msgspec.Struct]


def shapes_of(
    paths: Collection[Path], positions: Mapping[str, Any], *, has_times: bool = True
) -> Shapes:
    """Return the types of what a mapping and a format read.

    Args:
        paths: Of the mapping: ``("after", "status")``.
        positions: Further fields of the source, which tell where in its log a change stands.
        has_times: When a change was committed is read.
    """
    told = SOURCE if has_times else {name: SOURCE[name] for name in SOURCE if name != "ts_ms"}
    columns = [path[1:] for path in paths if path[0] in {"before", "after"} and len(path) > 1]
    row = struct_of("Row", {}, columns)
    source = struct_of(
        "Origin", {**told, **positions}, [path[1:] for path in paths if path[0] == "source"]
    )
    pieces: dict[str, Any] = {"before": row | None, "after": row | None, "source": source | None}
    others = [path for path in paths if path[0] not in {"op", *pieces}]
    return Shapes(row, source, struct_of("Change", {"op": str | None, **pieces}, others))


def needs_ids(source: Source) -> bool:
    """Return whether there are events whose id no rule says, so that the record must."""
    if source.id is not None:
        return False
    rules = source.rules
    return source.is_other_activity or not rules or not all(r.id or r.once_per for r in rules)


def fact_of(change: Any, table: str, verb: str, event_id: str, at_ms: int) -> Fact:
    """Return what a change says."""
    before = None if change.op == "r" else change.before
    return Fact(f"{table}.{verb}", event_id, at_ms, "", "", change, before)


def instant_ms(told: Any) -> int:
    """Return when a change was committed, or 0 if that is no instant in milliseconds."""
    return told if isinstance(told, int) and told >= INSTANT_MIN_MS else 0


def bad_envelope(what: str) -> Rejected:
    """Return the refusal of a record around a row; the text names the path."""
    return Rejected(RejectReason.BAD_ENVELOPE, what)


def deeper(error: UnreadableError, path: str) -> UnreadableError:
    """Return what is wrong with a part of a record, with its path in the record."""
    return UnreadableError(str(error).replace("`$", f"`{path}", 1), error.reason)


def row_mark(key: bytes, row: Any, columns: Iterable[str]) -> str:
    """Return what tells rows of one place apart where only what is read is known of them."""
    told = repr([getattr(row, name, None) for name in columns])
    return f"{crc32(key):08x}{crc32(told.encode('utf-8', 'replace')):08x}"
