"""The console as a web application: routes, the frame of each page, and pages that stay live."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import local
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec
from aiohttp import web

from streams.console.columns import AtRisk
from streams.console.feed import Progress
from streams.console.store import Store
from streams.console.tables import open_reader
from streams.console.views import person
from streams.console.views.asked import Book
from streams.console.web.acts import Acts, own_path
from streams.console.web.desk import Desk
from streams.console.web.guard import BODY_BYTES_MAX, COOKIE, HEADERS, Door, signed_in
from streams.console.web.orders import Orders
from streams.console.web.pages import Asked, Pages, Shown, now_csv, why_csv
from streams.console.web.reader import (
    LANGUAGES,
    THEMES,
    Reader,
    assets,
    flash_said,
    html_answer,
    is_secure,
    remember,
    see,
    static,
)
from streams.console.web.render import Renderer, say
from streams.console.web.sessions import Session
from streams.core.rules import Rules
from streams.runtime.letters import Place
from streams.settings import Settings

QUICK_S: Final = 0.5
SLOW_S: Final = 5.0
"""So often is a live page looked at; those that count over many rows less often."""
SLOW: Final = ("/recall", "/why", "/model")
STILL_S: Final = 15.0
LIVE_MAX: Final = 200
CACHE_MAX: Final = 200
STALE_S: Final = 10.0
DATA_SHOWN: Final = 20_000
_THREAD: Final = local()
YEAR_S: Final = 365 * 86_400


@dataclass(slots=True)
class Frame:
    """What stands around every page; `base.html` uses it."""

    page: str
    theme: str
    here: str
    session: Session | None
    is_gate: bool = False
    is_followed: bool = True
    flash: str = ""
    is_bad: bool = False
    left: int | None = None
    is_live: bool = True
    fault: str = ""
    heard: str = ""
    at_ms: int = 0
    lateness_s: float = 0.0
    total_at_risk: int = 0
    assets: str = ""


class Site:
    """All pages.

    Args:
        settings: Name the deployment.
        rules: As the console was given them.
        store: Whose file is read.
        at_risk: The columns.
        progress: Of the feed.
        door: Who may come in.
        desk: Claims and the record.
        orders: What can be done.
    """

    def __init__(
        self,
        settings: Settings,
        rules: Rules,
        store: Store,
        at_risk: AtRisk,
        progress: Progress,
        door: Door,
        desk: Desk,
        orders: Orders,
    ) -> None:
        self._settings, self._rules, self._store = settings, rules, store
        self._at_risk, self._progress, self._door = at_risk, progress, door
        self._pages, self._orders = Pages(desk, progress), orders
        self._acts = Acts(orders, desk, self.book, self._told)
        book = self.book()
        self._renderer = Renderer(book.money, rules.zone)
        self._own = 0
        self._live = 0
        self._cache: OrderedDict[tuple[object, ...], tuple[int, asyncio.Task[str | None]]] = (
            OrderedDict()
        )

    def application(self) -> web.Application:
        """Return what is to be served."""
        found = web.Application(
            middlewares=[self._door.middleware()], client_max_size=BODY_BYTES_MAX
        )
        get, post = found.router.add_get, found.router.add_post
        get("/", self._root)
        get("/login", self._gate)
        post("/login", self._login)
        post("/logout", self._logout)
        post("/prefs", self._prefs)
        post("/find", self._find)
        post("/act/{what}", self._act)
        get("/live", self._follow)
        get("/letters", self._letter)
        get("/{name:now|why}.csv", self._export)
        get("/static/{name}", static)
        get("/{path:.*}", self._page)
        return found

    def book(self) -> Book:
        """Return the read model, by a connection that belongs to the thread that asks."""
        found = getattr(_THREAD, "book", None)
        if found is None or found[0] != self._store.path:
            found = (self._store.path, open_reader(self._store.path))
            _THREAD.book = found
        return Book(found[1], self._at_risk, self._rules, self._settings.model_keys)

    def _told(self) -> None:
        self._own += 1

    # -- pages

    async def _root(self, _request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther("/now")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        flash, is_bad = request.cookies.get("flash", ""), False
        key, _, number = flash.partition("~")
        is_bad, key = key.startswith("!"), key.removeprefix("!")
        reader = Reader.of(request)
        said = flash_said(key, number, reader.language, is_bad=is_bad)
        html = await self._html(reader, request.path_qs, said, is_bad=is_bad)
        status = 200
        if html is None:
            html, status = self._plain(reader, "not_found"), 404
        answer = html_answer(html, status)
        if flash:
            answer.del_cookie("flash", path="/")
        return answer

    async def _html(
        self, reader: Reader, address: str, flash: str = "", *, is_bad: bool = False
    ) -> str | None:
        """Return a page, made once for all who see the same of one version of the read model."""
        if flash:
            return await asyncio.to_thread(self._made, reader, address, flash, is_bad)
        key = (address, reader.language, reader.theme, id(reader.session))
        version = self._progress.version + (self._own << 32)
        kept = self._cache.get(key)
        if kept is None or kept[0] != version:
            task = asyncio.create_task(asyncio.to_thread(self._made, reader, address))
            self._cache[key] = kept = (version, task)
            while len(self._cache) > CACHE_MAX:
                self._cache.popitem(last=False)
        return await asyncio.shield(kept[1])

    def _made(
        self, reader: Reader, address: str, flash: str = "", is_bad: bool = False  # noqa: FBT001, FBT002 (a thread takes no names)
    ) -> str | None:  # fmt: skip
        parts = urlsplit(address)
        asked = Asked(parts.path, parse_qs(parts.query, max_num_fields=40), reader.language,
                      reader.session is not None)  # fmt: skip
        book = self.book()
        shown = self._pages.show(book, asked)
        if shown is None:
            return None
        frame = self._frame(reader, address, shown.page, book)
        frame.flash, frame.is_bad = flash, is_bad
        return self._renderer.page(reader.language, shown.template, frame=frame, **shown.facts)

    def _frame(self, reader: Reader, address: str, page: str, book: Book) -> Frame:
        progress = self._progress
        silent_s = time.monotonic() - progress.heard_s
        fault = progress.fault or ("silent" if progress.heard_s and silent_s > STALE_S else "")
        return Frame(
            page, reader.theme, address, reader.session, left=progress.left,
            is_live=progress.is_live, fault=fault, heard=f"−{silent_s:.0f} s",
            at_ms=book.now_ms(), lateness_s=progress.lateness_s,
            total_at_risk=len(self._at_risk), assets=assets(),
        )  # fmt: skip

    def _plain(self, reader: Reader, key: str, **facts: object) -> str:
        frame = self._frame(reader, "/now", "", self.book())
        frame.is_followed = False
        text = say(reader.language, key, **facts)
        return self._renderer.page(reader.language, "plain.html", frame=frame, text=text)

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        """Send a page whenever it has changed, as server-sent events.

        Source:
            HTML Living Standard, §9.2, "Server-sent events".
        """
        reader, address = Reader.of(request), own_path(request.query.get("at", ""))
        if self._live >= LIVE_MAX:
            raise web.HTTPServiceUnavailable(text="503\n", headers={"Retry-After": "10"})
        answer = web.StreamResponse(
            headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"}
        )
        every_s = SLOW_S if urlsplit(address).path in SLOW else QUICK_S
        secret = request.cookies.get(COOKIE, "")
        self._live += 1
        try:
            await answer.prepare(request)
            digest, said_s = b"", 0.0
            while reader.session is None or self._door.sessions.find(
                secret, time.monotonic(), is_use=False
            ):
                html = await self._html(reader, address)
                found = hashlib.blake2b((html or "").encode(), digest_size=16).digest()
                now_s = time.monotonic()
                if html is not None and found != digest:
                    digest, said_s = found, now_s
                    data = msgspec.json.encode(html).decode()
                    await answer.write(f"event: page\ndata: {data}\n\n".encode())
                elif now_s - said_s > STILL_S:
                    said_s = now_s
                    await answer.write(b"event: still\ndata: 1\n\n")
                await asyncio.sleep(every_s)
        except (ConnectionResetError, asyncio.CancelledError):
            pass
        finally:
            self._live -= 1
        return answer

    async def _export(self, request: web.Request) -> web.StreamResponse:
        reader = Reader.of(request)
        asked = Asked(f"/{request.match_info['name']}", parse_qs(request.query_string,
                      max_num_fields=40), reader.language, reader.session is not None)  # fmt: skip
        lines: Callable[[Book, Asked], Iterator[str]] = now_csv if asked.path == "/now" else why_csv
        answer = web.StreamResponse(headers={
            **HEADERS, "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="winback-{asked.path[1:]}.csv"',
        })  # fmt: skip
        await answer.prepare(request)
        await answer.write("\ufeff".encode())  # Spreadsheets take it for UTF-8 by this alone.
        found = lines(self.book(), asked)
        while part := await asyncio.to_thread(next, found, ""):
            await answer.write(part.encode())
        await answer.write_eof()
        return answer

    # -- who, and how it is shown

    async def _gate(self, request: web.Request) -> web.StreamResponse:
        return self._login_page(Reader.of(request))

    def _login_page(self, reader: Reader, flash: str = "", status: int = 200) -> web.Response:
        frame = Frame("sign_in", reader.theme, "/now", None, is_gate=True, is_followed=False,
                      flash=flash, is_bad=bool(flash), assets=assets())  # fmt: skip
        return html_answer(self._renderer.page(reader.language, "login.html", frame=frame), status)

    async def _login(self, request: web.Request) -> web.StreamResponse:
        reader, form = Reader.of(request), await request.post()
        token, name = str(form.get("token", "")), str(form.get("name", ""))
        secret = self._door.sessions.open(token, name, time.monotonic())
        if secret is None:
            return self._login_page(reader, say(reader.language, "token_wrong"), 403)
        self._door.trusted(request.remote or "?")
        answer = see("/now")
        signed_in(answer, secret, is_secure=is_secure(request))
        return answer

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        self._door.sessions.close(request.cookies.get(COOKIE, ""))
        answer = see("/now")
        answer.del_cookie(COOKIE, path="/")
        return answer

    async def _prefs(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        answer = see(own_path(str(form.get("back", ""))))
        for name, known in (("lang", LANGUAGES), ("theme", THEMES)):
            value = str(form.get(name, ""))
            if value in known:
                answer.set_cookie(name, value, max_age=YEAR_S, samesite="Lax", httponly=True,
                                  path="/", secure=is_secure(request))  # fmt: skip
        return answer

    # -- what can be done

    async def _find(self, request: web.Request) -> web.StreamResponse:
        reader, form = Reader.of(request), await request.post()
        wanted = str(form.get("user_id", "")).strip()
        name = await asyncio.to_thread(lambda: person.named(self.book(), wanted))
        if name is None:
            html = await asyncio.to_thread(self._plain, reader, "unknown_user")
            return html_answer(html, 404)
        return see(f"/people/{name}")

    async def _act(self, request: web.Request) -> web.StreamResponse:
        done, back = await self._acts.handle(request)
        answer = see(back)
        mark = "" if done.is_done else "!"
        remember(answer, f"{mark}{done.key}~{done.facts.get('n', '')}")
        return answer

    async def _letter(self, request: web.Request) -> web.StreamResponse:
        reader = Reader.of(request)
        if reader.session is None:
            raise web.HTTPSeeOther("/login")
        try:
            place = Place.named(request.query.get("place", ""))
        except Exception:  # noqa: BLE001 (whatever was typed into the address)
            raise web.HTTPNotFound(text="404\n") from None
        opened = await asyncio.to_thread(self._orders.letter, place)
        if opened is None:
            return html_answer(await asyncio.to_thread(self._plain, reader, "not_found"), 404)
        shown = Shown("letter.html", {
            "letter": {"place": str(place), "reason": opened.letter.reason,
                       "detail": opened.letter.detail, "aside_ms": opened.letter.aside_ms,
                       "size": opened.letter.size},
            "data": opened.value[:DATA_SHOWN].decode("utf-8", "backslashreplace"),
        }, "health")  # fmt: skip
        frame = self._frame(reader, "/health", "health", self.book())
        frame.is_followed = False
        return html_answer(self._renderer.page(reader.language, shown.template, frame=frame,
                                         **shown.facts))  # fmt: skip
