"""The sender's page: metrics, health, and the call-backs of providers, in a thread of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from threading import Event, Thread
from typing import Final

from aiohttp import web

from winback_sender.adapter import Heard, Request, Route
from winback_sender.engine.lane import Lane, Lanes
from winback_sender.engine.metrics import Meter
from winback_sender.errors import Exit, UserError
from winback_sender.logs import get_logger

log = get_logger(__name__)

BODY_BYTES_MAX: Final = 4 * 1_048_576
"""A provider sends a thousand receipts at once at most, of a few hundred bytes each."""
START_S: Final = 10.0

Hear = Callable[[Lane, list[Heard]], None]
Complaint = Callable[[], str]
"""Says what is wrong; empty: nothing."""
_Handler = Callable[[web.Request], Awaitable[web.Response]]


class Web:
    """Serves until it is stopped.

    Args:
        host: Address.
        port: 0 takes a free one.
        lanes: Their adapters have routes.
        meter: What `/metrics` shows.
        hear: Takes what providers tell; it is on disk when it returns.
        is_alive: For `/health/live`: when it complains, restart the sender.
        is_ready: For `/health/ready`: when it complains, nothing leaves at the moment.

    Attributes:
        port: Where it serves.
    """

    def __init__(
        self,
        host: str,
        port: int,
        lanes: Lanes,
        meter: Meter,
        hear: Hear,
        *,
        is_alive: Complaint,
        is_ready: Complaint,
    ) -> None:
        self.port = port
        self._host = host
        self._meter = meter
        self._hear = hear
        self._app = web.Application(client_max_size=BODY_BYTES_MAX)
        self._app.router.add_get("/metrics", self._metrics)
        self._app.router.add_get("/health/live", _health(is_alive))
        self._app.router.add_get("/health/ready", _health(is_ready))
        for lane in lanes.all:
            routes = lane.adapter.routes()
            if not all(route.is_guarded for route in routes) and not _is_loopback(host):
                log.warning("call_backs_unguarded", provider=lane.name,
                            next="set its CALLBACK_TOKEN: anybody may call")  # fmt: skip
            for route in routes:
                self._app.router.add_route("*", route.path, self._called(lane, route))
        self._loop = asyncio.new_event_loop()
        self._started = Event()
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Serve.

        Raises:
            UserError: The port cannot be had.
        """
        self._thread.start()
        self._started.wait(START_S)
        if self._error is not None:
            raise UserError(
                f"{self._host}:{self.port} cannot be served: {self._error}",
                "set WINBACK_SENDER_WEB_PORT to another port, or to 0 for a free one",
                Exit.FAILED,
            ) from self._error
        log.info("web_serves", host=self._host, port=self.port)

    def stop(self, timeout_s: float) -> None:
        """Finish what is being answered."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=2.0)
        try:
            self._loop.run_until_complete(runner.setup())
            site = web.TCPSite(runner, self._host, self.port)
            self._loop.run_until_complete(site.start())
            self.port = runner.addresses[0][1]
        except OSError as error:
            self._error = error
            return
        finally:
            self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._meter.page(), content_type="text/plain")

    def _called(self, lane: Lane, route: Route) -> _Handler:
        async def handle(request: web.Request) -> web.Response:
            called = Request(
                request.method, dict(request.query),
                {name.lower(): value for name, value in request.headers.items()},
                await request.read(),
            )  # fmt: skip
            return await asyncio.to_thread(self._answer, lane, route, called)

        return handle

    def _answer(self, lane: Lane, route: Route, called: Request) -> web.Response:
        """Let the adapter read a call; what it heard is on disk before the answer leaves."""
        try:
            answer = route.handle(called)
            heard = list(answer.heard)
        except Exception as error:  # noqa: BLE001 (anybody may call; nobody may end the sender so)
            log.warning("call_back_failed", provider=lane.name, error=type(error).__name__)
            return web.Response(status=500)
        try:
            self._hear(lane, heard)
        except Exception as error:  # noqa: BLE001 (it is not on disk: the provider calls again)
            log.warning("call_back_not_kept", provider=lane.name, error=type(error).__name__)
            return web.Response(status=503)
        return web.Response(
            status=answer.status, body=answer.body,
            headers={"content-type": answer.content_type},
        )  # fmt: skip


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _health(complaint: Complaint) -> _Handler:
    async def handle(_request: web.Request) -> web.Response:
        said = complaint()
        return web.json_response(
            {"status": "ok" if not said else "bad", "why": said}, status=503 if said else 200
        )

    return handle
