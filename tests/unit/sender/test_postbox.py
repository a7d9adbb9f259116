"""The postbox behaves as its docstring says, and misbehaves as it is told."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from winback_sender.standins.postbox import Postbox
from winback_sender.standins.stand_in import Fate, Receipts, Turn

PHONE = "13800138000"


def knows(user_id: str, channel: str) -> str | None:
    return PHONE if (user_id, channel) == ("ann 安", "sms") else None


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with Postbox(knows=knows, needs={"needy": ("name", "day")}) as found:
        yield found


def send(postbox: Postbox, touch_id: str = "t-1", **changed: object) -> httpx.Response:
    message = {"id": touch_id, "to": PHONE, "template": "greeting", "params": {"name": "𠮷😀"}}
    return httpx.post(f"{postbox.url}/messages", json=message | changed, timeout=2)


def status(postbox: Postbox, touch_id: str) -> str:
    found = httpx.get(f"{postbox.url}/messages", params={"id": touch_id})
    return "" if found.status_code == 404 else str(found.json()["status"])


def until(holds: Callable[[], bool], within_s: float = 5.0) -> bool:
    end_s = time.monotonic() + within_s
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.01)
    return holds()


def test_a_message_is_taken_and_arrives(postbox: Postbox) -> None:
    assert (send(postbox).status_code, postbox.calls[0].was_sent) == (202, True)
    assert postbox.calls[0].what == {"template": "greeting", "name": "𠮷😀"}
    assert until(lambda: status(postbox, "t-1") == "delivered")


def test_it_does_not_dedupe(postbox: Postbox) -> None:
    refs = [send(postbox).json()["ref"] for _ in range(2)]
    assert (refs, len(postbox.calls)) == (["m-1", "m-2"], 2)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "+1 555 0100"}, "bad_number"),
        ({"to": " 138 0013 8000"}, "bad_number"),
        ({"template": ""}, "no_template"),
        ({"id": ""}, "no_id"),
        ({"id": None}, "no_id"),
        ({"params": {"name": "x" * 101}}, "bad_params"),
        ({"params": 7}, "not_readable"),
        ({"template": "needy"}, "missing_param"),
    ],
)
def test_what_is_wrong_is_refused_and_not_taken(
    postbox: Postbox, changed: dict[str, object], code: str
) -> None:
    answer = send(postbox, **changed)
    assert (answer.status_code, answer.json(), postbox.calls) == (400, {"error": code}, [])


@pytest.mark.parametrize(
    ("fate", "code", "was_sent"),
    [
        (Fate.OK, 202, True),
        (Fate.SLOW, 202, True),
        (Fate.ERROR_AFTER, 500, True),
        (Fate.ERROR_BEFORE, 500, False),
        (Fate.HTML, 200, True),
        (Fate.REFUSED, 400, False),
    ],
)
def test_fate_decides(postbox: Postbox, *, fate: Fate, code: int, was_sent: bool) -> None:
    postbox.plan = lambda _, __: Turn(fate)
    assert (send(postbox).status_code, postbox.calls[0].was_sent) == (code, was_sent)
    assert bool(status(postbox, "t-1")) == was_sent


def test_throttling_says_when_to_come_again(postbox: Postbox) -> None:
    postbox.plan = lambda _, tried: Turn(Fate.THROTTLED if tried < 2 else Fate.OK)
    answers = [send(postbox) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 429, 202]
    assert answers[1].headers["Retry-After"] == "1"


def test_a_lost_answer_is_a_message_sent(postbox: Postbox) -> None:
    postbox.plan = lambda _, __: Turn(Fate.LOST_ANSWER)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{postbox.url}/messages", json={"id": "t", "to": PHONE, "template": "g"}, timeout=0.2
        )
    assert until(lambda: status(postbox, "t") == "delivered")


def test_a_lost_call_is_none(postbox: Postbox) -> None:
    postbox.plan = lambda _, __: Turn(Fate.LOST_CALL)
    with pytest.raises(httpx.TransportError):
        send(postbox)
    assert status(postbox, "t-1") == ""


def test_a_restart_forgets_nothing(postbox: Postbox) -> None:
    url = postbox.url
    send(postbox)
    postbox.go_away()
    with pytest.raises(httpx.ConnectError):
        send(postbox)
    postbox.come_back()
    assert (postbox.url, status(postbox, "t-1") != "") == (url, True)


@pytest.mark.parametrize(
    ("receipts", "arrives", "expected"),
    [
        (Receipts.ONCE, True, ["delivered"]),
        (Receipts.TWICE, True, ["delivered", "delivered"]),
        (Receipts.BEFORE_ANSWER, False, ["failed"]),
        (Receipts.LATE, False, ["failed"]),
        (Receipts.NEVER, True, []),
    ],
)
def test_receipts_come_to_who_asked_for_them(
    postbox: Postbox, *, receipts: Receipts, arrives: bool, expected: list[str]
) -> None:
    heard: list[str] = []
    postbox.late_s = 0.2
    postbox.plan = lambda _, __: Turn(receipts=receipts, arrives=arrives)

    async def hear(_: str, **request: object) -> tuple[int, bytes]:
        (receipt,) = request["json"]  # type: ignore[misc]  # as posted
        heard.append(receipt["status"])
        return 200, b""

    postbox.post = hear  # type: ignore[method-assign]  # the wire is httpx's and aiohttp's matter
    assert httpx.post(f"{postbox.url}/callbacks", json={"url": "http://x/"}).status_code == 204
    send(postbox)
    assert (len(heard) == 1) == (receipts == Receipts.BEFORE_ANSWER)
    assert until(lambda: heard == expected)


def test_addresses_are_served(postbox: Postbox) -> None:
    url = f"{postbox.addresses_url}/ann%20%E5%AE%89/sms"
    assert httpx.get(url).json() == {"address": PHONE}
    assert httpx.get(url.replace("sms", "wechat")).status_code == 404
