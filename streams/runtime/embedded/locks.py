"""A lock between processes that vanishes with its holder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.errors import Unavailable

_POLL_S: Final = 0.05


@contextmanager
def exclusive(path: Path, *, wait_s: float) -> Iterator[None]:
    """Hold the lock file alone.

    Raises:
        Unavailable: Another process held it for all of ``wait_s``.
    """
    deadline = time.monotonic() + wait_s
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"another process has held {path} for {wait_s:.0f} s",
                        "wait for it, or end it, and try again",
                    ) from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)
