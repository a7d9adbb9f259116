"""The sender's page: metrics, health, and the call-backs of providers, in a thread of its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from threading import Event, Thread
from typing import Final

from winback_sender.adapter import Heard, Request, Route
from winback_sender.engine.lane import Lane, Lanes
from winback_sender.engine.metrics import Meter
from winback_sender.errors import Exit, UserError
from winback_sender.http.guard import guard_of, is_loopback
from winback_sender.http.site import Answer, Asked, Page, Site, Whom, body_of
from winback_sender.logs import get_logger

log = get_logger(__name__)

BODY_BYTES_MAX: Final = 4 * 1_048_576
"""A provider sends a thousand receipts at once at most, of a few hundred bytes each."""
START_S: Final = 10.0

Hear = Callable[[Lane, list[Heard]], None]
Complaint = Callable[[], str]
"""Says what is wrong; empty: nothing."""
CALLS: Final = ("GET", "POST")
"""What providers do, and who clicks a link."""

_Handler = Callable[[Asked], Awaitable[Answer]]


class Web:
    """Serves until it is stopped.

    Args:
        host: Address.
        port: 0 takes a free one.
        token: Who says it may see all; needed where others than this machine can ask.
        lanes: Their adapters have routes.
        meter: What `/metrics` shows.
        hear: Takes what providers tell; it is on disk when it returns.
        is_alive: For `/health/live`: when it complains, restart the sender.
        is_ready: For `/health/ready`: when it complains, nothing leaves at the moment.

    Attributes:
        port: Where it serves.

    Raises:
        UserError: There is no token, or a provider shows none, and there has to be.
    """

    def __init__(
        self,
        host: str,
        port: int,
        lanes: Lanes,
        meter: Meter,
        hear: Hear,
        *,
        token: str = "",
        is_alive: Complaint,
        is_ready: Complaint,
    ) -> None:
        self.port = port
        self._host = host
        self._meter = meter
        self._hear = hear
        pages = {
            "/metrics": Page(self._metrics),
            "/health/live": Page(_health(is_alive), Whom.PROBES),
            "/health/ready": Page(_health(is_ready), Whom.PROBES),
        }
        for lane in lanes.all:
            routes = lane.adapter.routes()
            if not all(route.is_guarded for route in routes) and not is_loopback(host):
                raise UserError(
                    f"anybody may call what {lane.name} calls back, at {host!r}",
                    f"set the CALLBACK_TOKEN of {lane.name}, or WINBACK_SENDER_WEB_HOST=127.0.0.1",
                )
            for route in routes:
                pages[route.path] = Page(self._called(lane, route), Whom.ANYBODY, CALLS)
        guard = guard_of(host, token, "WINBACK_SENDER_WEB_HOST")
        self._site = Site(pages, guard, BODY_BYTES_MAX)
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
        try:
            self.port = self._loop.run_until_complete(self._site.start(self._host, self.port))
        except OSError as error:
            self._error = error
            return
        finally:
            self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._site.stop())
        self._loop.close()

    async def _metrics(self, asked: Asked) -> Answer:
        body, content_type = self._meter.exposition(asked.request.headers.get("Accept", ""))
        return Answer(200, body, content_type)

    def _called(self, lane: Lane, route: Route) -> _Handler:
        async def handle(asked: Asked) -> Answer:
            request = asked.request
            called = Request(
                request.method, dict(request.query),
                {name.lower(): value for name, value in request.headers.items()},
                await body_of(request),
            )  # fmt: skip
            return await asyncio.to_thread(self._answer, lane, route, called)

        return handle

    def _answer(self, lane: Lane, route: Route, called: Request) -> Answer:
        """Let the adapter read a call; what it heard is on disk before the answer leaves."""
        try:
            answer = route.handle(called)
            heard = list(answer.heard)
        except Exception as error:  # noqa: BLE001 (anybody may call; nobody may end the sender so)
            log.warning("call_back_failed", provider=lane.name, error=type(error).__name__)
            return Answer(500)
        try:
            self._hear(lane, heard)
        except Exception as error:  # noqa: BLE001 (it is not on disk: the provider calls again)
            log.warning("call_back_not_kept", provider=lane.name, error=type(error).__name__)
            return Answer(503)
        return Answer(answer.status, answer.body, answer.content_type)


def _health(complaint: Complaint) -> _Handler:
    async def handle(asked: Asked) -> Answer:
        said = complaint()
        status = {"status": "ok" if not said else "bad"}
        body = {**status, "why": said} if asked.is_known else status
        return Answer(503 if said else 200, json.dumps(body).encode(), "application/json")

    return handle
