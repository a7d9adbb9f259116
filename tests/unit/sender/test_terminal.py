"""What others have written harms no terminal, and programs read the same."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from winback_sender.terminal import harmless_json, json_text, printable

EVIL = "\x1b]0;owned\x07\x9b31m\u202eada\u2066\n\r\u2028\u200b"
INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}


def test_an_id_moves_no_cursor_turns_no_line_around_and_makes_up_no_line() -> None:
    shown = printable(EVIL)
    assert shown.isprintable()
    assert shown == r"\x1b]0;owned\x07\x9b31m\u202eada\u2066\n\r\u2028\u200b"
    assert printable("会员 ada") == "会员 ada"
    assert printable("x" * 9, 4) == "xxx…"


@given(st.text())
def test_whatever_it_is_it_is_one_line(text: str) -> None:
    assert printable(text).isprintable()
    assert not text.isprintable() or printable(text) == text


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_json_means_the_same_and_holds_nothing_invisible(facts: object) -> None:
    shown = json_text(facts)
    assert json.loads(shown) == facts
    assert not INVISIBLE & {unicodedata.category(mark) for mark in shown}


def test_json_that_is_harmless_stays_as_it_is() -> None:
    assert harmless_json('{"会员":"ada","icon":"🛒"}') == '{"会员":"ada","icon":"🛒"}'
    assert harmless_json('"\U000e0041\x7f"') == r'"\udb40\udc41\u007f"'
