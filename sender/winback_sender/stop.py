"""The end of a process, asked for by SIGTERM or Ctrl-C."""

import os
import signal
import sys
import time
from threading import Event, Thread
from typing import Final

from winback_sender.errors import Exit

EXIT_WITHIN_S: Final = 29.0
"""Kubernetes kills after 30 s, and says nothing of what it was that hung."""


class Stop:
    """Becomes true at the first SIGTERM or Ctrl-C; the second ends at once.

    A thread of whatever library that does not end holds the process for `EXIT_WITHIN_S` at most.
    """

    def __init__(self) -> None:
        self._asked = Event()
        Thread(target=self._insist, name="stop", daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def is_asked(self) -> bool:
        """Return whether the end was asked for."""
        return self._asked.is_set()

    def _ask(self, number: int, _frame: object) -> None:
        self._asked.set()
        signal.signal(number, signal.SIG_DFL)

    def _insist(self) -> None:
        self._asked.wait()
        time.sleep(EXIT_WITHIN_S)
        sys.stderr.write(f"it did not end within {EXIT_WITHIN_S:.0f} s: cut off\n")
        sys.stderr.flush()
        os._exit(Exit.FAILED)
