"""Unsubscribing."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from winback_sender.adapter import Heard, Request
from winback_sender.contract.words import Status
from winback_sender.mail.unsubscribe import Unsubscribing
from winback_sender.receipt import Receipt

OURS = Unsubscribing(
    "https://mail.example.com/callbacks/email/unsubscribe", "a@b.cn", "secret-of-the-house"
)


def visit(method: str, link: str, body: bytes = b"") -> Request:
    return Request(method, dict(parse_qsl(urlsplit(link).query)), {}, body)


def test_one_click_unsubscribes() -> None:
    """The body is that of RFC 8058; what counts is the link."""
    answer = OURS.answer(visit("POST", OURS.ways("t1")[0], b"List-Unsubscribe=One-Click"))

    assert answer.status == 200
    assert list(answer.heard) == [Heard(Receipt(Status.OPTED_OUT), touch_id="t1")]
    assert "已退订".encode() in answer.body


def test_software_that_looks_at_links_unsubscribes_nobody() -> None:
    answer = OURS.answer(visit("GET", OURS.ways("t1")[0]))

    assert (answer.status, answer.heard) == (200, ())
    assert b'<form method="post">' in answer.body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_somebody_made_up_is_none(method: str) -> None:
    right = OURS.ways("t1")[0]
    other = Unsubscribing("https://x/", "", "another-secret-of-a-house").ways("t1")[0]
    for link in (
        right.replace("t=t1", "t=t2"),
        right[:-1],
        other,
        "https://x/",
        "https://x/?t=&s=",
    ):
        answer = OURS.answer(visit(method, link))
        assert (answer.status, answer.heard) == (404, ())


def test_other_methods_are_refused() -> None:
    assert OURS.answer(visit("DELETE", OURS.ways("t1")[0])).status == 405


def test_a_page_of_ones_own_may_have_a_query() -> None:
    ways = Unsubscribing("https://shop.example.com/leave?lang=zh", "", "s" * 16).ways("t1")

    assert len(ways) == 1
    assert ways[0].startswith("https://shop.example.com/leave?lang=zh&t=t1&s=")


def test_a_mailbox_is_the_second_way() -> None:
    assert OURS.ways("t1")[1] == "mailto:a@b.cn?subject=unsubscribe%20t1"
    assert len(Unsubscribing("", "a@b.cn", "s" * 16).ways("t1")) == 1


def test_a_link_of_a_former_key_holds_good() -> None:
    """Somebody opens a letter of last year."""
    url = "https://mail.example.com/callbacks/email/unsubscribe"
    link = OURS.ways("t1")[0]
    turned = Unsubscribing(url, "", "next-secret-of-the-house", ["secret-of-the-house"])
    assert turned.answer(visit("POST", link)).status == 200
    assert turned.ways("t1")[0] != link
    lost = Unsubscribing(url, "", "next-secret-of-the-house")
    assert lost.answer(visit("POST", link)).status == 404
