"""Cells: what a spreadsheet would take for a formula or a number stays text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.call_lists.cells import cell, phone_cell, text_of


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+86 138", "-1", "@SUM(A1)", "=cmd|'/c calc'!A1", "＝1", "＋1", "－1", "＠x",
        "\t=1", "\r=1", "\x00=1", " =1", "'=1", "007", "20171234567890123", "12e5",
    ],
)  # fmt: skip
def test_what_would_be_reckoned_is_quoted(text: str) -> None:
    assert cell(text)[0] == "'"


@pytest.mark.parametrize("text", ["会员900", "900", "13800138000", "a=b", "3-4", "𠮷野家", "0", ""])
def test_what_is_harmless_stays(text: str) -> None:
    assert cell(text) == text


def test_a_line_stays_a_line() -> None:
    assert cell("a\r\nb\u2028c\x00\td\x07") == "a b c d"
    assert cell("x" * 5_000) == "x" * 1_000


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+8613800138000", "138 0013 8000"),
        ("+861065529988", "010 65529988"),
        ("+862165529988", "021 65529988"),
        ("+8675512345678", "0755 12345678"),
        ("+85251234567", "00 85251234567"),
    ],
)
def test_a_number_is_shown_as_it_is_dialled(number: str, shown: str) -> None:
    assert phone_cell(number) == shown
    assert cell(shown) == shown


@given(st.text(max_size=60))
def test_no_text_becomes_a_formula_and_each_is_read_back(text: str) -> None:
    shown = cell(text)

    assert shown[:1] not in set("=+-@＝＋－＠\t\r\n\0")
    assert len(shown.splitlines()) <= 1
    assert cell(text_of(shown)) == shown
