"""Call-backs: whether they are genuine, whoever sends them."""

import base64
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sender.adapters.wechat.account_making import KEY
from winback_sender.adapter import Answer, Heard, Request
from winback_sender.adapters.wechat.callbacks import Callbacks, Event, items, read_event
from winback_sender.adapters.wechat.seal import Seal, SealError, signature
from winback_sender.contract.words import Status
from winback_sender.receipt import Receipt

TOKEN, APP = "QDG6eK", "wx5823bf96d3bd56c7"
INSTANT = {"timestamp": "1409659813", "nonce": "1372623149"}
HEARD = Heard(Receipt(Status.REPLIED), address="oAda")


def callbacks(*, is_sealed: bool) -> tuple[Callbacks, list[Event]]:
    events: list[Event] = []

    def hear(event: Event) -> list[Heard]:
        events.append(event)
        return [HEARD]

    return Callbacks("wechat", TOKEN, Seal(KEY, APP) if is_sealed else None, hear), events


def signed(**more: str) -> dict[str, str]:
    return {**INSTANT, "signature": signature(TOKEN, *INSTANT.values()), **more}


def sealed(message: bytes, key: str = KEY, app: str = APP, token: str = TOKEN) -> Request:
    cipher = Seal(key, app).close(message, os.urandom(16))
    query = {**INSTANT, "msg_signature": signature(token, *INSTANT.values(), cipher)}
    return Request(
        "POST", query, {}, f"<xml><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>".encode()
    )


def test_the_address_is_tried_in_the_clear() -> None:
    for is_sealed in (False, True):
        door, _ = callbacks(is_sealed=is_sealed)
        answer = door.handle(Request("GET", signed(echostr="4375120948345356249"), {}, b""))
        assert answer == Answer(200, b"4375120948345356249", "text/plain")


def test_wecom_seals_the_trial_of_the_address() -> None:
    door, _ = callbacks(is_sealed=True)
    echo = Seal(KEY, APP).close(b"1616140317555161061", os.urandom(16))
    query = {**INSTANT, "msg_signature": signature(TOKEN, *INSTANT.values(), echo), "echostr": echo}
    assert door.handle(Request("GET", query, {}, b"")).body == b"1616140317555161061"


@pytest.mark.parametrize(
    "body", [b"<xml><Content>\xe9\x80\x80</Content></xml>", b'{"Content":"a"}']
)
def test_a_message_in_the_clear_is_heard(body: bytes) -> None:
    door, events = callbacks(is_sealed=False)
    answer = door.handle(Request("POST", signed(), {}, body))
    assert (answer.body, answer.heard, len(events)) == (b"success", [HEARD], 1)


def test_a_sealed_message_is_heard() -> None:
    door, events = callbacks(is_sealed=True)
    answer = door.handle(sealed("<xml><Content>你好</Content></xml>".encode()))
    assert (answer.body, answer.heard, events) == (b"success", [HEARD], [{"Content": "你好"}])


CLEAR = b"<xml><Content>TD</Content></xml>"


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", signed(), {}, CLEAR),
        Request("POST", signed(echostr="1"), {}, CLEAR),
        Request("POST", signed(echostr="1"), {}, b"<xml><Encrypt>TD</Encrypt></xml>"),
        Request("POST", {**INSTANT, "signature": ""}, {}, CLEAR),
        sealed(CLEAR, key="z" * 42 + "A"),
        sealed(CLEAR, app="wx0000000000000000"),
        sealed(CLEAR, token="another"),
        sealed(CLEAR)._replace(body=b"not XML"),
        sealed(CLEAR)._replace(body=b"<xml><Encrypt>AAAA</Encrypt></xml>"),
    ],
    ids=["clear", "clear with echo", "echo for Encrypt", "unsigned", "key", "app", "token",
         "no XML", "altered"],
)  # fmt: skip
def test_where_messages_are_sealed_nothing_else_is_taken(request_: Request) -> None:
    door, events = callbacks(is_sealed=True)
    assert (door.handle(request_).status, events) == (403, [])


@pytest.mark.parametrize(
    "query",
    [
        {}, INSTANT, signed() | {"nonce": "1"}, signed() | {"signature": "é"},
        signed() | {"signature": "\udcff"},  # bytes that are no UTF-8
    ],
)  # fmt: skip
def test_a_wrong_signature_is_refused(query: dict[str, str]) -> None:
    door, events = callbacks(is_sealed=False)
    for method in ("GET", "POST"):
        assert door.handle(Request(method, query, {}, CLEAR)).status == 403
    assert events == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not XML", b"{", b"[1]", b"{" * 100_000, b"<xml><a></xml>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Content>&a;</Content></xml>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_taken_and_passed_over(body: bytes) -> None:
    """A repeat would be no better, and WeChat tells the user when an answer is missing."""
    door, events = callbacks(is_sealed=False)
    answer = door.handle(Request("POST", signed(), {}, body))
    assert (answer.status, answer.body, answer.heard, events) == (200, b"success", (), [])


@pytest.mark.parametrize("body", [
    b"<xml><E><List><T>1</T></List></E></xml>", b'{"List":{"T":"1"}}', b'{"List":[{"T":"1"}]}',
])  # fmt: skip
def test_a_list_of_one_is_an_object_or_a_list(body: bytes) -> None:
    assert items(read_event(body), "E") == [{"T": "1"}]


@pytest.mark.parametrize("event", [{}, {"List": "x"}, {"E": {}}, {"List": ["x", 7]}, {"List": 7}])
def test_a_list_that_is_none_is_empty(event: dict[str, Any]) -> None:
    assert items(event, "E") == []


@given(st.binary(max_size=200), st.text(max_size=20).filter(lambda text: text.isascii()))
def test_what_is_sealed_is_opened(message: bytes, receiver: str) -> None:
    seal = Seal(KEY, receiver)
    assert seal.open(seal.close(message, os.urandom(16))) == message


@given(st.binary(max_size=200))
def test_nothing_but_our_seal_is_opened(noise: bytes) -> None:
    with pytest.raises(SealError):
        Seal(KEY, APP).open(base64.b64encode(noise).decode())


@pytest.mark.parametrize("key", ["", "short", "!" * 43, "é" * 43])
def test_a_key_has_43_characters(key: str) -> None:
    with pytest.raises(ValueError, match="43 letters and digits"):
        Seal(key, APP)
