"""Debezium: rows of a database as they change.

A record is an envelope, with or without the schema that Kafka Connect's JSON converter adds::

    {"before": {…} | null, "after": {…} | null, "op": "u", "ts_ms": …,
     "source": {"table": "orders", "ts_ms": …, "file": …, "pos": …, "row": …}}

or, behind the transformation ``ExtractNewRecordState``, the row itself with ``__op`` and others.

An event is called by its table and what was done: ``orders.create``, ``.update``, ``.delete``,
``.read`` (by a snapshot).

Source:
    https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-events,
    …/connectors/postgresql.html#postgresql-events, …/transformations/event-flattening.html
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Final
from zlib import crc32

import msgspec

from streams.core.decoded import Headers, Rejected, Skipped
from streams.core.sources import Path, Source
from streams.intake.fact import Fact, Facts, Parse, ParseAs, Plain, Read, UnreadableError
from streams.intake.formats.cdc_rows import (
    VERBS,
    bad_envelope,
    fact_of,
    instant_ms,
    needs_ids,
    row_mark,
    shapes_of,
)
from streams.intake.formats.cdc_values import UNAVAILABLE
from streams.intake.formats.debezium_others import HOW, make_read_others
from streams.intake.formats.envelope import EMPTY, refused

PLACES: Final = {"event": "$.op", "id": "$.source", "time": "$.source.ts_ms"}
PROFILE: Final[frozenset[str]] = frozenset()
SNAPSHOT: Final = {"snapshot": bool | str | None}
STREAMED: Final = (None, False, "false")
"""Of a source: the row was not read by a snapshot, also if a transformation calls it created.

Source:
    https://debezium.io/documentation/reference/stable/transformations/read-to-insert-event.html
"""
POSITIONS: Final = {
    "file": str | None,  # MySQL, MariaDB: the binary log, a place in it, a row of that event
    "pos": int | str | None,
    "row": int | str | None,
    "lsn": int | str | None,  # PostgreSQL
    "change_lsn": str | None,  # SQL Server
    "event_serial_no": int | str | None,
    "commit_ts": int | str | None,  # TiDB
}
"""Fields of a source that tell where in its log a change stands: the same when it is told again."""
WRAPPED, PAYLOAD = b'{"schema":', b',"payload":'
"""How values begin that Kafka Connect's JSON converter writes with their schema, and go on."""
TOMBSTONE: Final = Skipped("tombstone")
NOT_ROWS: Final = {"t": Skipped("truncate"), "m": Skipped("message")}
NO_ENVELOPE: Final = bad_envelope(f"no record of Debezium, or {HOW} - at `$.op`")
NEW_KEY: Final = "__debezium.newkey"
"""Header of the deletion that a change of the primary key begins with: the row lives on."""
KEY_CHANGED: Final = Skipped("key_changed")
IdOf = Callable[[Any, str, bytes | None, bytes], str]
"""``id_of(change, table, key, value)``: the id of an event, empty = nothing is sure to be one."""
_UNAVAILABLE: Final = UNAVAILABLE.encode()


def make_read(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Read:
    """Return what reads the records of a connector."""
    id_of = _event_id if needs_ids(source) else _no_id
    shapes = shapes_of(paths, SNAPSHOT | (POSITIONS if needs_ids(source) else {}))
    parse = _make_parse(_change_of(source, paths), parse_as)
    has_times = source.time is None
    read_change = _make_read_change(source.topic.rpartition(".")[2], id_of, has_times=has_times)
    read_others = make_read_others(source, shapes, parse_as)

    def read(
        key: bytes | None, value: bytes | None, _timestamp_ms: int, headers: Headers, /
    ) -> Facts | Rejected | Skipped:
        if value is None:
            return TOMBSTONE
        if not value:
            return EMPTY
        try:
            change = parse(value)
        except UnreadableError as error:
            told: Facts | Rejected | Skipped = refused(error)
        else:
            told = TOMBSTONE if change is None else read_change(change, key, value)
        if isinstance(told, Rejected):
            told = read_others(key, value, told)
        if headers and any(name == NEW_KEY for name, _ in headers):
            return KEY_CHANGED if isinstance(told, tuple) else told
        return told

    return read


def make_plain(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Plain:
    """Return the reader of rows in their envelopes."""
    id_of, has_times = _event_id if needs_ids(source) else _no_id, source.time is None
    parse = _make_parse(_change_of(source, paths), parse_as)
    topic_table = source.topic.rpartition(".")[2]

    def plain(key: bytes | None, value: bytes, _timestamp_ms: int, headers: Headers) -> Fact | None:
        change = None if headers else parse(value)
        if change is None or change.after is None or _UNAVAILABLE in value:
            return None
        op, origin = change.op, change.source
        verb = VERBS.get(op)
        if verb is None or origin is None or (op == "c" and origin.snapshot not in STREAMED):
            return None
        table = origin.table or topic_table
        event_id = id_of(change, table, key, value)
        at_ms = instant_ms(origin.ts_ms) if has_times and op != "r" else 0
        return fact_of(change, table, verb, event_id, at_ms)

    return plain


def _change_of(source: Source, paths: Collection[Path]) -> type[msgspec.Struct]:
    """Return the type of an envelope; when it was committed is read if no rule knows better."""
    positions = SNAPSHOT | (POSITIONS if needs_ids(source) else {})
    return shapes_of(paths, positions, has_times=source.time is None).change


def _make_parse(change_of: type[msgspec.Struct], parse_as: ParseAs) -> Parse:
    """Return what parses an envelope, with its schema around it or without; None = nothing in it.

    Of a value with its schema the envelope is cut out, and looked at again as a whole if that is no
    envelope: the schema is longer than all the rest.
    """
    payload = ("payload", change_of | None | msgspec.UnsetType, msgspec.UNSET)
    parse_wrapped = parse_as(msgspec.defstruct("Wrapped", [payload], gc=False))
    parse_bare, behind = parse_as(change_of), len(PAYLOAD)

    def parse(value: bytes) -> Any:
        if value.startswith(WRAPPED):
            start = value.find(PAYLOAD)
            if start > 0:
                with suppress(UnreadableError):
                    return parse_bare(value[start + behind : -1])
        else:
            change = parse_bare(value)
            if change.op is not None:
                return change
        inside = parse_wrapped(value).payload
        return parse_bare(value) if inside is msgspec.UNSET else inside

    return parse


def _make_read_change(
    topic_table: str, id_of: IdOf, *, has_times: bool
) -> Callable[[Any, bytes | None, bytes], Facts | Rejected | Skipped]:
    def read(change: Any, key: bytes | None, value: bytes) -> Facts | Rejected | Skipped:
        op = change.op
        verb = VERBS.get(op)
        if verb is None:
            if op is None:
                return NO_ENVELOPE
            what = f"{op[:20]!r}; known: {', '.join((*VERBS, *NOT_ROWS))} - at `$.op`"
            return NOT_ROWS.get(op) or bad_envelope(what)
        if change.after is None and op != "d":
            return bad_envelope("a row is missing - at `$.after`")
        if _UNAVAILABLE in value:
            forget_unavailable(change.after, change.before)
            forget_unavailable(change.before, None)
        origin = change.source
        if origin is None:
            return (fact_of(change, topic_table, verb, "", 0),)
        table = origin.table or topic_table
        if op == "c" and origin.snapshot not in STREAMED:
            change.op = op = "r"
        at_ms = instant_ms(origin.ts_ms) if has_times and op != "r" else 0
        return (fact_of(change, table, VERBS[op], id_of(change, table, key, value), at_ms),)

    return read


def forget_unavailable(row: Any, before: Any) -> None:
    """Take nothing for the value of a column that was not told: that before, if it is known."""
    if row is None:
        return
    for column in row.__struct_fields__:
        if getattr(row, column) == UNAVAILABLE:
            known = None if before is None else getattr(before, column)
            setattr(row, column, None if known == UNAVAILABLE else known)


def _no_id(_change: Any, _table: str, _key: bytes | None, _value: bytes) -> str:
    return ""


def _event_id(change: Any, table: str, key: bytes | None, value: bytes) -> str:
    """Return an id that is the same when a change is told again; empty = nothing is sure to be.

    The place in the log of the source tells one change from all others, but for rows that stand at
    one place: those of a snapshot, of one COPY of PostgreSQL, and the two records of a row whose
    primary key changes. All that they hold tells these apart.

    Source:
        https://github.com/MaterializeInc/materialize/issues/6553 (two records at one LSN)
    """
    origin, op = change.source, change.op
    if origin.file:
        place = f"{origin.file}:{origin.pos}:{origin.row or 0}"
        if op != "r":
            return f"{origin.db}.{table}:{op}:{place}"
    elif origin.lsn is not None:
        place = str(origin.lsn)
    elif origin.change_lsn:
        place = f"{origin.change_lsn}:{origin.event_serial_no}"
    elif origin.commit_ts:
        place = str(origin.commit_ts)
    else:
        return ""
    mark = _mark(change, key, value)
    return f"{origin.db}.{table}:{op}:{place}:{mark}" if mark else ""


def _mark(change: Any, key: bytes | None, value: bytes) -> str:
    """Return what tells a row from others at its place; empty = nothing is sure to.

    In JSON these are the bytes of its envelope up to the source, all of which are the same when it
    is told again. In other encodings it is the key, and what is read of the row.
    """
    begin, end = value.find(b'"before":'), value.rfind(b'"source":')
    if 0 <= begin < end:
        return f"{crc32(value[begin:end]):08x}"
    row = change.after or change.before
    return "" if key is None or row is None else row_mark(key, row, row.__struct_fields__)
