"""Who reads, in which language and theme; and the small answers that need nothing else."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from aiohttp import web

from streams.console.web.guard import SESSION
from streams.console.web.render import say
from streams.console.web.sessions import Session
from streams.pages.wording import Language

TYPES: Final = {"css": "text/css", "js": "text/javascript"}
LANGUAGES: Final = ("en", "zh")
THEMES: Final = ("auto", "light", "dark")


@dataclass(slots=True, frozen=True)
class Reader:
    """Who reads: language, theme, and whether they are signed in."""

    language: Language
    theme: str
    session: Session | None

    @classmethod
    def of(cls, request: web.Request) -> "Reader":
        """Return who sends a request; a cookie goes before what the browser says."""
        language, theme = request.cookies.get("lang", ""), request.cookies.get("theme", "")
        if language not in LANGUAGES:
            language = "zh" if request.headers.get("Accept-Language", "").startswith("zh") else "en"
        theme = theme if theme in THEMES else "auto"
        return cls("zh" if language == "zh" else "en", theme, request.get(SESSION))


def flash_said(key: str, number: str, language: Language, *, is_bad: bool) -> str:
    """Return in words what came of the last form; nothing for what is no key of ours."""
    if not key.startswith(("d_", "e_")) and key not in {
        "refused", "unknown_user", "gone_before", "claimed_before",
    }:  # fmt: skip
        return ""
    try:
        what = say(language, key, n=number if number.isdigit() else "")
    except KeyError:
        return ""
    return say(language, "failed" if is_bad else "done", what=what)


def remember(answer: web.StreamResponse, what: str) -> None:
    """Let the next page say what came of a form; no address, so nobody can be sent it."""
    answer.set_cookie("flash", what, max_age=60, httponly=True, samesite="Strict", path="/")


def see(path: str) -> web.Response:
    """Return the way to another page of ours."""
    return web.Response(status=303, headers={"Location": path})


def html_answer(text: str, status: int = 200) -> web.Response:
    """Return a page."""
    return web.Response(text=text, status=status, content_type="text/html")


def is_secure(request: web.Request) -> bool:
    """Return whether browsers come by HTTPS, to us or to the proxy before us."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "") == "https"


@cache
def _file(name: str) -> bytes | None:
    folder = resources.files(__package__).joinpath("static")
    return folder.joinpath(name).read_bytes() if name in {"console.css", "console.js"} else None


@cache
def assets() -> str:
    """Return a word that changes with style and script, so that no old one is kept."""
    both = (_file("console.css") or b"") + (_file("console.js") or b"")
    return hashlib.blake2b(both, digest_size=6).hexdigest()


async def static(request: web.Request) -> web.StreamResponse:
    """Serve the style and the script."""
    name = request.match_info["name"]
    body = _file(name)
    if body is None:
        raise web.HTTPNotFound(text="404\n")
    kind = TYPES[name.rpartition(".")[2]]
    return web.Response(body=body, content_type=kind, charset="utf-8",
                        headers={"Cache-Control": "public, max-age=86400, immutable"})  # fmt: skip
