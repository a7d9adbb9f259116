"""What WeChat takes as the value of a template's variable: its name says its kind.

``thing1`` is a thing, ``phrase2`` a phrase; names of the old industry templates (``first``,
``keyword1``, ``remark``) have no rule but that they are not empty.

Source:
    https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html
    and https://developers.weixin.qq.com/doc/offiaccount/Subscription_Messages/api.html; what counts
    as a character was asked and never answered
    (https://developers.weixin.qq.com/community/develop/doc/0006aa3d5ac940d2f7eaa3ca756000), so
    UTF-16 units are counted, as WeChat's own editor does: an emoji is two.
"""

import re
from collections.abc import Mapping
from typing import Final

from winback_sender.contract.words import Why
from winback_sender.receipt import NotSentError

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_CLOCK: Final = r"\d{1,2}:\d{2}(:\d{2})?"
_DATE: Final = (
    r"(\d{4}年)?\d{1,2}月(\d{1,2}日)?|\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}"
)
_INSTANT: Final = rf"(({_DATE})\s?({_CLOCK})?|{_CLOCK})"
_SPAN: Final = rf"{_INSTANT}(\s?~\s?{_INSTANT})?"

KINDS: Final[Mapping[str, tuple[int, re.Pattern[str]]]] = {
    "thing": (20, re.compile(r".*")),
    "const": (20, re.compile(r".*")),
    "number": (32, re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)),
    "letter": (32, re.compile(r"[A-Za-z]+")),
    "symbol": (5, re.compile(r"[^\w\s]+")),
    "character_string": (32, re.compile(r"[\x20-\x7e]+")),
    "time": (64, re.compile(_SPAN, re.ASCII)),
    "date": (64, re.compile(_SPAN, re.ASCII)),
    "amount": (16, re.compile(r"[^\w\s]?-?\d{1,10}(\.\d+)?元?", re.ASCII)),
    "phone_number": (17, re.compile(r"[\d+\-() ]+", re.ASCII)),
    "car_number": (8, re.compile(rf"[A-Za-z0-9{_HAN}][A-Za-z0-9]*[A-Za-z0-9{_HAN}]?")),
    "name": (20, re.compile(rf"(?=.*[{_HAN}]).{{1,10}}|[^{_HAN}]{{1,20}}")),
    "phrase": (5, re.compile(rf"[{_HAN}]+")),
}
"""Kind to the characters that it may have, and what it may be made of."""

_KIND: Final = re.compile(r"([a-z_]+?)_?\d*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def demand_fit(values: Mapping[str, str]) -> None:
    """Check the values of a template by the names of its variables.

    Raises:
        NotSentError: One does not fit: WeChat would answer 47003.
    """
    for name, value in values.items():
        if not _fits(name, value):
            raise NotSentError(Why.BAD_VARIABLES)


def _fits(name: str, value: str) -> bool:
    if not value.strip() or _CONTROL.search(value):
        return False
    found = _KIND.fullmatch(name)
    rule = KINDS.get(found[1]) if found else None
    if rule is None:
        return True
    units_max, form = rule
    return len(value.encode("utf-16-le")) // 2 <= units_max and bool(form.fullmatch(value))
