"""Unsubscribing with one click, and with two where a program might click by itself.

Source:
    RFC 8058: ``List-Unsubscribe-Post: List-Unsubscribe=One-Click`` beside exactly one https
    address, which has something that nobody can guess; a POST unsubscribes, and a GET, which mail
    software does by itself, must not.
"""

import hmac
from collections.abc import Iterable
from hashlib import blake2b
from html import escape
from typing import Final
from urllib.parse import urlencode

from winback_sender.adapter import Answer, Heard, Request
from winback_sender.contract.words import Status
from winback_sender.receipt import Receipt

PATH: Final = "/callbacks/email/unsubscribe"
_MARK_BYTES: Final = 15
_HTML: Final = "text/html; charset=utf-8"
_PAGE: Final = """<!doctype html><html lang="zh"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>退订 Unsubscribe</title>
<body style="font-family:sans-serif;text-align:center;margin-top:20vh">{}</body></html>"""
_ASK: Final = """<p>不再接收我们的邮件？<br>No more e-mail from us?</p>
<form method="post"><button style="font-size:1.2em;padding:.5em 1em">退订 Unsubscribe</button>
</form>"""
_DONE: Final = "<p>已退订。<br>You are unsubscribed.</p>"
_WRONG: Final = "<p>链接无效。<br>This link is not valid.</p>"


class Unsubscribing:
    """Makes links, and takes what they bring.

    Args:
        url: Public address of the page, ``https://…``; ours is under `PATH`. Empty: there is none.
        mailto: A mailbox that takes unsubscriptions. Empty: there is none.
        secret: Nobody else can make a link with it.
        former: Secrets of which links are still about: they hold good.
    """

    def __init__(self, url: str, mailto: str, secret: str, former: Iterable[str] = ()) -> None:
        self._url, self._mailto = url, mailto
        self._keys = [
            blake2b(each.encode(), digest_size=32, person=b"unsubscribe").digest()
            for each in (secret, *former)
        ]

    def ways(self, touch_id: str) -> list[str]:
        """Return the addresses that unsubscribe the reader of a touch, the best first."""
        ways = []
        if self._url:
            query = urlencode({"t": touch_id, "s": _mark(touch_id, self._keys[0])})
            ways.append(f"{self._url}{'&' if '?' in self._url else '?'}{query}")
        if self._mailto:
            ways.append(f"mailto:{self._mailto}?subject=unsubscribe%20{touch_id}")
        return ways

    def answer(self, request: Request) -> Answer:
        """Return the page: a button for a GET, and for a POST what was done."""
        touch_id = request.query.get("t", "")
        given = request.query.get("s", "").encode("utf-8", "replace")
        ours = (_mark(touch_id, key).encode() for key in self._keys)
        if not touch_id or not any(hmac.compare_digest(given, mark) for mark in ours):
            return _page(_WRONG, 404)
        if request.method == "GET":
            return _page(_ASK)
        if request.method != "POST":
            return _page(escape(request.method), 405)
        word = Heard(Receipt(Status.OPTED_OUT), touch_id=touch_id)
        return _page(_DONE)._replace(heard=[word])


def _mark(touch_id: str, key: bytes) -> str:
    data = touch_id.encode("utf-8", "replace")
    return blake2b(data, digest_size=_MARK_BYTES, key=key).hexdigest()


def _page(text: str, status: int = 200) -> Answer:
    return Answer(status, _PAGE.format(text).encode(), _HTML)
