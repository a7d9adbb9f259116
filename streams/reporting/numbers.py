"""Numbers with their units, as people say them in English and Chinese."""

from datetime import date
from typing import Final, NamedTuple

from streams.pages.wording import Language

MINOR_UNITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX",
                     "VND", "VUV", "XAF", "XOF", "XPF"), 1),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 1_000),
}  # fmt: skip
"""Currency to its minor units, where they are not 100 (ISO 4217)."""

NBSP: Final = "\u00a0"
"""A number and its unit stay on one line."""

WHOLE_FROM: Final = 100.0
"""From this amount on no cents are shown."""


class Money(NamedTuple):
    """A currency, and how many minor units make a major one."""

    currency: str
    minor_units: int

    def said(self, minor: float, *, sign: bool = False) -> str:
        """Return ``1,234 CNY``; with ``sign`` ``+1,234 CNY``."""
        return f"{self.plain(minor, sign=sign)}{NBSP}{self.currency}".rstrip()

    def plain(self, minor: float, *, sign: bool = False) -> str:
        """Return the same without the currency."""
        major = minor / self.minor_units
        digits = 0 if abs(major) >= WHOLE_FROM or self.minor_units == 1 else 2
        return _signed(major, digits) if sign else f"{_whole(major, digits):,.{digits}f}"


def money_of(currency: str, minor_units: int | None = None) -> Money:
    """Return a currency with its minor units: as given, else as ISO 4217 says."""
    return Money(currency, minor_units or MINOR_UNITS.get(currency, 100))


def count(number: float) -> str:
    """Return ``12,345``."""
    return f"{number:,.0f}"


def percent(share: float | None) -> str:
    """Return ``12 %``, ``1.2 %``; a dash for what is not known."""
    if share is None:
        return "–"
    digits = 1 if 0.0 < abs(share) < 0.0995 else 0  # noqa: PLR2004 (two digits)
    return f"{share * 100:.{digits}f}{NBSP}%"


def signed(number: float) -> str:
    """Return ``+12``, ``−1.2``: with as many digits as mean something."""
    return _signed(number, 0 if abs(number) >= 10 else 1)  # noqa: PLR2004 (two digits)


def day(iso: str, language: Language) -> str:
    """Return ``8 Nov 2026``, ``2026年11月8日``."""
    at = date.fromisoformat(iso)
    if language == "zh":
        return f"{at.year}年{at.month}月{at.day}日"
    return f"{at.day} {at:%b %Y}"


def days(first: str, last: str, language: Language) -> str:
    """Return ``1 – 7 Nov 2026``: a period, both days included."""
    if first == last:
        return day(first, language)
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    if language == "en" and (begin.year, begin.month) == (end.year, end.month):
        return f"{begin.day} – {day(last, language)}"
    return f"{day(first, language)} – {day(last, language)}"


def weeks(number: float, language: Language) -> str:
    """Return ``1 week``, ``3 weeks``, ``3 周``."""
    rounded = max(round(number), 1)
    if language == "zh":
        return f"{rounded:,} 周"
    return "1 week" if rounded == 1 else f"{rounded:,} weeks"


def _signed(number: float, digits: int) -> str:
    whole = _whole(number, digits)
    text = f"{abs(whole):,.{digits}f}"
    return text if whole == 0 else f"+{text}" if whole > 0 else f"−{text}"


def _whole(number: float, digits: int) -> float:
    """Return a number as it will be shown; what is shown as nothing has no sign."""
    return round(number, digits) + 0.0
