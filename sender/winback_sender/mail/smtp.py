"""The mail server of a sender: a few connections that all threads share."""

import threading
import time
from collections.abc import Callable
from typing import Final

from winback_sender.http.calls import UnclearError
from winback_sender.mail.address import MailAddress
from winback_sender.mail.line import Line, Server
from winback_sender.receipt import NotSentError, Receipt

IDLE_S: Final = 30.0
"""A connection that was quiet for longer is not used again."""
LETTERS_MAX: Final = 100
"""Messages over one connection; many servers end it then."""


class PostOffice:
    """Connections to a server; called from several threads at once.

    Args:
        server: Where.
        connections: So many at most.
        clock_s: Seconds that never go back.
    """

    def __init__(
        self, server: Server, connections: int, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._server, self._clock_s = server, clock_s
        self._room = threading.BoundedSemaphore(connections)
        self._lock = threading.Lock()
        self._idle: list[Line] = []

    def send(self, sender: MailAddress, to: MailAddress, touch_id: str, message: bytes) -> Receipt:
        """Hand over one message.

        Raises:
            NotSentError: The server does not have it.
            UnclearError: It may have it.
        """
        with self._room:
            line = self._line()
            try:
                receipt = line.send(sender, to, touch_id, message)
            except NotSentError:
                self._keep(line)
                raise
            except UnclearError:
                line.hang_up()
                raise
            self._keep(line)
            return receipt

    def close(self) -> None:
        """End the connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.hang_up()

    def _line(self) -> Line:
        """Return a connection that is ready; the one used last, since it is surely alive.

        Raises:
            NotSentError: There is none.
        """
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None:
                return Line(self._server)
            if self._clock_s() - line.used_s < IDLE_S and line.is_ready():
                return line
            line.hang_up()

    def _keep(self, line: Line) -> None:
        line.used_s = self._clock_s()
        if not line.is_alive or line.letters >= LETTERS_MAX:
            line.hang_up()
            return
        with self._lock:
            self._idle.append(line)
