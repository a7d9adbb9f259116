"""Sorting more events than memory holds: sorted runs on disk, merged at the end."""

import gzip
import heapq
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

from streams.errors import UserError

STDOUT: Final = "-"
RUN_BYTES_MAX: Final = 96 << 20
"""Of the lines held in memory; with what Python adds to each it comes to some 300 MB."""
LINE_OVERHEAD: Final = 150
"""What Python adds to a line, about, bytes."""

Timed = tuple[int, bytes]
"""Event time, epoch ms UTC, and the line without its end."""


class Sorter:
    """Takes lines in any order and gives them back by time; equal times stay as they came.

    Args:
        directory: Where the runs go that memory does not hold.
        run_bytes_max: From so many bytes on a run goes to disk.

    Raises:
        OSError: The disk is full.

    Attributes:
        lines: Taken so far.
        repeated: Lines that were given back once, though they came more than once.
    """

    def __init__(self, directory: Path, run_bytes_max: int = RUN_BYTES_MAX) -> None:
        self.lines = 0
        self.repeated = 0
        self._directory = directory
        self._bytes_max = run_bytes_max
        self._held: list[Timed] = []
        self._held_bytes = 0
        self._runs: list[Path] = []

    def add(self, at_ms: int, line: bytes) -> None:
        """Take a line."""
        self.lines += 1
        self._held.append((at_ms, line))
        self._held_bytes += len(line) + LINE_OVERHEAD
        if self._held_bytes >= self._bytes_max:
            self._spill()

    def __iter__(self) -> Iterator[Timed]:
        """Yield all lines; of equal lines of one instant the first alone."""
        self._held.sort(key=_time)
        with ExitStack() as files:
            runs = [_read(files.enter_context(path.open("rb"))) for path in self._runs]
            seen: set[bytes] = set()
            now_ms = -1
            for at_ms, line in heapq.merge(*runs, self._held, key=_time):
                if at_ms != now_ms:
                    seen.clear()
                    now_ms = at_ms
                if line in seen:
                    self.repeated += 1
                    continue
                seen.add(line)
                yield at_ms, line

    def _spill(self) -> None:
        self._held.sort(key=_time)
        path = self._directory / f"run-{len(self._runs)}"
        with path.open("wb") as run:
            run.writelines(b"%d\t%s\n" % timed for timed in self._held)
        self._runs.append(path)
        self._held, self._held_bytes = [], 0


def _time(timed: Timed) -> int:
    return timed[0]


def _read(run: IO[bytes]) -> Iterator[Timed]:
    for text in run:
        at_ms, _, line = text.rstrip(b"\n").partition(b"\t")
        yield int(at_ms), line


class NewFile:
    """A file that is there as a whole or not at all; ``-`` is standard output.

    It is written under another name beside its place, and takes its name when all went well.

    Args:
        path: Its name; ``.gz`` at the end packs it.
        force: Whether it may take the place of another.

    Raises:
        UserError: It is there already, or cannot be written; also later, when the disk is full.

    Attributes:
        directory: For what is written on the way; it goes when the file is done.
    """

    def __init__(self, path: str, *, force: bool = False) -> None:
        self.path = path
        place = Path(path)
        if path != STDOUT and place.is_dir():
            raise UserError(f"{path} is a directory", "name a file in it")
        if path != STDOUT and place.exists() and not force:
            raise UserError(
                f"{path} is there already", "choose another name, or overwrite it: --force"
            )
        with self.explained():
            beside = None if path == STDOUT else (place.parent if str(place.parent) else Path())
            self._own = tempfile.TemporaryDirectory(prefix=".winback-", dir=beside)
        self.directory = Path(self._own.name)
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the file its name, unless something went wrong."""
        try:
            if self._file is not None:
                with self.explained():
                    self._file.close()
                    if kind is None and self.path != STDOUT:
                        (self.directory / "new").replace(self.path)
        finally:
            self._own.cleanup()

    def write(self, data: bytes) -> None:
        """Write."""
        with self.explained():
            if self._file is None:
                self._file = self._opened()
            self._file.write(data)

    def _opened(self) -> IO[bytes]:
        if self.path == STDOUT:
            return os.fdopen(os.dup(1), "wb")
        new = self.directory / "new"
        if self.path.endswith(".gz"):
            return cast("IO[bytes]", gzip.open(new, "wb", compresslevel=6))
        return new.open("wb")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what goes wrong on the disk into words."""
        try:
            yield
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            said = f"{self.path} cannot be written: {error.strerror}"
            raise UserError(said, "choose another place, or make room") from None
