"""What stands beneath calls: how far a request has come, whom we trust, and the way out.

Source:
    ``httpcore/_sync/http11.py`` 1.0.9: events of the extension ``trace``; a failed write is not
    raised there, but the answer read, since a server may answer before it has read everything.
"""

import ssl
from functools import cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx


class Progress:
    """How far a request has come, as httpcore tells it.

    Args:
        has_body: Whether the request has one.

    Attributes:
        has_left: The last byte was handed over.
        is_answered: The answer has begun.
    """

    def __init__(self, *, has_body: bool) -> None:
        self.has_left = False
        self.is_answered = False
        # What is not complete is no request, and without a body the headers are all of it.
        self._last = f"send_request_{'body' if has_body else 'headers'}.complete"

    def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Take note of an event."""
        del info
        if event.endswith(self._last):
            self.has_left = True
        elif event.endswith("start_tls.started"):  # So far a proxy was asked for a tunnel.
            self.has_left = False


@cache
def trust() -> ssl.SSLContext:
    """Return whom we trust; to read it takes longer than many calls."""
    return httpx.create_ssl_context()


def proxy_of(endpoint: str) -> str | None:
    """Return the proxy that the environment has for an endpoint (``HTTPS_PROXY``, ``NO_PROXY``)."""
    url = httpx.URL(endpoint)
    named = getproxies()
    return None if proxy_bypass(url.host) else named.get(url.scheme) or named.get("all")
