"""A small HTTP server: pages by their exact path, and nothing that a stranger can wear out.

Every answer forbids to be stored, framed, guessed at or run; no version, no path and no error text
leaves. A connection that says nothing, a head or a body that does not end, too many connections and
too large requests are cut off.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from aiohttp import web

from winback_sender.http.guard import Guard
from winback_sender.logs import get_logger

log = get_logger(__name__)

HEAD_WITHIN_S: Final = 10.0
"""So long a connection may be silent, or take for the head of a request."""
BODY_WITHIN_S: Final = 10.0
READ_WITHIN_S: Final = 10.0
"""Who takes nothing of an answer for so long is gone."""
CONNECTIONS_MAX: Final = 128
LINE_BYTES_MAX: Final = 8_190
HEADERS_MAX: Final = 64
STOP_WITHIN_S: Final = 2.0
HEADERS: Final = {
    "Server": "winback",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
}


class Answer(NamedTuple):
    """What is answered."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"


class Asked(NamedTuple):
    """Who asks what.

    Attributes:
        request: As it came.
        is_known: Whether who asks may see all.
    """

    request: web.BaseRequest
    is_known: bool


class Whom(StrEnum):
    """Who is answered."""

    KNOWN = "known"  # who may see all
    PROBES = "probes"  # strangers as well, unless a browser here was led to us by another name
    ANYBODY = "anybody"  # by whatever name: a provider, whose proof is the page's own business


class Page(NamedTuple):
    """What stands at a path.

    Attributes:
        answer: Answers.
        whom: Others are refused.
        methods: What may be done with it.
    """

    answer: Callable[[Asked], Awaitable[Answer]]
    whom: Whom = Whom.KNOWN
    methods: tuple[str, ...] = ("GET", "HEAD")


class Site:
    """Serves pages.

    Args:
        pages: By path.
        guard: Tells strangers from those who may see all.
        body_bytes_max: A larger body is refused.
    """

    def __init__(self, pages: Mapping[str, Page], guard: Guard, body_bytes_max: int = 0) -> None:
        self._pages = pages
        self._guard = guard
        self._body_bytes_max = body_bytes_max
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port; 0 takes a free one.

        Raises:
            OSError: The address cannot be had.
        """
        server = _Server(self._serve, self._body_bytes_max)
        runner = web.ServerRunner(server, shutdown_timeout=STOP_WITHIN_S)
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, host, port).start()
        found: int = runner.addresses[0][1]
        return found

    async def stop(self) -> None:
        """Finish what is being answered, and listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer, more = await self._answered(request)
        except web.HTTPRequestEntityTooLarge:
            answer, more = Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE), _CLOSE
        except TimeoutError:
            answer, more = Answer(HTTPStatus.REQUEST_TIMEOUT), _CLOSE
        except web.RequestPayloadError:
            answer, more = Answer(HTTPStatus.BAD_REQUEST), _CLOSE
        except Exception as error:  # noqa: BLE001 (anybody may ask; nobody may end us so)
            log.warning("page_failed", error=type(error).__name__)
            answer, more = Answer(HTTPStatus.INTERNAL_SERVER_ERROR), _CLOSE
        return _response(answer, more)

    async def _answered(self, request: web.BaseRequest) -> tuple[Answer, Mapping[str, str]]:
        page = self._pages.get(request.path)
        header = request.headers.get
        host = header("Host", "")
        is_known = self._guard.knows(header("Authorization", ""), host)
        if page is None:
            return Answer(HTTPStatus.NOT_FOUND), {}
        is_probe = page.whom is Whom.PROBES and not self._guard.is_misled(host)
        if not (is_known or is_probe or page.whom is Whom.ANYBODY):
            if self._guard.token:
                return Answer(HTTPStatus.UNAUTHORIZED), {"WWW-Authenticate": "Bearer"}
            return Answer(HTTPStatus.FORBIDDEN), {}
        if request.method not in page.methods:
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED), {"Allow": ", ".join(page.methods)}
        return await page.answer(Asked(request, is_known)), {}


async def body_of(request: web.BaseRequest) -> bytes:
    """Return the body of a request.

    Raises:
        TimeoutError: It does not come to an end.
        web.HTTPRequestEntityTooLarge: It is too large.
    """
    async with asyncio.timeout(BODY_WITHIN_S):
        return await request.read()


_CLOSE: Final = {"Connection": "close"}


def _response(answer: Answer, more: Mapping[str, str] = _CLOSE) -> web.Response:
    response = web.Response(
        status=answer.status,
        body=answer.body,
        headers={**HEADERS, **more, "Content-Type": answer.content_type},
    )
    if "Connection" in more:
        response.force_close()
    return response


class _Handler(web.RequestHandler):
    """Answers what is no HTTP with a bare refusal, and writes nothing of it into the log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return what a broken request is answered."""
        del request, message
        log.debug("request_refused", status=status, error=type(exc).__name__)
        return _response(Answer(status))

    def log_exception(self, *args: Any, **facts: Any) -> None:
        """Keep what strangers send out of the log."""
        del args, facts


class _Server(web.Server):
    """Makes a handler of every connection, and takes no more of them than it can serve."""

    def __init__(
        self,
        serve: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        body_bytes_max: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            serve,
            request_factory=lambda message, payload, protocol, writer, task: web.BaseRequest(
                message, payload, protocol, writer, task, loop, client_max_size=body_bytes_max
            ),
        )

    def __call__(self) -> web.RequestHandler:
        return _Handler(
            self,
            loop=self._loop,
            access_log=None,  # type: ignore[arg-type]  # None is how aiohttp is told so
            keepalive_timeout=HEAD_WITHIN_S,
            lingering_time=0.0,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            max_headers=HEADERS_MAX,
        )

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Take a connection, or cut it off."""
        if len(self.connections) >= CONNECTIONS_MAX:
            transport.abort()
        super().connection_made(handler, transport)
        self._watch(transport, 0)

    def _watch(self, transport: asyncio.Transport, before: int) -> None:
        """Cut off who does not read its answer."""
        left = transport.get_write_buffer_size()
        if left and left == before:
            transport.abort()
        elif not transport.is_closing():
            self._loop.call_later(READ_WITHIN_S, self._watch, transport, left)
