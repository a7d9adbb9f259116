"""The folder of the call lists: what is written there, and what staff put back.

======================  ==========================================================================
``calls-….csv``         lists, by the day and time at which each was written; they never change
``returned/``           staff put lists here that they have filled in
``done/``               such a list, once all of it was read
``faulty/``             such a list of which something could not be read; beside it what, in words
======================  ==========================================================================
"""

import csv
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from winback_sender.call_lists.columns import Language
from winback_sender.call_lists.returned import BYTES_MAX, Fault, Returned, ids_in, read_returned
from winback_sender.call_lists.sheet import file_of
from winback_sender.call_lists.shelf import Line
from winback_sender.errors import Exit, UserError
from winback_sender.logs import get_logger

log = get_logger(__name__)

RETURNED, DONE, FAULTY = "returned", "done", "faulty"
SETTLED_S: Final = 2.0
"""A file that was written to so lately is perhaps not complete."""
FAULTS_TOLD_MAX: Final = 200
_LISTS: Final = (".csv", ".txt", ".tsv", ".xls", ".xlsx")
_HIDDEN: Final = (".", "~$")
"""Of Excel, while it has a file open, and of ours, while one is written."""


class Read(NamedTuple):
    """A returned file that was read.

    Attributes:
        path: Where it is.
        returned: What staff say in it.
        at_ms: When they saved it, epoch ms UTC.
    """

    path: Path
    returned: Returned
    at_ms: int


class Folder:
    """Writes lists and reads returned ones.

    Args:
        path: The folder; it is made when it is not there.
        language: Of the headings.

    Raises:
        UserError: It cannot be used.
    """

    def __init__(self, path: Path, language: Language) -> None:
        self._path, self._language = path, language
        try:
            for name in (RETURNED, DONE, FAULTY):
                (path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the folder of call lists {path} cannot be used: {error.strerror}",
                "WINBACK_SENDER_CALL_LIST_FOLDER names it",
                Exit.FAILED,
            ) from error

    def write(self, name: str, lines: Sequence[Line]) -> set[str]:
        """Write a list as a whole or not at all; an empty one is not written.

        Returns:
            The touches on it: of a list that is there already, because the process ended just
            after it was written, those that it has.

        Raises:
            OSError: It could not be written.
        """
        for place in ("", RETURNED, DONE, FAULTY):
            there = self._path / place / name
            if there.exists():
                return _there(there, lines)
        if not lines:
            return set()
        half = self._path / f".{name}.part"
        with half.open("wb") as file:
            file.write(file_of((line.cells for line in lines), self._language))
            file.flush()
            os.fsync(file.fileno())
        half.replace(self._path / name)
        _sync(self._path)
        log.info("call_list_written", list=name, touches=len(lines))
        return {line.touch_id for line in lines}

    def read(self, is_ours: Callable[[str], bool]) -> list[Read]:
        """Return what lies in ``returned/`` and is complete."""
        found = []
        for path in sorted((self._path / RETURNED).iterdir()):
            if path.suffix.lower() not in _LISTS or path.name.startswith(_HIDDEN):
                continue
            try:
                changed_s = path.stat().st_mtime
                if 0 <= time.time() - changed_s < SETTLED_S:
                    continue
                with path.open("rb") as file:  # Of a film that lies there by mistake, the start.
                    returned = read_returned(file.read(BYTES_MAX + 1), is_ours)
            except FileNotFoundError:  # Another sender has moved it.
                continue
            except OSError as error:
                log.warning("call_list_not_readable", list=path.name, error=error.strerror)
                continue
            found.append(Read(path, returned, round(min(changed_s, time.time()) * 1_000)))
        return found

    def put_away(self, read: Read) -> None:
        """Move a file whose words are kept; what was wrong with it lies beside it."""
        faults = read.returned.faults
        place = self._path / (FAULTY if faults else DONE)
        target = _free(place / read.path.name)
        try:
            if faults:
                _explain(target.with_name(f"{target.name}.faults.txt"), faults)
            read.path.replace(target)
        except FileNotFoundError:  # Another sender has moved it.
            return
        except OSError as error:  # Open in Excel, on Windows: it is read once more, without harm.
            log.warning("call_list_not_moved", list=read.path.name, error=error.strerror)
            return
        log.info("call_list_taken", list=read.path.name, results=len(read.returned.results),
                 faults=len(faults))  # fmt: skip


def _there(path: Path, lines: Sequence[Line]) -> set[str]:
    """Return the touches on a list that is there; all, if it cannot be read any more."""
    try:
        return ids_in(path.read_bytes())
    except (ValueError, csv.Error):
        return {line.touch_id for line in lines}


def _explain(path: Path, faults: Sequence[Fault]) -> None:
    told = [str(fault) for fault in faults[:FAULTS_TOLD_MAX]]
    if more := len(faults) - len(told):
        told.append(f"and {more} more")
    path.write_text("\n".join(told) + "\n", encoding="utf-8-sig")


def _free(path: Path) -> Path:
    """Return a name that is not taken: staff return the same list in the morning and at noon."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _sync(folder: Path) -> None:
    """Make a new name outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
