"""A proxy that passes everything on and keeps what it saw: what somebody on the wire would see."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Recorder:
    """Listens on a port of its own.

    Attributes:
        seen: All bytes, both ways.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._door = socket.create_server(("localhost", 0))
        self.port: int = self._door.getsockname()[1]
        self.seen = bytearray()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                caller = self._door.accept()[0]
                called = socket.create_connection(self._target)
                for source, sink in ((caller, called), (called, caller)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self.seen += data
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more callers."""
        self._door.close()


@contextmanager
def recording(target: str) -> Iterator[Recorder]:
    """Give a proxy in front of ``host:port``."""
    made = Recorder(target)
    try:
        yield made
    finally:
        made.close()
