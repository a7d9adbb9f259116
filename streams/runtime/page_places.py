"""Where the pages of all roles are to be served, judged before any of them starts."""

import socket
from collections.abc import Iterable, Iterator
from typing import Final

from streams.errors import UserError
from streams.settings import Settings
from winback_sender.http.guard import guard_of

PORT_MAX: Final = 65_535


def port_of(first: int, number: int) -> int:
    """Return the port of the role with this number; 0 takes a free one."""
    return first + number if 0 < first <= PORT_MAX - number else 0


def demand_pages(settings: Settings, roles: int) -> None:
    """Check that every role can serve its pages; all that is wrong is said at once.

    Args:
        settings: The operator's.
        roles: How many there will be side by side.

    Raises:
        UserError: The address is not this machine's or wants a token, or ports are taken.
    """
    faults = list(_faults(settings, [port_of(settings.web_port, each) for each in range(roles)]))
    if faults:
        raise UserError(
            "; ".join(error.message for error in faults),
            "; ".join(error.hint for error in faults),
        )


def _faults(settings: Settings, ports: Iterable[int]) -> Iterator[UserError]:
    host = settings.web_host
    try:
        guard_of(host, settings.web_token, "WINBACK_WEB_HOST")
    except UserError as error:
        yield error
    if why := _refusal(host, 0):
        yield UserError(
            f"WINBACK_WEB_HOST = {host!r} cannot be listened at: {why}",
            "set it to an address of this machine",
        )
        return
    taken = {port: why for port in ports if port and (why := _refusal(host, port))}
    if taken:
        said = ", ".join(f"{port} ({why})" for port, why in taken.items())
        yield UserError(
            f"/metrics cannot be served on {host} at {said}",
            "set WINBACK_WEB_PORT to another port (each role takes the next one), or to 0",
        )


def _refusal(host: str, port: int) -> str:
    """Return why nobody can listen there; empty: one can."""
    try:
        for family, kind, number, _, place in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, number) as taken:
                # As asyncio does: what somebody has left behind is in nobody's way.
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(place)
                taken.listen()
    except OSError as error:
        return error.strerror or str(error)
    return ""
