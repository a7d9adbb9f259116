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

from winback_sender.last_look import look_again


class Progress:
    """How far a request has come, as httpcore tells it; if it ever told nothing: all the way.

    Attributes:
        is_cut: Not all of it was handed over, so it is no request.
        is_answered: The answer has begun.
    """

    def __init__(self) -> None:
        self.is_cut = False
        self.is_answered = False

    def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Take note of an event; look a last time when there is a connection.

        Raises:
            NotSentError: The touch may not leave any more.
        """
        del info
        if event.endswith("send_request_headers.started"):
            look_again()
        elif event.endswith(("send_request_headers.failed", "send_request_body.failed")):
            self.is_cut = True


@cache
def trust() -> ssl.SSLContext:
    """Return whom we trust; to read it takes longer than many calls."""
    return httpx.create_ssl_context()


def proxy_of(endpoint: str) -> str | None:
    """Return the proxy that the environment has for an endpoint (``HTTPS_PROXY``, ``NO_PROXY``)."""
    url = httpx.URL(endpoint)
    named = getproxies()
    return None if proxy_bypass(url.host) else named.get(url.scheme) or named.get("all")
