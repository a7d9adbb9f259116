"""The company's own system that knows contact addresses, as a stand-in.

``GET /addresses/{user_id}/{channel}`` → 200 ``{"address": "…"}``, or 404 where there is none.
"""

from collections.abc import Callable

from aiohttp import web

from winback_sender.standins.server import Server

Knows = Callable[[str, str], str | None]
"""User id and channel to the address, or None."""


def add_address_route(routes: web.UrlDispatcher, knows: Knows) -> None:
    """Let a server answer for addresses."""

    async def answer(request: web.Request) -> web.Response:
        address = knows(request.match_info["user_id"], request.match_info["channel"])
        if address is None:
            return web.json_response({"error": "not_found"}, status=404)
        return web.json_response({"address": address})

    routes.add_get("/addresses/{user_id}/{channel}", answer)


class Addresses(Server):
    """Knows addresses, and nothing else; `addresses_url` is where to ask."""

    def __init__(self, knows: Knows) -> None:
        super().__init__()
        self._knows = knows

    @property
    def addresses_url(self) -> str:
        """What ``/{user_id}/{channel}`` is appended to."""
        return f"{self.url}/addresses"

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Serve addresses."""
        add_address_route(routes, self._knows)
