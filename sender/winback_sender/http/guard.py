"""Who may read a page: everybody on this machine, else who has the token of the deployment."""

import hmac
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from winback_sender.errors import UserError

TOKEN_VARIABLE = "WINBACK_WEB_TOKEN"  # noqa: S105 (the name of a setting)


class Guard(NamedTuple):
    """What tells a stranger from those who may see all.

    Attributes:
        token: Who says it may. Empty: whoever comes by a name of this machine may.
    """

    token: str = ""

    def __repr__(self) -> str:
        return f"Guard({'(hidden)' if self.token else ''})"

    def knows(self, authorization: str, host: str) -> bool:
        """Return whether a request may see all.

        Args:
            authorization: Its header of that name.
            host: Its header of that name. Without a token it must be a name of this machine, or a
                page in somebody's browser here could read ours under a name of its own.
        """
        if not self.token:
            return is_loopback(_name_of(host))
        scheme, _, given = authorization.partition(" ")
        said = given.strip().encode("utf-8", "replace")
        return hmac.compare_digest(said, self.token.encode()) and scheme.lower() == "bearer"

    def is_misled(self, host: str) -> bool:
        """Return whether somebody's browser here may have been led to us by a name of a page's own.

        With a token the name says nothing: a probe asks by the address of a pod, a scraper by the
        name of a service. Who names no host is no browser.

        Args:
            host: The header of that name.
        """
        return not self.token and bool(host) and not is_loopback(_name_of(host))


def guard_of(host: str, token: str, variable: str) -> Guard:
    """Return the guard of a server.

    Args:
        host: Address that it listens on.
        token: Of the deployment; empty = none.
        variable: Setting of the address, for the complaint.

    Raises:
        UserError: Others than this machine can reach it, and there is no token.
    """
    if not token and not is_loopback(host):
        raise UserError(
            f"{variable} = {host!r} can be reached from elsewhere, and {TOKEN_VARIABLE} is not set",
            f"set {TOKEN_VARIABLE} to a secret (winback keys new), or {variable} to 127.0.0.1",
        )
    return Guard(token)


def demand_hidden(url: str, secret: str, variable: str) -> None:
    """Refuse to show a secret to everybody on the way to another machine.

    Args:
        url: Where it would be shown; ``https`` hides it.
        secret: Empty = there is none.
        variable: Its setting, for the complaint.

    Raises:
        UserError: It would travel in plain text.
    """
    parts = urlsplit(url)
    if secret and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise UserError(
            f"{variable} would travel in plain text: {parts.scheme}://{parts.hostname}",
            "name the https:// address of it, or one on this machine",
        )


def is_loopback(host: str) -> bool:
    """Return whether a name or address is this machine's own, and nobody else's."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _name_of(host: str) -> str:
    """Return the name in a header such as ``localhost:6066`` or ``[::1]:6066``."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
