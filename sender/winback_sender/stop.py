"""The end of a process, asked for by SIGTERM or Ctrl-C."""

import signal


class Stop:
    """Becomes true at the first SIGTERM or Ctrl-C; the second ends at once."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def is_asked(self) -> bool:
        """Return whether the end was asked for."""
        return self._asked

    def _ask(self, number: int, _frame: object) -> None:
        self._asked = True
        signal.signal(number, signal.SIG_DFL)
