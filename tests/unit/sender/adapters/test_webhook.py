"""The webhook adapter against its stand-in: every documented answer."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from aiohttp import web

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch as a_touch
from winback_sender.adapter import Answer, Request
from winback_sender.adapters.webhook import Webhook, make
from winback_sender.clock import now_ms
from winback_sender.contract.instants import HOUR_MS
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import HARD, Status
from winback_sender.errors import UserError
from winback_sender.last_look import looking
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.server import Server
from winback_sender.standins.stand_in import Fate, Receipts, Turn
from winback_sender.standins.webhook import SECRET, WebhookReceiver
from winback_sender.webhooks import receiver as webhooks_receiver

P = "WINBACK_SENDER_WEBHOOK_"


def touch(touch_id: str) -> TouchRequested:
    return a_touch(touch_id, not_before_ms=now_ms(), expires_ms=now_ms() + HOUR_MS)


def adapter(receiver: WebhookReceiver, **more: str) -> Webhook:
    environ = {f"{P}ENDPOINT": receiver.endpoint, f"{P}SECRET": SECRET, f"{P}TIMEOUT_S": "0.5"}
    return make(tools(environ | {f"{P}{name}": value for name, value in more.items()}))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks_receiver, "AGAIN_AFTER_S", (0.0, 0.0, 0.0), raising=False)


@pytest.fixture
def fate() -> Iterator[Callable[..., tuple[Webhook, WebhookReceiver]]]:
    """Give a webhook whose receiver lets touches meet their fates in order."""
    opened: list[Any] = []

    def make_one(*fates: Fate, dedupes: bool = False) -> tuple[Webhook, WebhookReceiver]:
        def plan(_touch_id: str, tried: int) -> Turn:
            return Turn(fates[min(tried, len(fates) - 1)], Receipts.NEVER)

        receiver = WebhookReceiver(plan, dedupes=dedupes)
        receiver.__enter__()
        webhook = adapter(receiver, **({"IS_IDEMPOTENT": "true"} if dedupes else {}))
        opened.extend((webhook, receiver))
        return webhook, receiver

    yield make_one
    for webhook, receiver in zip(opened[::2], opened[1::2], strict=True):
        webhook.close()
        receiver.__exit__(None, None, None)


def refusal(webhook: Webhook, touch: TouchRequested) -> NotSentError:
    with pytest.raises(NotSentError) as refused:
        webhook.deliver(touch)
    return refused.value


def test_a_touch_is_taken(fate: Any) -> None:
    webhook, receiver = fate(Fate.OK)

    assert webhook.deliver(touch("t1")) == Receipt(Status.ACCEPTED, ref="m-1")
    (call,) = receiver.calls
    assert (call.touch_id, call.address, call.what) == ("t1", "ada", "member_care_greeting")


def test_the_address_goes_along_if_it_is_asked_for() -> None:
    with WebhookReceiver() as receiver:
        webhook = adapter(receiver, WITH_ADDRESS="true")
        unknown = a_touch("t2", "nobody")

        assert webhook.deliver(touch("t1")).address == "+8613800138000"
        assert receiver.calls[0].address == "138 0013 8000"
        refused = refusal(webhook, unknown)
        assert (refused.reason, refused.outcome) == ("no_address", HARD)
        webhook.close()


def test_429_says_when_to_come_again(fate: Any) -> None:
    webhook, receiver = fate(Fate.THROTTLED, Fate.OK)

    refused = refusal(webhook, touch("t1"))

    assert (refused.retry, refused.after_s, refused.reason) == (True, 1, "provider_unavailable")
    assert webhook.deliver(touch("t1")).status == Status.ACCEPTED
    assert [call.was_sent for call in receiver.calls] == [False, True]


def test_422_is_final(fate: Any) -> None:
    webhook, _ = fate(Fate.REFUSED)

    refused = refusal(webhook, touch("t1"))

    assert (refused.retry, refused.reason, refused.outcome) == (False, "http_422", "unsent")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (Fate.LOST_ANSWER, "timed_out"),
        (Fate.LOST_CALL, "timed_out"),
        (Fate.ERROR_AFTER, "http_500"),
        (Fate.ERROR_BEFORE, "http_500"),
        (Fate.HTML, "unreadable_answer"),
    ],
)
def test_what_does_not_say_is_unknown(fate: Any, what: Fate, reason: str) -> None:
    webhook, _ = fate(what)

    assert webhook.deliver(touch("t1")) == Receipt(Status.UNKNOWN, "", reason)


def test_a_slow_receiver_is_waited_for(fate: Any) -> None:
    webhook, receiver = fate(Fate.SLOW)
    receiver.slow_s = 0.2

    assert webhook.deliver(touch("t1")).status == Status.ACCEPTED


@pytest.mark.parametrize("what", [Fate.LOST_ANSWER, Fate.ERROR_AFTER, Fate.HTML])
def test_a_receiver_that_dedupes_is_called_again_and_takes_it_once(fate: Any, what: Fate) -> None:
    webhook, receiver = fate(what, Fate.OK, dedupes=True)

    assert webhook.deliver(touch("t1")) == Receipt(Status.ACCEPTED, ref="m-1")
    assert [call.touch_id for call in receiver.calls if call.was_sent] == ["t1"]


def test_after_a_doubt_nothing_is_called_unsent(fate: Any) -> None:
    """The first call may have got through: a refusal of a later one does not say it did not."""
    webhook, receiver = fate(Fate.ERROR_BEFORE, Fate.THROTTLED, Fate.REFUSED, dedupes=True)

    assert webhook.deliver(touch("t1")) == Receipt(Status.UNKNOWN, "", "http_500")
    assert len(receiver.calls) == 3


def test_a_touch_that_is_taken_back_after_a_doubt_is_unknown(fate: Any) -> None:
    webhook, receiver = fate(Fate.ERROR_AFTER, dedupes=True)

    def look() -> None:
        if receiver.calls:
            raise NotSentError("revoked")

    with looking(look):
        assert webhook.deliver(touch("t1")) == Receipt(Status.UNKNOWN, "", "http_500")
    assert len(receiver.calls) == 1


def test_it_is_not_called_for_ever(fate: Any) -> None:
    webhook, receiver = fate(Fate.ERROR_BEFORE, dedupes=True)

    assert webhook.deliver(touch("t1")) == Receipt(Status.UNKNOWN, "", "http_500")
    assert len(receiver.calls) == 4


def test_a_receiver_that_wants_no_more_is_left_alone(fate: Any) -> None:
    webhook, receiver = fate(Fate.OK)
    receiver.wants_no_more = True

    first = refusal(webhook, touch("t1"))
    receiver.wants_no_more = False
    second = refusal(webhook, touch("t2"))

    assert (first.retry, first.reason, first.after_s) == (True, "receiver_gone", 300)
    assert second.reason == "receiver_gone"
    assert 299 < second.after_s <= 300
    assert receiver.calls == []


def test_a_wrong_secret_is_refused() -> None:
    with WebhookReceiver(secret="whsec_" + "QUJD" * 10) as receiver:
        webhook = adapter(receiver)

        assert refusal(webhook, touch("t1")).reason == "http_401"
        webhook.close()


def test_a_receiver_that_is_away_took_nothing() -> None:
    with WebhookReceiver() as receiver:
        webhook = adapter(receiver)
        receiver.go_away()

        assert refusal(webhook, touch("t1")).retry
        receiver.come_back()
        assert webhook.deliver(touch("t1")).status == Status.ACCEPTED
        webhook.close()


class Odd(Server):
    """Answers with one status and body, and remembers the path."""

    def __init__(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._status, self._body = status, body
        self._headers = {"content-type": "application/json", **(headers or {})}
        self.paths: list[str] = []

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        routes.add_route("*", "/{path:.*}", self._any)

    async def _any(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.raw_path)
        return web.Response(status=self._status, body=self._body, headers=self._headers)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (204, b"", Receipt(Status.ACCEPTED)),
        (202, b"thank you", Receipt(Status.ACCEPTED)),
        (200, b'{"ref": 7}', Receipt(Status.ACCEPTED)),
        (409, b"", Receipt(Status.ACCEPTED)),
        (302, b"", Receipt(Status.UNKNOWN, "", "http_302")),
        (502, b"", Receipt(Status.UNKNOWN, "", "http_502")),
        (308, b"", ("receiver_moved", True)),
        (503, b"", Receipt(Status.UNKNOWN, "", "http_503")),
        (408, b"", ("provider_unavailable", True)),
        (404, b"", ("http_404", False)),
    ],
)
def test_every_class_of_answers(status: int, body: bytes, expected: Any) -> None:
    with Odd(status, body) as server:
        environ = {f"{P}ENDPOINT": f"{server.url}/in/?team=7", f"{P}SECRET": SECRET}
        webhook = make(tools(environ))
        try:
            found: Any = webhook.deliver(touch("t1"))
        except NotSentError as error:
            found = error.reason, error.retry
        webhook.close()

    assert found == expected
    assert server.paths == ["/in/?team=7"], "the address is used as it was given"


@pytest.mark.parametrize("said", [429, 503])
def test_who_names_an_instant_to_come_again_has_taken_nothing(said: int) -> None:
    """A bare 503 says proxies, too, whose connection to the receiver broke after the request."""
    with Odd(said, b"", {"retry-after": "7"}) as server:
        environ = {f"{P}ENDPOINT": f"{server.url}/in", f"{P}SECRET": SECRET}
        webhook = make(tools(environ))
        refused = refusal(webhook, touch("t1"))
        webhook.close()

    assert (refused.reason, refused.retry, refused.after_s) == ("provider_unavailable", True, 7)


def test_what_became_of_a_touch_comes_back_signed() -> None:
    """The receiver's words pass the route, as the web server of the kit would hand them over."""
    answers: list[Answer] = []
    heard = threading.Event()

    class Web(Server):
        def add_routes(self, routes: web.UrlDispatcher) -> None:
            async def hand_over(request: web.Request) -> web.Response:
                headers = {name.lower(): value for name, value in request.headers.items()}
                body = await request.read()
                answers.append(route.handle(Request(request.method, {}, headers, body)))
                heard.set()
                return web.Response(status=answers[-1].status, body=answers[-1].body)

            routes.add_post(route.path, hand_over)

    with WebhookReceiver(lambda *_: Turn(arrives=False)) as receiver:
        webhook = adapter(receiver)
        (route,) = webhook.routes()
        with Web() as ours:
            receiver.callback_urls = (ours.url,)
            webhook.deliver(touch("t1"))
            assert heard.wait(5)
        webhook.close()

    (word,) = answers[0].heard
    assert (word.touch_id, word.ref) == ("t1", "m-1")
    assert word.receipt[:2] == (Status.FAILED, "soft")
    assert json.loads(answers[0].body) == {"taken": 1, "faults": []}


@pytest.mark.parametrize("touch_id", ["", "a.b", "a\nb", "触", "x" * 129])
def test_an_id_that_cannot_be_signed_is_refused(touch_id: str) -> None:
    environ = {f"{P}ENDPOINT": "http://127.0.0.1:9/", f"{P}SECRET": SECRET}
    webhook = make(tools(environ))

    refused = refusal(webhook, touch(touch_id))

    assert (refused.reason, refused.retry) == ("not_readable", False)
    webhook.close()


@pytest.mark.parametrize(
    ("environ", "what"),
    [
        ({}, "ENDPOINT is not set.*SECRET is not set"),
        ({f"{P}ENDPOINT": "ftp://x", f"{P}SECRET": SECRET}, "no http:// or https://"),
        ({f"{P}ENDPOINT": "https://x", f"{P}SECRET": "whsec_eA=="}, "SECRET = \\(hidden\\)"),
        ({f"{P}ENDPIONT": "https://x"}, "did you mean WINBACK_SENDER_WEBHOOK_ENDPOINT"),
    ],
)
def test_wrong_settings_are_told(environ: dict[str, str], what: str) -> None:
    with pytest.raises(UserError, match=what):
        make(tools(environ))
