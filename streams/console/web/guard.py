"""What every request has to pass, and what every answer carries."""

import hmac
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from streams.console.web.sessions import LIFE_S, Pace, Session, Sessions
from winback_sender.http.guard import Guard
from winback_sender.logs import get_logger

log = get_logger(__name__)

COOKIE: Final = "winback_session"
BODY_BYTES_MAX: Final = 32_768
QUERY_MAX: Final = 2_000
HEADERS: Final = {
    "Server": "winback",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}
OPEN: Final = frozenset({"/login", "/prefs"})
"""Paths that need no session where one is needed."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SESSION: Final = web.RequestKey("session", Session)


class Door:
    """Who may come in.

    Args:
        guard: Knows names of this machine.
        sessions: Of those who have shown the token.
        may_look: Whether whoever is on this machine may look without a token.
        can_sign_in: Whether there is a token at all.
    """

    def __init__(
        self, guard: Guard, sessions: Sessions, *, may_look: bool, can_sign_in: bool = True
    ) -> None:
        self.sessions, self.can_sign_in = sessions, can_sign_in
        self._guard = guard
        self._may_look = may_look
        self._pages, self._acts, self._tries = Pace(300, 60), Pace(40, 2), Pace(8, 0.2)

    def middleware(self) -> Any:
        """Return what aiohttp asks before every handler."""

        @web.middleware
        async def pass_by(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                answer = await self._answered(request, handler)
            except web.HTTPException as error:
                error.headers.update(HEADERS)
                raise
            except ConnectionResetError:
                raise
            except Exception as error:
                log.warning("console_page_failed", page=request.match_info.route.name or "?",
                            error=type(error).__name__, exc_info=error)  # fmt: skip
                answer = web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text="500\n")
            if not answer.prepared:
                for name, value in HEADERS.items():
                    answer.headers.setdefault(name, value)
            return answer

        return pass_by

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        now_s, peer = time.monotonic(), request.remote or "?"
        host = request.headers.get("Host", "")
        if self._guard.is_misled(host) or (not self._guard.token and not host):
            raise web.HTTPForbidden(text="403\n")
        is_post = request.method == "POST"
        pace = self._tries if request.path == "/login" and is_post else (
            self._acts if is_post else self._pages)  # fmt: skip
        if not pace.may(peer, now_s):
            raise web.HTTPTooManyRequests(text="429\n", headers={"Retry-After": "5"})
        if len(request.raw_path) > QUERY_MAX:
            raise web.HTTPRequestURITooLong(text="414\n")
        secret = request.cookies.get(COOKIE, "")
        session = self.sessions.find(secret, now_s, is_use=request.path != "/live")
        if session is not None:
            request[SESSION] = session
        is_free = request.path in OPEN or request.path.startswith("/static/")
        if session is None and not is_free and not self._may_look:
            if request.path == "/live" or is_post:
                raise web.HTTPUnauthorized(text="401\n")
            raise web.HTTPSeeOther("/login")
        if is_post:
            await self._demand_own(request, session)
        return await handler(request)

    def trusted(self, peer: str) -> None:
        """Do not count a try to sign in that was none to guess."""
        self._tries.give_back(peer)

    async def _demand_own(self, request: web.Request, session: Session | None) -> None:
        """Refuse what another site has made somebody's browser send."""
        origin = request.headers.get("Origin", "")
        if origin and urlsplit(origin).netloc != request.headers.get("Host", ""):
            raise web.HTTPForbidden(text="403\n")
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise web.HTTPForbidden(text="403\n")
        if not request.path.startswith("/act/"):
            return
        if session is None:
            raise web.HTTPUnauthorized(text="401\n")
        form = await request.post()
        given = str(form.get("csrf", "")).encode("utf-8", "replace")
        if not hmac.compare_digest(given, session.csrf.encode()):
            raise web.HTTPForbidden(text="403\n")


def signed_in(answer: web.StreamResponse, secret: str, *, is_secure: bool) -> None:
    """Let the browser keep the secret of a session, out of reach of scripts and other sites."""
    answer.set_cookie(COOKIE, secret, max_age=int(LIFE_S), httponly=True, samesite="Strict",
                      secure=is_secure, path="/")  # fmt: skip
