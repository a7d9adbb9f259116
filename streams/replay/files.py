"""Event logs as blocks of columns: csv, JSON lines or Parquet, read as a stream, row by row."""

import csv
import sys
from collections.abc import Iterator
from datetime import tzinfo
from enum import StrEnum
from itertools import islice
from typing import Final, Protocol

from streams.errors import UserError
from streams.replay.blocks import BadRow, Block
from streams.replay.csv_rows import CsvRows
from streams.replay.instants import short_iso
from streams.replay.json_rows import JsonRows
from streams.replay.opening import STDIN, Opened, opened
from streams.replay.parquet_rows import ParquetRows, is_parquet
from winback_sender.terminal import printable

BLOCK_ROWS: Final = 8_192
"""Rows read at once: long enough to spread the cost of a block, short enough for a progress bar."""


class Format(StrEnum):
    """How a log is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class OnBadRow(StrEnum):
    """What to do with a row that is no event."""

    STOP = "stop"
    SKIP = "skip"


class Order(StrEnum):
    """What to do when a row is older than the one before."""

    STOP = "stop"
    WARN = "warn"


class Rows(Protocol):
    """A format: blocks of good rows, and the bad rows that were met on the way."""

    def read(self, count: int) -> tuple[Block, list[BadRow]] | None:
        """Return up to ``count`` rows, or None at the end."""

    def line_of(self, row: int) -> int:
        """Return the line of a row of the newest block."""


class EventLog:
    """One pass over an event log.

    Args:
        path: File, gzip allowed; `-` is standard input, which Parquet cannot come from.
        form: Format; None looks at the content.
        zone: Zone of times that name none; without it such times are bad rows.
        on_bad_row: Stop with an error, or skip, count and go on.
        order: What to do with a row that is older than the row before it.
        block_rows: Rows read at once.

    Attributes:
        rows: Good rows read so far.
        skipped: Bad rows skipped so far.
        first_bad: The first of them, in words.
        unordered: Rows that were older than the row before.
    """

    def __init__(
        self,
        path: str,
        *,
        form: Format | None = None,
        zone: tzinfo | None = None,
        on_bad_row: OnBadRow = OnBadRow.STOP,
        order: Order = Order.STOP,
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        self.path = path
        self.form = form
        self.zone = zone
        self.on_bad_row = on_bad_row
        self.order = order
        self.rows = 0
        self.skipped = 0
        self.first_bad: str | None = None
        self.unordered = 0
        self._newest_ms: int | None = None
        self._source: Opened | None = None
        self._table: ParquetRows | None = None
        self._head: Block | None = None
        self._pass = self._read(block_rows)

    @property
    def progress(self) -> tuple[int, int | None]:
        """Bytes read and bytes in all (None for standard input); of Parquet, rows."""
        if self._table is not None:
            return (self._table.row, self._table.rows)
        source = self._source
        if source is None or source.raw.closed or source.size_bytes is None:
            return (0, None)
        return (source.raw.tell(), source.size_bytes)

    def blocks(self) -> Iterator[Block]:
        """Yield the log in blocks of good rows, in the order of the file.

        Raises:
            UserError: The file, its header or (unless skipped) a row is bad, out of order, or there
                is no row at all.
        """
        if self._head is not None:
            yield self._head
            self._head = None
        yield from self._pass

    def head(self) -> Block:
        """Return the first block, which `blocks` will yield all the same; raises what it raises."""
        if self._head is None:
            self._head = next(self._pass)
        return self._head

    def _read(self, count: int) -> Iterator[Block]:
        is_table = self.form is None and self.path != STDIN and is_parquet(self.path)
        if is_table or self.form is Format.PARQUET:
            self._table = ParquetRows(self.path, self.zone, count)
            yield from self._blocks(self._table, count)
        else:
            with opened(self.path) as source:
                self._source = source
                yield from self._blocks(self._reader(source), count)
        if not self.rows:
            raise UserError(f"{self.path}: there is no event in it", self.first_bad or "")

    def _blocks(self, reader: Rows, count: int) -> Iterator[Block]:
        while (answer := reader.read(count)) is not None:
            block, bad = answer
            for row in bad:
                self._bad(row)
            if block.rows:
                self._check_order(block, reader)
                self.rows += len(block.rows)
                yield block

    def _reader(self, source: Opened) -> Rows:
        form = self.form or sniffed(source)
        if form is Format.JSONL:
            return JsonRows(source, self.zone)
        csv.field_size_limit(min(sys.maxsize, 2**24))
        return CsvRows(self.path, source, self.zone)

    def _bad(self, row: BadRow) -> None:
        what = f"{self.path}, {self._where(row.line)}, column {row.column}: {row.what}"
        if self.on_bad_row is OnBadRow.STOP:
            raise UserError(what, f"{row.hint}; or skip bad rows with --on-bad-row skip")
        self.skipped += 1
        self.first_bad = self.first_bad or printable(what)

    def _where(self, number: int) -> str:
        return f"line {number}" if self._table is None else f"row {number}"

    def _check_order(self, block: Block, reader: Rows) -> None:
        times = block.times_ms
        newest = times[0] if self._newest_ms is None else self._newest_ms
        if newest > times[0] or any(map(int.__gt__, times, islice(times, 1, None))):
            before = newest
            for row, at_ms in zip(block.rows, times, strict=True):
                if at_ms < before:
                    self._out_of_order(reader.line_of(row), at_ms, before)
                before = at_ms
        self._newest_ms = times[-1]

    def _out_of_order(self, line: int, at_ms: int, before_ms: int) -> None:
        self.unordered += 1
        if self.order is Order.STOP:
            where = f"{self.path}, {self._where(line)}"
            example = "for example: (head -1 F; tail -n +2 F | sort -s -t, -k2,2) > sorted.csv"
            raise UserError(
                f"{where}: {short_iso(at_ms)} comes after {short_iso(before_ms)}",
                "sort the log by time" + (f", {example}" if self._table is None else ""),
            )


def sniffed(source: Opened) -> Format:
    """Return the format of a log by its first character."""
    first = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return Format.JSONL if first in (b"{", b"[") else Format.CSV
