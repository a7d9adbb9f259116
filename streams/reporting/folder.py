"""Messages of a folder: one file a stream, one JSON message a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.errors import UserError
from streams.reporting.facts import STREAMS


class Line(NamedTuple):
    """A message, and what to call its place."""

    stream: str
    value: bytes
    where: str


class Folder:
    """What ``winback simulate --out`` and ``winback replay`` write.

    Args:
        path: Where the files lie.

    Raises:
        UserError: It is no folder, or none of the files is in it.

    Attributes:
        missing: Files that are not there.
        size: Bytes of those that are.
    """

    def __init__(self, path: str) -> None:
        self._files = {stream: Path(path) / f"{stream}.jsonl" for stream in STREAMS}
        there = [file for file in self._files.values() if file.is_file()]
        if not there:
            names = ", ".join(file.name for file in self._files.values())
            hint = "winback simulate --out DIR writes them"
            raise UserError(f"{path} holds none of {names}", hint)
        self.missing = [file.name for file in self._files.values() if file not in there]
        self.size = sum(file.stat().st_size for file in there)

    def __iter__(self) -> Iterator[Line]:
        """Yield every line that is not empty.

        Raises:
            UserError: A file cannot be read.
        """
        for stream, file in self._files.items():
            if file.name in self.missing:
                continue
            try:
                with file.open("rb") as lines:
                    for number, line in enumerate(lines, 1):
                        if text := line.strip():
                            yield Line(stream, text, f"{file.name}:{number}")
            except OSError as error:
                raise UserError(f"{file} cannot be read: {error.strerror}") from None
