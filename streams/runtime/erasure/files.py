"""Searching files: raw bytes, what is compressed, tables of SQLite, segments of Kafka."""

import gzip
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any, Final

from streams.runtime.erasure.places import Place, Tally
from streams.runtime.erasure.traces import Tracker

BLOCK: Final = 1 << 22
OVERLAP: Final = 1 << 12
"""Bytes of a block that the next one begins with: no trace is as long."""
_SQLITE: Final = b"SQLite format 3\0"
_GZIP: Final = b"\x1f\x8b"
_HOLD_NOTHING: Final = frozenset({".index", ".timeindex"})
"""Offsets alone, in files that Kafka makes much larger than what is in them."""
_SIDES: Final = ("-wal", "-shm", "-journal")


class FileSearch:
    """Looks through directories.

    Args:
        text: Finds ids between what cannot belong to them.
        raw: Finds them anywhere.
        lists: Finds them in cells of CSV.
    """

    def __init__(self, text: Tracker, raw: Tracker, lists: Tracker) -> None:
        self._text, self._raw, self._lists = text, raw, lists

    def places(self, root: Path, *, note: str = "") -> Iterator[Place]:
        """Yield a place for every file below a directory in which something stands, and the rest.

        The rest is one place: what was looked through, and nothing found.
        """
        clean = 0
        for path in _files(root):
            try:
                place = self._place(path, note)
            except FileNotFoundError:
                continue  # It was taken away meanwhile.
            if place.records:
                yield place
            else:
                clean += place.searched
        yield Place(kind="file", name=str(root), searched=clean)

    def _place(self, path: Path, note: str) -> Place:
        with path.open("rb") as file:
            begin = file.read(len(_SQLITE))
        tally, kind = Tally(), "file"
        at_ms = int(path.stat().st_mtime * 1_000)
        if path.suffix == ".log" and path.stem.isdigit():
            kind = "segment"
            self._look_at_segment(path, tally)
        elif begin == _SQLITE:
            kind = "table"
            with suppress(sqlite3.DatabaseError):  # A broken one is bytes, as any file.
                self._look_at_tables(path, tally)
        if not tally.records:
            tracker = self._lists if ".csv" in path.suffixes else self._raw
            found: dict[str, int] = {}
            for block in _blocks(path, is_packed=begin[:2] == _GZIP):
                tally.see(len(block))
                for encoding, count in tracker.find(block).items():
                    found[encoding] = found.get(encoding, 0) + count
            if found:
                tally.note(found, at_ms, None)
        return tally.place(kind, str(path), note=note)

    def _look_at_segment(self, path: Path, tally: Tally) -> None:
        """Look at every record of a segment, also at those that were taken back or compacted."""
        for at_ms, data in records_of(path):
            tally.see(len(data))
            if found := self._text.find(data):
                tally.note(found, at_ms, None)

    def _look_at_tables(self, path: Path, tally: Tally) -> None:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                for row in file.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 (its own name)
                    data = b"\0".join(_bytes(cell) for cell in row)
                    tally.see(len(data))
                    if found := self._text.find(data):
                        tally.note(found, None, None)


def records_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield timestamp and bytes (key, value, headers) of every record of a segment of Kafka."""
    from kafka.record import MemoryRecords  # noqa: PLC0415 (only where there are segments)

    batches = MemoryRecords(path.read_bytes())
    while (batch := batches.next_batch()) is not None:
        for record in batch:
            yield record.timestamp, joined(record.key, record.value, record.headers)


def joined(key: bytes | None, value: bytes | None, headers: Any) -> bytes:
    """Return all bytes of a record; a zero parts them."""
    parts = [key or b"", value or b""]
    for name, said in headers:
        parts += [name.encode() if isinstance(name, str) else name, said or b""]
    return b"\0".join(parts)


def _blocks(path: Path, *, is_packed: bool) -> Iterator[bytes]:
    """Yield the bytes of a file, each block with the end of the one before."""
    if is_packed:
        with suppress(gzip.BadGzipFile, EOFError, zlib.error), gzip.open(path) as file:
            yield from _overlapping(file)
            return
    with path.open("rb") as raw:  # Also of what only begins as if it were packed.
        yield from _overlapping(raw)


def _overlapping(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    before = b""
    while block := file.read(BLOCK):
        yield before + block
        before = block[-OVERLAP:]


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        yield from (side for end in _SIDES if (side := Path(f"{root}{end}")).exists())
        return
    for path in sorted(root.rglob("*")):
        if path.suffix not in _HOLD_NOTHING and path.is_file() and not path.is_symlink():
            yield path


def _bytes(cell: object) -> bytes:
    if isinstance(cell, str):
        return b'"%s"' % cell.encode()  # An id is a text.
    return cell if isinstance(cell, bytes) else str(cell).encode()
