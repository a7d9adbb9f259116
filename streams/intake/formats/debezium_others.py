"""What else Debezium writes: rows without their envelope, and records that tell of no row.

These are recognised by what they hold, after a record was found to be no envelope.
"""

from collections.abc import Callable
from typing import Any, Final
from zlib import crc32

import msgspec

from streams.core.decoded import Rejected, Skipped
from streams.core.sources import Source
from streams.intake.fact import Facts, Parse, ParseAs, UnreadableError
from streams.intake.formats.cdc_rows import (
    VERBS,
    Shapes,
    bad_envelope,
    fact_of,
    instant_ms,
    row_mark,
)
from streams.intake.formats.cdc_values import UNAVAILABLE
from streams.intake.shape import attribute

META: Final = (
    "__op", "__deleted", "__table", "__source_table", "__db", "__source_db", "__source_ts_ms",
    "__file", "__pos", "__row", "__lsn", "__source_file", "__source_pos", "__source_row",
    "__source_lsn",
)  # fmt: skip
"""What ``add.fields`` may add to a row, under its default prefix."""
VOLATILE: Final = ("__ts_ms", "__ts_us", "__ts_ns")
"""When the connector saw a change: another instant when it is told again."""
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
    payload: _Other | str | int | float | bool | list[Any] | None = None


def make_read_others(source: Source, shapes: Shapes, parse_as: ParseAs) -> ReadOthers:
    """Return what reads the records of a connector that are no envelopes."""
    flat = msgspec.defstruct(
        "Flat",
        [(attribute(name), str | int | bool | None, None) for name in META],
        bases=(shapes.row,),
        rename={attribute(name): name for name in META},
        gc=False,
    )
    payload = ("payload", flat | str | int | float | bool | list[Any] | None, None)
    wrapped = msgspec.defstruct("Wrapped", [payload], bases=(flat,), gc=False)
    parse_flat, parse_other = parse_as(wrapped), parse_as(_Wrapped)
    read_flat = _make_read_flat(source.topic.rpartition(".")[2], shapes)

    def read(key: bytes | None, value: bytes, fault: Rejected) -> Facts | Rejected | Skipped:
        row = _attempt(parse_flat, value)
        facts = None if row is None else read_flat(row, key, value)
        if facts is not None:
            return facts
        other = _attempt(parse_other, value)
        return (None if other is None else _kind(other, key)) or fault

    return read


def _attempt(parse: Parse, value: bytes) -> Any:
    try:
        parsed = parse(value)
    except UnreadableError:
        return None
    return parsed.payload if isinstance(parsed.payload, msgspec.Struct) else parsed


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
) -> Callable[[Any, bytes | None, bytes], Facts | Rejected | None]:
    """Return what reads a row without its envelope; None = it does not seem to be one."""
    names = {name: attribute(name) for name in META}
    columns = shapes.row.__struct_fields__
    lasting = [name for name in columns if name not in map(attribute, VOLATILE)]

    def read(row: Any, key: bytes | None, value: bytes) -> Facts | Rejected | None:
        told = {name: getattr(row, short) for name, short in names.items()}
        is_deleted = told["__deleted"] in {"true", True}
        op = "d" if is_deleted else told["__op"]
        if op is None:
            is_flat = told["__deleted"] is not None or told["__table"] is not None
            return bad_envelope(f"{HOW} - at `$.__op`") if is_flat else None
        if op not in VERBS:
            return bad_envelope(f"{str(op)[:20]!r} - at `$.__op`")
        for column in columns:
            if getattr(row, column) == UNAVAILABLE:
                setattr(row, column, None)
        table = str(_first(told, "table") or topic_table)
        at_ms = _whole(told["__source_ts_ms"])
        origin = shapes.source(db=_first(told, "db"), table=table, ts_ms=at_ms)
        change = shapes.change(op=op, source=origin, **{"before" if op == "d" else "after": row})
        stem = f"{_first(told, 'db') or ''}.{table}:{op}"
        event_id = _event_id(told, stem, _mark(row, lasting, key, value))
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


def _mark(row: Any, columns: list[str], key: bytes | None, value: bytes) -> str:
    """Return what tells a row from all others at its place; empty = nothing is sure to.

    All that a record in JSON holds does, unless it tells when the connector saw it.
    """
    if value[:1] == b"{" and not any(f'"{name}"'.encode() in value for name in VOLATILE):
        return f"{crc32(value):08x}"
    return "" if key is None else row_mark(key, row, columns)


def _event_id(told: dict[str, Any], stem: str, mark: str) -> str:
    """Return an id that is the same when a row is told again; empty = nothing is sure to be."""
    file, place = _first(told, "file"), _first(told, "lsn")
    if file:
        place = f"{file}:{_first(told, 'pos')}:{_first(told, 'row') or 0}"
    elif place is None:
        place = told["__source_ts_ms"]
    return "" if place is None or not mark else f"{stem}:{place}:{mark}"
