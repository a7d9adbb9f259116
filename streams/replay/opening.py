"""Opening an event log: plain, gzip or standard input; whatever is wrong is said in words."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from streams.errors import UserError

STDIN: Final = "-"
GZIP_MAGIC: Final = b"\x1f\x8b"
UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
PEEK_BYTES: Final = 4_096


class Opened(NamedTuple):
    """An open log.

    Attributes:
        name: What error messages and event ids call it.
        text: Its decoded lines; line ends are kept for the csv reader.
        raw: The bytes as they lie on disk; its position is the progress.
        size_bytes: Length of ``raw``; None for standard input.
        head: The first bytes of the text, for sniffing.
    """

    name: str
    text: IO[str]
    raw: io.BufferedReader
    size_bytes: int | None
    head: bytes


@contextmanager
def opened(path: str) -> Iterator[Opened]:
    """Open a log for reading and close it again; `-` is standard input.

    Raises:
        UserError: It is missing, a directory, unreadable, empty, cut off, or not UTF-8. Also when
            that is only found while the lines are read inside the ``with``.
    """
    name = "stdin" if path == STDIN else Path(path).name
    raw = _raw(path)
    try:
        with _explained(path):
            packed = raw.peek(2)[:2] == GZIP_MAGIC
            plain = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw
            buffered = plain if isinstance(plain, io.BufferedReader) else io.BufferedReader(plain)
            head = buffered.peek(PEEK_BYTES)[:PEEK_BYTES]
            _look(path, head)
            text = io.TextIOWrapper(buffered, encoding="utf-8-sig", newline="")
            size = None if path == STDIN else Path(path).stat().st_size
            yield Opened(name, text, raw, size, head)
    finally:
        if path != STDIN:
            raw.close()


def _raw(path: str) -> io.BufferedReader:
    if path == STDIN:
        assert isinstance(sys.stdin.buffer, io.BufferedReader)
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file", "check the path; `-` reads stdin") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a directory", "name one event log in it") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _look(path: str, head: bytes) -> None:
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise UserError(
            f"{path}: the file is empty",
            "an event log begins with the header user_id,ts,event,amount, or is JSON lines",
        )
    if head.startswith(UTF16_MARKS):
        raise UserError(f"{path}: the text is UTF-16", "save it as UTF-8")
    if head.startswith(b"PAR1"):
        raise UserError(
            f"{path}: this is Parquet",
            "a log of events is read from such a file, not from a pipe; else give csv",
        )
    if b"\x00" in head:
        raise UserError(f"{path}: this is no text file", "give csv or JSON lines, gzip allowed")


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what goes wrong while bytes are read into words."""
    try:
        yield
    except UnicodeDecodeError as error:
        line = _line_not_utf8(path)
        where = f", line {line}" if line else ""
        byte = error.object[error.start]
        raise UserError(
            f"{path}{where}: byte 0x{byte:02x} is not UTF-8",
            "convert the file, for example: iconv -f GB18030 -t UTF-8",
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{path}: the gzip file is cut off or damaged ({error})", "fetch or pack it again"
        ) from None


def _line_not_utf8(path: str) -> int | None:
    """Return the number of the first line that is not UTF-8; None for standard input."""
    if path == STDIN:
        return None
    with Path(path).open("rb") as raw:
        packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        lines = gzip.GzipFile(fileobj=raw) if packed else raw
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return None
