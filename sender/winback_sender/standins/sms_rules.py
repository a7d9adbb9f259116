"""What SMS providers find wrong with a request, in no provider's words."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

_LINK: Final = re.compile(r"https?://|www\.", re.IGNORECASE)
_SIGNS: Final = frozenset("【】〖〗『』「」★※→❤™①②③•")


def missing(fields: Mapping[str, Any], required: Iterable[str]) -> str:
    """Return the first required field that is absent or empty; empty = none is."""
    return next((name for name in required if not fields.get(name)), "")


def wrong_value(value: str, characters_max: int) -> str:
    """Return what is wrong with the value of a variable: ``long``, ``link``, ``sign``, or nothing.

    Rare Han characters are in order; emoji and decoration are not.
    """
    if characters_max and len(value) > characters_max:
        return "long"
    if _LINK.search(value):
        return "link"
    is_decorated = any(
        sign in _SIGNS or unicodedata.category(sign) in {"So", "Cs", "Cc"} for sign in value
    )
    return "sign" if is_decorated else ""
