"""Where state files lie: a directory that is nobody else's, whole files, and what is left over.

A file is written under another name and renamed when all of it is on the disk, so that a name
stands for one whole file or another. What nobody finishes is taken away.
"""

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

SUFFIX: Final = ".state"
DRAFT: Final = ".draft"
GIVEN_UP_S: Final = 600.0
"""Who writes a file adds to it every few milliseconds; after so long nobody does."""
_OURS_ALONE: Final = 0o700
_OTHERS: Final = 0o077


def state_directory(setting: str, environ: Mapping[str, str]) -> Path:
    """Return where state files are kept, from the setting ``data_dir``."""
    if setting:
        return Path(setting).expanduser().absolute() / "state"
    home = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser().absolute() / "winback" / "state"


class Draft(Protocol):
    """A file that is being written; nobody sees it before it is finished."""

    def write(self, data: bytes) -> None:
        """Append."""

    def finish(self) -> None:
        """Put it on the disk, then in the place of the file of that name.

        Raises:
            OSError: The disk is full, or away; then it is as if nothing had been written.
        """

    def drop(self) -> None:
        """Take it away; nothing happens when it is finished."""


class Folder(Protocol):
    """A place of files with names."""

    def names(self) -> list[str]:
        """Return the names of the files in it."""

    def read(self, name: str) -> BinaryIO:
        """Open a file.

        Raises:
            OSError: There is none, or it cannot be read.
        """

    def draft(self, name: str) -> Draft:
        """Begin a file.

        Raises:
            OSError: It cannot be written here.
        """

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""

    def clear(self) -> None:
        """Take away what somebody has begun and will not finish any more."""


class DiskFolder:
    """A directory, and its files, that only this user of the system may read.

    Args:
        path: Where it is; it is made when the first file is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return the names of the files in it."""
        if not self._path.is_dir():
            return []
        return sorted(path.name for path in self._path.iterdir() if path.suffix == SUFFIX)

    def read(self, name: str) -> BinaryIO:
        """Open a file."""
        return (self._path / name).open("rb", buffering=0)

    def draft(self, name: str) -> Draft:
        """Begin a file."""
        self._path.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)
        if self._path.stat().st_mode & _OTHERS:
            self._path.chmod(_OURS_ALONE)
        return _DiskDraft(self._path / name)

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        (self._path / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Take away what somebody has begun and will not finish any more."""
        if not self._path.is_dir():
            return
        for path in self._path.iterdir():
            with suppress(FileNotFoundError):  # Its writer has finished or dropped it.
                if path.suffix == DRAFT and time.time() - path.stat().st_mtime > GIVEN_UP_S:
                    path.unlink()


class _DiskDraft:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}{DRAFT}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._file = open(os.open(self._draft, flags, 0o600), "wb", buffering=0)  # noqa: PTH123, SIM115 (a number; closed below)

    def write(self, data: bytes) -> None:
        """Append."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def finish(self) -> None:
        """Put it on the disk, then in the place of the file of that name."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def drop(self) -> None:
        """Take it away; nothing happens when it is finished."""
        self._file.close()
        self._draft.unlink(missing_ok=True)
