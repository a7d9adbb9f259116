"""Who gives an order, as it is written beside it."""

import getpass
import os
import socket


def operator() -> str:
    """Return ``user@host``."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
