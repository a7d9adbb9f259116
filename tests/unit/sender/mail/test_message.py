"""A touch as an e-mail."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.mail.address import mail_address
from winback_sender.mail.message import Letterhead, message_of
from winback_sender.mail.unsubscribe import Unsubscribing
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import ProviderTemplate

HEAD = Letterhead(mail_address("care@例子.中国"), "某商城 会员关怀", None)
LINK = "https://mail.example.com/u?t=t1&s=abc"
MAILTO = "mailto:leave@example.com?subject=unsubscribe%20t1"
AT = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
TEMPLATE = ProviderTemplate(
    text="${name}，您好！", extra={"subject": "${name}，您的礼遇", "html": "<p>${name}</p>"}
)


def written(
    template: ProviderTemplate = TEMPLATE, name: str = "李雷",
    ways: tuple[str, ...] = (LINK, MAILTO), head: Letterhead = HEAD, to: str = "ada@example.com",
) -> tuple[bytes, EmailMessage]:  # fmt: skip
    data = message_of(head, mail_address(to), "t1", template, {"name": name}, ways, AT)
    found = message_from_bytes(data, policy=SMTP)
    assert isinstance(found, EmailMessage)
    return data, found


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_the_headers_of_a_message() -> None:
    data, message = written()

    assert message["From"].addresses[0].display_name == "某商城 会员关怀"
    assert message["From"].addresses[0].addr_spec == "care@xn--fsqu00a.xn--fiqs8s"
    assert str(message["To"]) == "ada@example.com"
    assert str(message["Subject"]) == "李雷，您的礼遇"
    assert str(message["Message-ID"]) == "<t1@xn--fsqu00a.xn--fiqs8s>"
    assert str(message["Date"]) == "Tue, 22 Sep 2026 04:00:00 +0000"
    assert str(message["Auto-Submitted"]) == "auto-generated"
    assert str(message["List-Unsubscribe"]).strip() == (f"<{LINK}>, <{MAILTO}>")
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert data.isascii(), "any server can carry it"
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))


def test_mailbox_providers_can_read_the_way_out() -> None:
    """Its addresses are longer than a line, and are never encoded as words (RFC 2369, RFC 2047)."""
    ways = Unsubscribing(
        "https://mail.example.com/callbacks/email/unsubscribe", "leave@example.com", "s" * 16
    ).ways("k3jq5r2m6hd4c7w2y5n3u6s4f7b2x5zq")
    data, message = written(ways=tuple(ways))

    lines = data.split(b"\r\n")
    place = lines.index(f"List-Unsubscribe: <{ways[0]}>,".encode())
    assert lines[place + 1] == f" <{ways[1]}>".encode()
    assert str(message["List-Unsubscribe"]) == f"<{ways[0]}>, <{ways[1]}>"


def test_text_and_html_and_a_way_out_in_both() -> None:
    _, message = written()

    assert message.get_content_type() == "multipart/alternative"
    assert body(message, "plain").startswith("李雷，您好！")
    assert f"退订 Unsubscribe: {LINK}" in body(message, "plain")
    assert '<a href="https://mail.example.com/u?t=t1&amp;s=abc">退订' in body(message, "html")


def test_a_template_may_place_the_way_out_itself() -> None:
    template = ProviderTemplate(
        text="再见 ${unsubscribe_url}",
        extra={"subject": "s", "html": "<body><a href='${unsubscribe_url}'>x</a></body>"},
    )
    _, message = written(template)

    assert body(message, "plain").strip() == f"再见 {LINK}"
    assert body(message, "html").count("href") == 1


def test_a_footer_stands_inside_of_the_body() -> None:
    template = ProviderTemplate(text="x", extra={"subject": "s", "html": "<BODY>x</BODY></html>"})

    assert "</a></p></BODY></html>" in body(written(template)[1], "html")


def test_without_a_page_there_is_no_promise_of_one_click() -> None:
    _, message = written(ways=(MAILTO,))

    assert message["List-Unsubscribe-Post"] is None
    assert str(message["List-Unsubscribe"]).strip() == f"<{MAILTO}>"
    assert f"退订 Unsubscribe: {MAILTO}" in body(message, "plain")


def test_an_address_in_chinese_stands_in_the_header_as_it_is() -> None:
    data, _ = written(to="李雷@example.com")

    assert "To: 李雷@example.com\r\n".encode() in data


def test_a_text_alone_is_enough_and_answers_may_go_elsewhere() -> None:
    head = HEAD._replace(reply_to=mail_address("help@example.com"), name="")
    _, message = written(ProviderTemplate(text="x", extra={"subject": "s"}), head=head)

    assert message.get_content_type() == "text/plain"
    assert str(message["Reply-To"]) == "help@example.com"


def test_html_of_a_user_is_text() -> None:
    _, message = written(name='<script>"&')

    assert "<p>&lt;script&gt;&quot;&amp;</p>" in body(message, "html")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (ProviderTemplate(text="x"), "no_template"),
        (ProviderTemplate(text=" ", extra={"subject": "s"}), "no_template"),
        (ProviderTemplate(text="${age}", extra={"subject": "s"}), "bad_variables"),
        (ProviderTemplate(text="x", extra={"subject": "${age}"}), "bad_variables"),
        (ProviderTemplate(text="x", extra={"subject": "s", "html": "${age}"}), "bad_variables"),
    ],
)
def test_what_is_missing_is_told(template: ProviderTemplate, reason: str) -> None:
    with pytest.raises(NotSentError, match=reason):
        written(template)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_no_value_becomes_a_header_or_another_part(name: str) -> None:
    plain, _ = written(name="x")
    evil = f"{name}\r\nBcc: eve@example.com\r\n\r\n{name}"
    _, message = written(name=evil)
    _, usual = written(name="x")

    assert sorted(message.keys()) == sorted(usual.keys())
    assert len(list(message.walk())) == len(list(usual.walk())) == 3
    assert str(message["To"]) == "ada@example.com"
    assert plain.count(b"\r\n\r\n") >= 1
