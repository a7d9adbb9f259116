"""An address book in a CSV file: ``user_id,channel,address``."""

import codecs
import csv
import io
import threading
import time
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from winback_sender.addresses.away import away
from winback_sender.addresses.sameness import canonical
from winback_sender.errors import UserError
from winback_sender.logs import get_logger

log = get_logger(__name__)

Encoding = Literal["utf-8", "gbk"]
_CODECS: Final = {"utf-8": "utf-8-sig", "gbk": "gb18030"}
"""UTF-8 with or without the mark that Excel puts first; GBK by what has grown out of it."""
COLUMNS: Final = ("user_id", "channel", "address")
SETTLED_S: Final = 1.0
"""A file that was written to so lately is perhaps not complete: what was read before counts."""
FAULTS_MAX: Final = 20
"""So many faults of a file are told one by one."""


class Fault(NamedTuple):
    """What is wrong with a line; never the address itself."""

    line: int
    what: str


class _Table(NamedTuple):
    addresses: dict[tuple[str, str], str]
    users: dict[tuple[str, str], str | None]
    faults: list[Fault]


class CsvAddresses:
    """Answers from memory, and reads the file again as a whole when it has changed.

    A line that is wrong is left out, and told with its number; the others count. Two addresses of
    one user and channel contradict each other, so neither counts. A file that as a whole cannot be
    read, or is away, makes touches wait: it must not look as if nobody had an address.

    Args:
        path: The file; other columns than the three may be there, in any order.
        encoding: Of its text.

    Raises:
        UserError: The file cannot be read as one.
    """

    def __init__(self, path: Path, encoding: Encoding = "utf-8") -> None:
        self._path, self._encoding = path, encoding
        self._lock = threading.Lock()
        self._version = _version(path)
        self._table: _Table | None = _read(path, encoding)
        self._tell()

    @property
    def faults(self) -> list[Fault]:
        """What is wrong with the lines of the file."""
        return [] if self._table is None else self._table.faults.copy()

    def resolve(self, user_id: str, channel: str) -> str | None:
        """Return what the file says now.

        Raises:
            NotSentError: The file cannot be read.
        """
        return self._now().addresses.get((user_id, channel))

    def find(self, channel: str, address: str) -> str | None:
        """Return whose address it is, unless several users share it.

        Raises:
            NotSentError: The file cannot be read.
        """
        return self._now().users.get((channel, canonical(address)))

    def close(self) -> None:
        """Hold nothing open."""

    def _now(self) -> _Table:
        with self._lock:
            version = _version(self._path)
            if version != self._version and not _is_fresh(version):
                self._version = version
                self._take()
            if self._table is None:
                raise away()
            return self._table

    def _take(self) -> None:
        """Read the file anew; the old answers are gone when it cannot be read."""
        try:
            self._table = _read(self._path, self._encoding)
        except UserError as error:
            self._table = None
            log.warning("addresses_not_readable", error=error.message)
        else:
            self._tell()

    def _tell(self) -> None:
        assert self._table is not None
        for line, what in self._table.faults[:FAULTS_MAX]:
            log.warning("address_passed_over", file=str(self._path), line=line, reason=what)
        log.info("addresses_read", file=str(self._path), addresses=len(self._table.addresses),
                 passed_over=len(self._table.faults))  # fmt: skip


_Version = tuple[int, int, int, int] | None
"""Device, file, size and time of the last change in ns; None = the file is away."""


def _version(path: Path) -> _Version:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _is_fresh(version: _Version) -> bool:
    """Whether a file may be half written; one that is away may be about to be put back."""
    return version is not None and 0 <= time.time() - version[3] / 1e9 < SETTLED_S


def _read(path: Path, encoding: Encoding) -> _Table:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"the address book {path} cannot be read: {error.strerror}",
            "WINBACK_SENDER_ADDRESSES names it: csv:PATH",
        ) from error
    try:
        text = codecs.decode(data, _CODECS[encoding])
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"the address book {path} is not {encoding.upper()}, line {line}",
            "name its encoding: WINBACK_SENDER_ADDRESSES_ENCODING=gbk (or utf-8)",
        ) from None  # the cause carries the bytes
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return _table(path, rows)
    except csv.Error as error:
        raise UserError(f"the address book {path} is no CSV, line {rows.line_num}: {error}",
                        "a quotation mark was perhaps not closed") from error  # fmt: skip


def _table(path: Path, rows: Any) -> _Table:
    head = [name.strip() for name in next(rows, [])]
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        raise UserError(
            f"the address book {path} lacks the column {', '.join(missing)} in line 1",
            f"its first line names the columns: {','.join(COLUMNS)}",
        )
    places = [head.index(name) for name in COLUMNS]
    table = _Table({}, {}, [])
    contradicted: set[tuple[str, str]] = set()
    for row in rows:
        if not any(row):
            continue
        if len(row) != len(head):
            what = f"{len(row)} columns instead of {len(head)}"
            table.faults.append(Fault(rows.line_num, what))
            continue
        user_id, channel, address = (row[place].strip() for place in places)
        empty = [name for name, text in zip(COLUMNS, (user_id, channel, address), strict=True)
                 if not text]  # fmt: skip
        if empty:
            table.faults.append(Fault(rows.line_num, f"{', '.join(empty)} is empty"))
        elif table.addresses.setdefault((user_id, channel), address) != address:
            contradicted.add((user_id, channel))
            what = "another address of a user and channel that stand in an earlier line"
            table.faults.append(Fault(rows.line_num, what))
    for key in contradicted:
        del table.addresses[key]
    for (user_id, channel), address in table.addresses.items():
        key = channel, canonical(address)
        table.users[key] = user_id if table.users.get(key, user_id) == user_id else None
    return table
