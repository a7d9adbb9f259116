"""What else Debezium writes: rows without their envelope, and records that tell of no row.

These are recognised by what they hold, after a record was found to be no envelope.
"""

from collections.abc import Callable
from typing import Any, Final
from zlib import crc32

import msgspec

from streams.core.decoded import Rejected, RejectReason, Skipped
from streams.core.sources import Source
from streams.intake.fact import Facts, Parse, ParseAs, UnreadableError
from streams.intake.formats.cdc_rows import VERBS, Shapes, fact_of, instant_ms, key_text
from streams.intake.formats.cdc_values import UNAVAILABLE
from streams.intake.shape import attribute

META: Final = (
    "__op", "__deleted", "__table", "__source_table", "__db", "__source_db", "__source_ts_ms",
    "__file", "__pos", "__row", "__lsn", "__source_file", "__source_pos", "__source_row",
    "__source_lsn",
)  # fmt: skip
"""What ``add.fields`` may add to a row, under its default prefix."""
HOW: Final = (
    "a row without its envelope: let ExtractNewRecordState keep what happened,"
    " add.fields=op,table,source.ts_ms and delete.tombstone.handling.mode=rewrite"
)
DIGITS_MAX: Final = 19
"""Of 64 bits."""
ReadOthers = Callable[[bytes | None, bytes, Rejected], Facts | Rejected | Skipped]
"""What a record comes to that is no envelope; if nothing else, the refusal that was given."""


class _Other(msgspec.Struct, gc=False):
    """Fields by which records are recognised that tell of no row."""

    ddl: Any = msgspec.UNSET
    status: Any = msgspec.UNSET
    data_collections: Any = msgspec.UNSET
    aggregate_type: Any = msgspec.UNSET
    ts_ms: Any = msgspec.UNSET


class _Wrapped(_Other):
    payload: _Other | None = None


def make_read_others(source: Source, shapes: Shapes, parse_as: ParseAs) -> ReadOthers:
    """Return what reads the records of a connector that are no envelopes."""
    flat = msgspec.defstruct(
        "Flat",
        [(attribute(name), str | int | bool | None, None) for name in META],
        bases=(shapes.row,),
        rename={attribute(name): name for name in META},
        gc=False,
    )
    wrapped = msgspec.defstruct("Wrapped", [("payload", flat | None, None)], bases=(flat,))
    parse_flat, parse_other = parse_as(wrapped), parse_as(_Wrapped)
    read_flat = _make_read_flat(source.topic.rpartition(".")[2], shapes)

    def read(key: bytes | None, value: bytes, refused: Rejected) -> Facts | Rejected | Skipped:
        row = _attempt(parse_flat, value)
        facts = None if row is None else read_flat(row, key)
        if facts is not None:
            return facts
        other = _attempt(parse_other, value)
        return (None if other is None else _kind(other, key)) or refused

    return read


def _attempt(parse: Parse, value: bytes) -> Any:
    try:
        parsed = parse(value)
    except UnreadableError:
        return None
    return parsed.payload or parsed


def _kind(other: _Other, key: bytes | None) -> Skipped | None:
    """Return what a record is that tells of no row.

    Source:
        https://debezium.io/documentation/reference/stable/connectors/mysql.html, sections
        "Transaction metadata", "Schema change topic"; and
        …/configuration/notification.html
    """
    if other.ddl is not msgspec.UNSET:
        return Skipped("schema_change")
    if other.data_collections is not msgspec.UNSET and other.status in ("BEGIN", "END"):
        return Skipped("transaction")
    if isinstance(other.aggregate_type, str):
        return Skipped("notification")
    if other.ts_ms is not msgspec.UNSET and key is not None and b"serverName" in key:
        return Skipped("heartbeat")
    return None


def _make_read_flat(
    topic_table: str, shapes: Shapes
) -> Callable[[Any, bytes | None], Facts | Rejected | None]:
    """Return what reads a row without its envelope; None = it does not seem to be one."""
    names = {name: attribute(name) for name in META}
    columns = shapes.row.__struct_fields__

    def read(row: Any, key: bytes | None) -> Facts | Rejected | None:
        told = {name: getattr(row, short) for name, short in names.items()}
        is_deleted = told["__deleted"] in {"true", True}
        op = "d" if is_deleted else told["__op"]
        if op is None:
            is_flat = told["__deleted"] is not None or told["__table"] is not None
            return Rejected(RejectReason.BAD_ENVELOPE, f"{HOW} - at `$.__op`") if is_flat else None
        if op not in VERBS:
            return Rejected(RejectReason.BAD_ENVELOPE, f"{str(op)[:20]!r} - at `$.__op`")
        for column in columns:
            if getattr(row, column) == UNAVAILABLE:
                setattr(row, column, None)
        table = str(_first(told, "table") or topic_table)
        at_ms = _whole(told["__source_ts_ms"])
        origin = shapes.source(db=_first(told, "db"), table=table, ts_ms=at_ms)
        change = shapes.change(op=op, source=origin, **{"before" if op == "d" else "after": row})
        event_id = _event_id(told, table, op, key, [getattr(row, name) for name in columns])
        return (fact_of(change, table, VERBS[op], event_id, 0 if op == "r" else instant_ms(at_ms)),)

    return read


def _first(told: dict[str, Any], field: str) -> Any:
    found = told[f"__{field}"]
    return told[f"__source_{field}"] if found is None else found


def _whole(value: Any) -> int | None:
    """Return a number that may be written as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX:
        return int(value)
    return value if type(value) is int else None


def _event_id(told: dict[str, Any], table: str, op: str, key: bytes | None, row: list[Any]) -> str:
    """Return an id that is the same when a row is told again; empty = nothing is sure to be."""
    place = _first(told, "lsn")
    if _first(told, "file"):
        place = f"{_first(told, 'file')}:{_first(told, 'pos')}:{_first(told, 'row') or 0}"
    if place is None and told["__source_ts_ms"] is not None:
        place = f"{told['__source_ts_ms']}:{crc32(repr(row).encode()):08x}"
    if place is None or key is None:
        return ""
    return f"{_first(told, 'db') or ''}.{table}:{op}:{key_text(key)}:{place}"
