"""Phone numbers in one form, E.164: ``+8613800138000``."""

import re
from typing import Final

from winback_sender.contract.words import HARD, Why
from winback_sender.receipt import NotSentError

_NARROW: Final = str.maketrans("０１２３４５６７８９＋（）－．／", "0123456789+()-./")
_BETWEEN: Final = re.compile(r"[\s()./\-\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
"""Spaces of all widths, brackets, dots, slashes, dashes, and what cannot be seen: a number that is
copied from an address book of Windows carries marks of the writing direction."""
_MAINLAND: Final = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_LANDLINE: Final = re.compile(r"(?:(?:\+86|0086)|0)((?:10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8})")
_INTERNATIONAL: Final = re.compile(r"(?:\+|00)([1-9][0-9]{7,14})")


def normalise(text: str, *, may_be_landline: bool = False) -> str:
    """Return a phone number as E.164.

    Args:
        text: As people write it: with spaces, dashes, dots and brackets, with +86, 0086 or 86
            before it, in full-width digits. One of elsewhere begins with + or 00.
        may_be_landline: Whether a fixed line of the mainland will do, for a call.

    Raises:
        NotSentError: It is none; the reason does not carry it.

    Source:
        ITU-T E.164 (2010), §6.2: at most 15 digits, the country's among them. MIIT, numbering plan
        of the telecommunications network (2017): mobile numbers are 1 [3-9] and nine digits.
    """
    narrow = text.translate(_NARROW)
    digits = _BETWEEN.sub("", narrow.replace("(0)", "") if "+" in narrow else narrow)
    found = _MAINLAND.fullmatch(digits)
    if found is None and may_be_landline:
        found = _LANDLINE.fullmatch(digits)
    if found is not None:
        return f"+86{found[1]}"
    found = _INTERNATIONAL.fullmatch(digits)
    if found is None or found[1].startswith("86"):
        raise NotSentError(Why.BAD_ADDRESS, HARD)
    return f"+{found[1]}"
