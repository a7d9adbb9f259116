"""Searching files: raw bytes, what is compressed, tables of SQLite, segments of Kafka."""

import gzip
import sqlite3
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any, Final

from streams.runtime.erasure.places import Place, Tally
from streams.runtime.erasure.traces import Tracker
from streams.runtime.state_files import AGE_MAX_MS
from streams.runtime.state_folder import SUFFIX
from streams.runtime.state_format import BrokenFileError, Reading

BLOCK: Final = 1 << 22
OVERLAP: Final = 1 << 12
"""Bytes of a block that the next one begins with: no trace is as long."""
BATCH_BYTES_MAX: Final = 1 << 26
"""A batch that says that it is larger is none."""
_BATCH_HEAD: Final = struct.Struct(">qi")
"""Base offset, and the length of what follows."""
_SQLITE: Final = b"SQLite format 3\0"
_GZIP: Final = b"\x1f\x8b"
_STATE: Final = "the worker writes it anew within hours; delete it where none runs any more"
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
            self._look_at_segment(path, tally, at_ms)
        elif path.suffix == SUFFIX:
            kind, note = "state file", _STATE
            with suppress(BrokenFileError):  # A broken one is bytes, as any file.
                self._look_at_state(path, tally)
        elif begin == _SQLITE:
            kind = "table"
            with suppress(sqlite3.DatabaseError):  # A broken one is bytes, as any file.
                self._look_at_tables(path, tally)
        if not tally.records:
            tracker = self._lists if ".csv" in path.suffixes else self._raw
            blocks = _blocks(path, is_packed=begin[:2] == _GZIP)
            self._look_at_blocks(blocks, tracker, tally, at_ms)
        return tally.place(kind, str(path), note=note)

    @staticmethod
    def _look_at_blocks(
        blocks: Iterable[bytes], tracker: Tracker, tally: Tally, at_ms: int
    ) -> None:
        found: Counter[str] = Counter()
        for block in blocks:
            tally.see(len(block))
            found.update(tracker.find(block))
        if found:
            tally.note(found, at_ms, None)

    def _look_at_segment(self, path: Path, tally: Tally, at_ms: int) -> None:
        """Look at every record of a segment, also at those that were taken back or compacted."""
        with path.open("rb") as file:
            for written_ms, data in records_of(file):
                tally.see(len(data))
                if found := self._text.find(data):
                    tally.note(found, written_ms, None)
            if tally.records:  # Else the whole file is looked through as bytes.
                self._look_at_blocks(_overlapping(file), self._raw, tally, at_ms)

    def _look_at_state(self, path: Path, tally: Tally) -> None:
        """Look at every record of a state file, as at those of the changelog."""
        with path.open("rb", buffering=0) as file:
            reading = Reading(file)
            made_ms = reading.head.made_ms
            for key, value in reading.records():
                data = joined(key, value, ())
                tally.see(len(data))
                if found := self._text.find(data):
                    tally.note(found, made_ms, made_ms + AGE_MAX_MS)

    def _look_at_tables(self, path: Path, tally: Tally) -> None:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                for row in file.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 (its own name)
                    data = b"\0".join(_bytes(cell) for cell in row)
                    tally.see(len(data))
                    if found := self._text.find(data):
                        tally.note(found, None, None)


def records_of(file: IO[bytes]) -> Iterator[tuple[int | None, bytes]]:
    """Yield timestamp and bytes (key, value, headers) of every record of a segment of Kafka.

    One batch is in memory at a time; no record crosses the border of two. A batch that is broken is
    one record without a timestamp. The begin of one that is just being written is left in the file.
    """
    from aiokafka.errors import KafkaError  # noqa: PLC0415 (only where there are segments)

    from streams.runtime.record_batches import RecordBatches  # noqa: PLC0415

    while data := _batch_of(file):
        try:
            records = list(RecordBatches(data).next_batch() or ())
        except (KafkaError, RuntimeError, ValueError):
            yield None, data
            continue
        for record in records:
            yield record.timestamp, joined(record.key, record.value, record.headers)


def _batch_of(file: IO[bytes]) -> bytes:
    """Return the bytes of the next batch; empty = there is no whole one, and what is left stays."""
    begin = file.tell()
    head = file.read(_BATCH_HEAD.size)
    length = _BATCH_HEAD.unpack(head)[1] if len(head) == _BATCH_HEAD.size else 0
    if 0 < length <= BATCH_BYTES_MAX:
        body = file.read(length)
        if len(body) == length:
            return head + body
    file.seek(begin)
    return b""


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
