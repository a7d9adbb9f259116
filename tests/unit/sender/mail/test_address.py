"""E-mail addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.contract.words import HARD
from winback_sender.mail.address import MailAddress, mail_address
from winback_sender.receipt import NotSentError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.Lovelace+x@Example.COM ", "Ada.Lovelace+x@example.com"),
        ("ada＠ｅｘａｍｐｌｅ.com", "ada@example.com"),
        ("ada@例子.中国", "ada@xn--fsqu00a.xn--fiqs8s"),
        ("李雷@例子.中国", "李雷@xn--fsqu00a.xn--fiqs8s"),
        ("o'neil@a-b.co", "o'neil@a-b.co"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert str(mail_address(text)) == address


def test_a_server_must_know_utf_8_only_where_the_local_part_needs_it() -> None:
    assert mail_address("ada@例子.中国").is_ascii
    assert not mail_address("李雷@example.com").is_ascii


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.com", "ada@", "ada@localhost", "ada@127.0.0.1", "ada@exam ple.com",
        "a b@example.com", "ada@example..com", ".ada@example.com", "ada.@example.com",
        "a..b@example.com", '"a b"@example.com', "Ada <ada@example.com>", "a@b.com, c@d.com",
        "ada@example.com\r\nBcc: eve@example.com", "ada\r\nRCPT TO:<eve>@example.com",
        "ada@example.com\n", "a\x00@example.com", "a\u2028b@example.com", "a\u202e@example.com",
        "x" * 65 + "@example.com", "李" * 22 + "@example.com", "a@" + "b" * 64 + ".com",
        "a@" + "b.c" * 90 + ".com", "a@b@example.com", "13800138000", "a@-b.com", "a@b.1",
    ],
)  # fmt: skip
def test_what_is_none_is_refused_without_repeating_it(text: str) -> None:
    if text.endswith("com\n"):
        assert str(mail_address(text)) == "ada@example.com", "what is around it does no harm"
        return
    with pytest.raises(NotSentError) as refused:
        mail_address(text)
    assert (str(refused.value), refused.value.outcome) == ("bad_address", HARD)


@given(st.text(max_size=30) | st.emails())
def test_what_is_accepted_cannot_end_a_line_and_stays_as_it_is(text: str) -> None:
    try:
        found = mail_address(text)
    except NotSentError:
        return
    assert not set(str(found)) & set('\r\n <>,;:"\\\0')
    assert str(found).count("@") == 1
    assert mail_address(str(found)) == found
    assert isinstance(found, MailAddress)
