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
from winback_sender.law.shipped import SHIPPED
from winback_sender.receipt import NotSentError

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_CLOCK: Final = r"\d{1,2}:\d{2}(:\d{2})?"
_DATE: Final = (
    r"(\d{4}年)?\d{1,2}月(\d{1,2}日)?|\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}"
)
_INSTANT: Final = rf"(({_DATE})\s?({_CLOCK})?|{_CLOCK})"
_SPAN: Final = rf"{_INSTANT}(\s?~\s?{_INSTANT})?"

FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "number": re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII),
    "letter": re.compile(r"[A-Za-z]+"),
    "symbol": re.compile(r"[^\w\s]+"),
    "character_string": re.compile(r"[\x20-\x7e]+"),
    "time": re.compile(_SPAN, re.ASCII),
    "date": re.compile(_SPAN, re.ASCII),
    "amount": re.compile(r"[^\w\s]?-?\d{1,10}(\.\d+)?元?", re.ASCII),
    "phone_number": re.compile(r"[\d+\-() ]+", re.ASCII),
    "car_number": re.compile(rf"[A-Za-z0-9{_HAN}][A-Za-z0-9]*[A-Za-z0-9{_HAN}]?"),
    "name": re.compile(rf"(?=.*[{_HAN}]).{{1,10}}|[^{_HAN}]{{1,20}}"),
    "phrase": re.compile(rf"[{_HAN}]+"),
}
"""Kind to what it is made of."""

UNITS_MAX: Final[Mapping[str, int]] = {
    "const": 20,
    **SHIPPED.value("wechat_subscribe", "value_max_by_type", {}),
}
"""Kind to its length; template messages have the rules of subscription messages."""

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
    kind = found[1] if found else name
    units, form = len(value.encode("utf-16-le")) // 2, FORMS.get(kind)
    return units <= UNITS_MAX.get(kind, units) and (form is None or bool(form.fullmatch(value)))
