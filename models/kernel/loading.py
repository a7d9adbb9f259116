"""Loading what was compiled: a library says which sources it was made of, another is not used."""

import ctypes
import hashlib
import os
from pathlib import Path
from typing import Any, Final

SWITCH: Final = "WINBACK_NATIVE"
OFF: Final = "off"
LIBRARY: Final = "_kernel.so"
"""Name of the library; it lies beside its sources."""


def sources(room: Path) -> list[Path]:
    """Return the sources that lie in a room, in the order of their names."""
    return sorted(path for path in room.iterdir() if path.suffix in {".c", ".h"})


def fingerprint(room: Path) -> str:
    """Return what names the sources that lie in a room; a library tells which it was made of."""
    texts = b"\0".join(path.read_bytes() for path in sources(room))
    return hashlib.sha256(texts).hexdigest()[:16]


def loaded(room: Path) -> tuple[ctypes.CDLL | None, str]:
    """Return the library of a room; or None, and why there is none."""
    if os.environ.get(SWITCH) == OFF:
        return None, f"{SWITCH} is off"
    if not (room / LIBRARY).exists():
        return None, "it was not built: there was no C compiler"
    try:
        library = ctypes.CDLL(str(room / LIBRARY))
        made_of = (ctypes.c_char * 16).in_dll(library, "winback_source").value.decode()
    except (OSError, ValueError) as error:
        return None, f"it cannot be loaded: {error}"
    if made_of != fingerprint(room):
        return None, "it was built from other sources: make install"
    return library, ""


def function(library: ctypes.CDLL, name: str, *takes: Any, gives: Any = None) -> Any:
    """Return a function of a library.

    Args:
        library: That of a room.
        name: Without the ``winback_`` that all of them begin with.
        takes: The C types of its arguments.
        gives: That of what it returns; None = nothing.

    Raises:
        AttributeError: There is no such function.
    """
    found = library[f"winback_{name}"]
    found.argtypes, found.restype = takes, gives
    return found


def address(column: Any) -> int:
    """Return where the numbers of an array lie; they follow each other."""
    assert column.flags.c_contiguous
    found: int = column.ctypes.data
    return found
