"""What who started us is told: that we are at work, and that we live.

The protocol is systemd's (``man 3 sd_notify``): lines in a datagram, to the socket that
``NOTIFY_SOCKET`` names. Without one nobody is told anything.
"""

import socket
from collections.abc import Mapping
from typing import Final

from winback_sender.logs import get_logger

log = get_logger(__name__)

SOCKET: Final = "NOTIFY_SOCKET"


class Supervisor:
    """Who started us, if it wants to know.

    Args:
        environ: It says where to tell it.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        name = environ.get(SOCKET, "")
        # A name that begins with @ is one of Linux's abstract ones.
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self._was_ready: bool | None = None

    def tell(self, *, is_live: bool, is_ready: bool) -> None:
        """Say how we are; to be called more often than the watchdog waits.

        Args:
            is_live: The watchdog is told so; if it hears nothing, it starts us again.
            is_ready: The first time it is said, we count as started.
        """
        lines = ["WATCHDOG=1"] if is_live else []
        if is_ready is not self._was_ready:
            self._was_ready = is_ready
            lines += ["READY=1", "STATUS=at work"] if is_ready else ["STATUS=not at work yet"]
        self._send(lines)

    def _send(self, lines: list[str]) -> None:
        if not self._address or not lines:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, self._address)
        except OSError as error:  # It is busy or gone; it hears of us the next time.
            log.debug("supervisor_unheard", error=str(error))
