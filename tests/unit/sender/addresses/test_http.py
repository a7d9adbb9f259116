"""The address book behind HTTP."""

import json
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from aiohttp import web

from winback_sender.addresses.http import HttpAddresses
from winback_sender.contract.words import Why
from winback_sender.last_look import looking
from winback_sender.receipt import NotSentError
from winback_sender.standins.addresses import Addresses
from winback_sender.standins.server import Server


class Odd(Server):
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = web.Response
        self.asked: list[tuple[str, str, str, bytes]] = []

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        routes.add_route("*", "/{path:.*}", self._any)

    async def _any(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("authorization", "")
        self.asked.append((request.method, request.raw_path, token, await request.read()))
        return self.answer()


@pytest.fixture(scope="module")
def odd() -> Iterator[Odd]:
    with Odd() as server:
        yield server


@pytest.fixture
def book(odd: Odd) -> Iterator[HttpAddresses]:
    odd.asked.clear()
    made = HttpAddresses(f"{odd.url}/book", 2.0, "secret-token", 4)
    yield made
    made.close()


def test_it_speaks_with_the_company_s_service() -> None:
    names = {("900", "sms"): "13800138000", ("a/b ?%&#ü", "wechat"): "oX1"}
    with Addresses(lambda user_id, channel: names.get((user_id, channel))) as service:
        book = HttpAddresses(service.addresses_url, 2.0, "", 4)

        assert book.resolve("900", "sms") == "13800138000"
        assert book.resolve("900", "email") is None
        assert book.resolve("a/b ?%&#ü", "wechat") == "oX1"
        assert book.find("sms", "13800138000") is None
        book.close()


def test_a_touch_that_expires_meanwhile_has_expired(book: HttpAddresses) -> None:
    """The address is no longer wanted: that is no fault of the service."""

    def look() -> None:
        raise NotSentError(Why.EXPIRED)

    with looking(look), pytest.raises(NotSentError) as refused:
        book.resolve("900", "sms")
    assert (refused.value.reason, refused.value.retry) == (Why.EXPIRED, False)


def test_a_user_id_is_one_piece_of_the_path(odd: Odd, book: HttpAddresses) -> None:
    odd.answer = lambda: web.json_response({"address": "x"})

    assert book.resolve("../admin/900?x=1", "sms") == "x"
    method, path, token, _ = odd.asked[0]
    assert (method, token) == ("GET", "Bearer secret-token")
    assert [unquote(piece) for piece in path.split("/")] == ["", "book", "../admin/900?x=1", "sms"]


@pytest.mark.parametrize("user_id", ["", ".", ".."])
def test_nobody_is_called_like_a_step_up_the_path(
    odd: Odd, book: HttpAddresses, user_id: str
) -> None:
    assert book.resolve(user_id, "sms") is None
    assert odd.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.json_response({"address": None}),
        lambda: web.json_response({"address": ""}),
        lambda: web.json_response({}),
        lambda: web.Response(status=404),
        lambda: web.json_response({"error": "not_found"}, status=404),
        lambda: web.Response(status=410),
    ],
)
def test_that_there_is_no_address_is_an_answer(odd: Odd, book: HttpAddresses, answer: type) -> None:
    odd.answer = answer

    assert book.resolve("900", "sms") is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=500),
        lambda: web.Response(status=401),
        lambda: web.Response(status=302, headers={"location": "/login"}),
        lambda: web.Response(
            text="<html>no such site</html>", content_type="text/html", status=404
        ),
        lambda: web.Response(text="<html>hello</html>", content_type="text/html"),
        lambda: web.Response(body=b'{"address": "138'),
        lambda: web.json_response({"address": 13800138000}),
        lambda: web.Response(body=b"\xff"),
    ],
)
def test_what_is_no_answer_makes_touches_wait(odd: Odd, book: HttpAddresses, answer: type) -> None:
    odd.answer = answer

    with pytest.raises(NotSentError) as away:
        book.resolve("900", "sms")
    assert (away.value.retry, away.value.reason) == (True, "addresses_unavailable")


def test_a_service_that_is_busy_says_for_how_long(odd: Odd, book: HttpAddresses) -> None:
    odd.answer = lambda: web.Response(status=429, headers={"Retry-After": "7"})

    with pytest.raises(NotSentError) as away:
        book.resolve("900", "sms")
    assert away.value.after_s == 7


def test_a_service_that_is_away_makes_touches_wait() -> None:
    with Odd() as server:
        book = HttpAddresses(server.url, 0.5, "", 4)
        server.go_away()

        with pytest.raises(NotSentError) as away:
            book.resolve("900", "sms")
        with pytest.raises(NotSentError):
            book.find("sms", "13800138000")
    assert away.value.retry
    assert "900" not in str(away.value)
    book.close()


def test_whose_a_reply_is_never_stands_in_a_path(odd: Odd, book: HttpAddresses) -> None:
    odd.answer = lambda: web.json_response({"user_id": "900"})

    assert book.find("sms", "+8613800138000") == "900"
    method, path, _, body = odd.asked[0]
    assert (method, path) == ("POST", "/book/find")
    assert json.loads(body) == {"channel": "sms", "address": "+8613800138000"}


def test_a_service_without_a_search_cannot_say(odd: Odd, book: HttpAddresses) -> None:
    odd.answer = lambda: web.Response(status=405)

    assert book.find("sms", "+8613800138000") is None
