"""Canal JSON: rows of a MySQL database as they change; also as TiCDC and cloud services write it.

A record is a flat message of Canal: the rows that one statement changed, every value as text::

    {"database": "shop", "table": "orders", "type": "UPDATE", "es": …, "isDdl": false,
     "pkNames": ["id"], "data": [{"id": "1", "status": "paid", …}], "old": [{"status": "new"}]}

Every row is an event of its own, named as Debezium's are: ``orders.update``. Its body has the
envelope of Debezium, so that the same rules fit.

Source:
    https://github.com/alibaba/canal, FlatMessage and MQMessageUtils;
    https://docs.pingcap.com/tidb/stable/ticdc-canal-json
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import repeat
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec

from streams.core.decoded import Headers, Rejected, RejectReason, Skipped
from streams.core.record_limits import EVENTS_MAX
from streams.core.sources import Encoding, Path, Source
from streams.intake.fact import Fact, Facts, ParseAs, Plain, Read, UnreadableError
from streams.intake.formats.cdc_rows import (
    VERBS,
    Shapes,
    bad_envelope,
    deeper,
    instant_ms,
    needs_ids,
    shapes_of,
)
from streams.intake.formats.envelope import EMPTY, refused

PLACES: Final = {"event": "$.type", "id": "$.data", "time": "$.es"}
PROFILE: Final[frozenset[str]] = frozenset()
OPS: Final = {"INSERT": "c", "UPDATE": "u", "DELETE": "d"}
"""What was done, as Canal names it."""
SKIPPED: Final = {
    "TIDB_WATERMARK": Skipped("watermark"),
    "TRUNCATE": Skipped("truncate"),
    "HEARTBEAT": Skipped("heartbeat"),
}
DDL: Final = Skipped("schema_change")
DDL_TYPES: Final = frozenset(
    {"CREATE", "ALTER", "ERASE", "RENAME", "CINDEX", "DINDEX", "QUERY", "DROP", "GTID"}
)
NULL: Final = msgspec.Raw(b"null")


class _Extension(msgspec.Struct, rename="camel", gc=False):
    """What TiCDC adds: of which transaction a change is, and whether the row is elsewhere."""

    commit_ts: int | None = None
    only_handle_key: bool | None = None
    claim_check_location: str | None = None


class Message(msgspec.Struct, rename={"is_ddl": "isDdl", "tidb": "_tidb"}):
    """A flat message, but for its rows: ``data`` and ``old``."""

    type: str | None = None
    database: str | None = None
    table: str | None = None
    is_ddl: bool | None = None
    es: int | None = None
    tidb: _Extension | None = None


class Marked(Message, rename={"primary": "pkNames"}):
    """A message whose rows are left as they are written: the whole of one makes its id."""

    gtid: str | None = None
    primary: list[str] | None = None
    data: list[msgspec.Raw] | None = None
    old: list[msgspec.Raw] | None = None


class Row(NamedTuple):
    """A row of a message.

    Attributes:
        now: As it is, or was when it was deleted.
        old: What is told of it before it was updated; None = nothing.
        event_id: Of its change, empty = nothing is sure to be one.
    """

    now: Any
    old: Any
    event_id: str = ""


RowsOf = Callable[[Any, str], Iterable[Row]]
"""``rows_of(message, op)``: its rows in order; raises UnreadableError."""


def make_read(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Read:
    """Return what reads the messages of Canal.

    Raises:
        ValueError: The topic is not JSON: of Canal there is no other flat message.
    """
    if source.encoding is not Encoding.JSON:
        raise ValueError(f"{source.topic}: Canal is read as JSON, not as {source.encoding}")
    shapes = shapes_of(paths, {})
    shape, rows_of = (_marked if needs_ids(source) else _plain)(shapes.row, parse_as)
    parse, facts_of = parse_as(shape), _make_facts_of(shapes, rows_of)

    def read(
        _key: bytes | None, value: bytes | None, _timestamp_ms: int, _headers: Headers, /
    ) -> Facts | Rejected | Skipped:
        if not value:
            return EMPTY
        try:
            message = parse(value)
            op = OPS.get(message.type)
            if op is None or message.is_ddl:
                return _not_rows(message)
            return _without_rows(message) or facts_of(message, op)
        except UnreadableError as error:
            return refused(error)

    return read


def make_plain(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Plain:
    """Return the reader of messages of one row."""
    shapes, has_ids = shapes_of(paths, {}), needs_ids(source)
    shape, rows_of = (_marked if has_ids else _plain)(shapes.row, parse_as)
    parse, facts_of = parse_as(shape), _make_facts_of(shapes, rows_of)
    _, source_of, change_of = shapes

    def plain(
        _key: bytes | None, value: bytes, _timestamp_ms: int, _headers: Headers
    ) -> Fact | None:
        message = parse(value)
        op = OPS.get(message.type)
        if op is None or message.is_ddl or _without_rows(message) or len(message.data) > 1:
            return None
        if op != "c" or has_ids:
            return facts_of(message, op)[0]
        table, es = message.table, message.es
        change = change_of(op, None, message.data[0], source_of(message.database, table, es))
        return Fact(f"{table}.create", "", instant_ms(es), "", "", change)

    return plain


def _without_rows(message: Any) -> Rejected | None:
    """Return why a message has no rows that could be read, or None."""
    if not message.data or not message.table:
        return bad_envelope(f"no rows - at `$.{'data' if message.table else 'table'}`")
    if len(message.data) > EVENTS_MAX:
        return Rejected(RejectReason.TOO_LARGE, f"more than {EVENTS_MAX} rows - at `$.data`")
    if message.old and len(message.old) != len(message.data):
        what = f"{len(message.old)} rows for {len(message.data)} in data - at `$.old`"
        return bad_envelope(what)
    extension = message.tidb
    if extension and (extension.only_handle_key or extension.claim_check_location):
        return bad_envelope("the row was too large and is not in the message - at `$._tidb`")
    return None


def _not_rows(message: Message) -> Rejected | Skipped:
    """Return what a message is that tells of no row."""
    kind = message.type or ""
    if kind in SKIPPED:
        return SKIPPED[kind]
    if message.is_ddl or kind in DDL_TYPES:
        return DDL
    what = f"{kind[:20]!r}; known: {', '.join(OPS)}, and what changes tables - at `$.type`"
    return bad_envelope(what)


def _make_facts_of(shapes: Shapes, rows_of: RowsOf) -> Callable[[Any, str], Facts]:
    """Return what makes an event of each row of a message."""

    def facts_of(message: Any, op: str) -> Facts:
        origin = shapes.source(db=message.database, table=message.table, ts_ms=message.es)
        name = f"{message.table}.{VERBS[op]}"
        at_ms = instant_ms(message.es)
        facts: list[Fact] = []
        for row, old, event_id in rows_of(message, op):
            after, before = (None, row) if op == "d" else (row, None)
            if old is not None and op == "u":
                before = _overlaid(shapes.row, row, old)
            change = shapes.change(op=op, after=after, before=before, source=origin)
            facts.append(Fact(name, event_id, at_ms, "", "", change, before))
        return tuple(facts)

    return facts_of


def _plain(row: type[msgspec.Struct], _parse_as: ParseAs) -> tuple[type, RowsOf]:
    """Return the type of a message whose rows need no ids, and what tells its rows."""
    rows, olds = list[row] | None, list[_old_of(row) | None] | None  # type: ignore[valid-type, misc]
    shape = msgspec.defstruct(
        "Plain", [("data", rows, None), ("old", olds, None)], bases=(Message,)
    )

    def rows_of(message: Any, _op: str) -> Iterable[Row]:
        return map(Row, message.data, message.old or repeat(None))

    return shape, rows_of


def _marked(row: type[msgspec.Struct], parse_as: ParseAs) -> tuple[type, RowsOf]:
    """Return the type of a message whose rows need ids, and what tells its rows."""
    parse_row, parse_old = parse_as(row), parse_as(_old_of(row))

    def rows_of(message: Any, op: str) -> Iterator[Row]:
        which = message.gtid or (message.tidb and message.tidb.commit_ts)
        moment = f"{message.es}:{which}" if which else str(message.es)
        stem = f"{message.database}.{message.table}:{op}:{moment}"
        for place, raw in enumerate(message.data):
            now, old, mark = _parsed(parse_row, raw, "data", place), None, crc32(raw)
            told = message.old[place] if message.old else NULL
            if told != NULL:
                mark = crc32(told, mark)
                old = _parsed(parse_old, told, "old", place)
            place_mark = "" if message.primary else f":{place}"
            yield Row(now, old, f"{stem}:{mark:08x}{place_mark}" if message.es else "")

    return Marked, rows_of


def _parsed(parse: Callable[[bytes], Any], raw: msgspec.Raw, field: str, place: int) -> Any:
    try:
        return parse(bytes(raw))
    except UnreadableError as error:
        raise deeper(error, f"$.{field}[{place}]") from None


def _old_of(row: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return the type of a row of which only some columns are told."""
    names = dict(zip(row.__struct_fields__, row.__struct_encode_fields__, strict=True))
    return msgspec.defstruct(
        "Old",
        [(short, Any, msgspec.UNSET) for short in names],
        rename={short: name for short, name in names.items() if short != name},
        gc=False,
    )


def _overlaid(row_of: type[msgspec.Struct], row: Any, old: Any) -> Any:
    """Return the row as it was: that after the change, but for the columns told of before it."""
    now, then = msgspec.structs.astuple(row), msgspec.structs.astuple(old)
    return row_of(
        *[new if was is msgspec.UNSET else was for new, was in zip(now, then, strict=True)]
    )
