"""Records of other people's topics from files: values line by line, whole records, or csv.

What is wrong with a record is not said here: it is handed on as it stands, and its format says it.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import msgspec

from streams.errors import UserError
from streams.intake.foreign import Foreign
from streams.replay.opening import Opened, opened

RECORD_FIELDS: Final = frozenset(
    {"topic", "partition", "offset", "tstype", "ts", "timestamp", "broker", "headers", "key",
     "value", "payload", "key_schema_id", "value_schema_id"}
)  # fmt: skip
"""What a line may hold that is a whole record, as ``kcat -J`` writes it, or with our names."""
CELL_MAX: Final = 2**24


class _Line(msgspec.Struct):
    """A whole record on a line."""

    topic: str = ""
    partition: int = -1
    key: msgspec.Raw = msgspec.Raw(b"null")
    value: msgspec.Raw = msgspec.Raw()
    payload: msgspec.Raw = msgspec.Raw()
    timestamp: int = 0
    ts: int = 0
    headers: Any = None


_LINE: Final = msgspec.json.Decoder(_Line)
_TEXT: Final = msgspec.json.Decoder(str)
_ENCODE: Final = msgspec.json.Encoder().encode


class Dump:
    """One pass over a file of records.

    Args:
        path: File, gzip allowed; `-` is standard input.

    Attributes:
        has_records: Lines are whole records: keys are known. Known after the first record.
        has_columns: It is csv: values are made of its rows.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.has_records = False
        self.has_columns = False
        self._source: Opened | None = None

    @property
    def progress(self) -> tuple[int, int | None]:
        """Bytes read and bytes in all (None for standard input)."""
        source = self._source
        if source is None or source.raw.closed or source.size_bytes is None:
            return (0, None)
        return (source.raw.tell(), source.size_bytes)

    def __iter__(self) -> Iterator[Foreign]:
        """Yield every record, blank lines left out.

        Raises:
            UserError: The file cannot be read, is empty, or is written in a way that has no lines.
        """
        with opened(self.path) as source:
            self._source = source
            first = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
            if first[:1] == b"{":
                self._look(first)
                yield from self._lines(source)
            elif first[:1] == b"[":
                raise UserError(
                    f"{self.path}: this is one JSON array, not a value a line",
                    "write its elements line by line: jq -c '.[]' FILE > lines.jsonl",
                )
            else:
                self.has_columns = True
                yield from self._rows(source)

    def _look(self, head: bytes) -> None:
        """Find out whether lines are whole records; those of one file are alike."""
        line = head.split(b"\n", 1)[0].strip()
        if line == b"{":
            raise UserError(
                f"{self.path}: its objects span lines", "write them line by line: jq -c . FILE"
            )
        with suppress(msgspec.DecodeError, RecursionError):
            names = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).keys()
            has_value = not names.isdisjoint({"value", "payload"})
            self.has_records = has_value and len(names) > 1 and names <= RECORD_FIELDS
        if not self.has_records and len(line) > 1 and b"\n" not in head:
            # A record longer than what was peeked at: its beginning tells.
            self.has_records = line.startswith(b'{"topic":') and b'"offset":' in line

    def _lines(self, source: Opened) -> Iterator[Foreign]:
        for number, text in enumerate(source.text, start=1):
            line = text.strip().encode()
            if line:
                yield self._record(line, number)

    def _record(self, line: bytes, number: int) -> Foreign:
        bare = Foreign("", None, line, place=f"line {number}")
        if not self.has_records:
            return bare
        try:
            told = _LINE.decode(line)
            headers = _headers(told.headers)
            value = _bytes(told.value or told.payload or msgspec.Raw(b"null"))
        except (msgspec.DecodeError, RecursionError, ValueError):
            return bare  # Its format will say that it is no record of its own.
        at_ms = told.timestamp or told.ts
        key = _bytes(told.key)
        return Foreign(told.topic, key, value, at_ms, headers, told.partition, bare.place)

    def _rows(self, source: Opened) -> Iterator[Foreign]:
        csv.field_size_limit(min(sys.maxsize, CELL_MAX))
        reader = csv.reader(source.text, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if len(header) < 2:  # noqa: PLR2004 (an id and something that happened)
                raise UserError(
                    f"{self.path}, line 1: neither JSON nor a csv header, but {header[:1]!r}",
                    "give JSON lines, records as kcat -J writes them, or csv with a header",
                )
            for row in reader:
                if not row:
                    continue
                if any(row[len(header) :]):  # Which cell is which, nobody knows.
                    yield Foreign("", None, ",".join(row).encode(), place=f"line {reader.line_num}")
                    continue
                cells = {name: cell for name, cell in zip(header, row, strict=False) if cell}
                yield Foreign("", None, _ENCODE(cells), place=f"line {reader.line_num}")
        except csv.Error as error:
            what = f"{self.path}, line {reader.line_num}: the row is no csv: {error}"
            raise UserError(what, "check the quotes of the row") from None


def _bytes(raw: msgspec.Raw) -> bytes | None:
    """Return what a key or value is: the text of a string, else its JSON; null is none."""
    data = bytes(raw)
    if data == b"null":
        return None
    return _TEXT.decode(data).encode() if data[:1] == b'"' else data


def _headers(told: Any) -> tuple[tuple[str, bytes], ...]:
    """Return headers: an object, a list of pairs, or names and values in turns as kcat has them.

    Raises:
        ValueError: They are something else.
    """
    if not told:
        return ()
    if isinstance(told, dict):
        pairs = list(told.items())
    elif all(isinstance(part, str) for part in told):
        pairs = list(zip(told[::2], told[1::2], strict=True))
    else:
        pairs = [(name, value) for name, value in told]
    return tuple((str(name), _plain(value).encode()) for name, value in pairs)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _ENCODE(value).decode()
