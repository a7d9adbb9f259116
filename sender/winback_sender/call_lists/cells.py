"""Cells that a spreadsheet shows as they are: no formula, no number that loses its digits.

Source:
    OWASP Application Security Verification Standard 5.0, 1.2.10: a field of a CSV file that begins
    with ``= + - @``, a tab or NUL is escaped with a single quote. Their full-width forms count in
    Chinese and Japanese Excel. Excel keeps 15 digits of a number, and shows no leading zero.
"""

import re
import unicodedata
from typing import Final

QUOTE: Final = "'"
_FORMULA: Final = frozenset("=+-@＝＋－＠﹢﹣＇'")
_NUMBER: Final = re.compile(r"0[0-9]+|[0-9]{12,}|[0-9]+[eE][0-9]+")
_CHARACTERS_MAX: Final = 1_000
_MAINLAND: Final = "+86"


def cell(text: str) -> str:
    """Return a text as a cell; `text_of` undoes it."""
    plain = _one_line(text)
    if plain[:1] in _FORMULA or _NUMBER.fullmatch(plain):
        return QUOTE + plain
    return plain


def text_of(given: str) -> str:
    """Return what a cell says, as a spreadsheet may have saved it."""
    return given.strip().removeprefix(QUOTE)


def phone_cell(number: str) -> str:
    """Return an E.164 number as it is dialled from the mainland, in groups that no sheet sums up.

    ``+8613800138000`` → ``138 0013 8000``, ``+861065529988`` → ``010 65529988``,
    ``+85251234567`` → ``00 85251234567``.
    """
    if not number.startswith(_MAINLAND):
        return f"00 {number.removeprefix('+')}"
    digits = number.removeprefix(_MAINLAND)
    if digits[0] == "1" and digits[1] != "0":
        return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
    area = 2 if digits[0] in "12" else 3
    return f"0{digits[:area]} {digits[area:]}"


def _one_line(text: str) -> str:
    """Return a text without line breaks and control characters; Han of all planes stay."""
    kept = (
        " " if letter in "\n\r\t\v\f\x85\u2028\u2029" else letter
        for letter in text
        if letter in "\n\r\t\v\f\x85\u2028\u2029"
        or unicodedata.category(letter) not in ("Cc", "Cs")
    )
    return " ".join("".join(kept).split())[:_CHARACTERS_MAX]
