"""Turning what a view answered into HTML, in the reader's language."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata, resources
from typing import Any, Final
from zoneinfo import ZoneInfo

from streams.console import charts
from streams.console.words import WORDS
from streams.core.reasons import text_of
from streams.pages.wording import Language
from streams.reporting import numbers
from streams.reporting.numbers import Money
from streams.reporting.vocabulary import DIMENSIONS, ruling_said, value_said
from streams.reporting.words import advice_said, gain_said

SHORT: Final = 8
"""Characters of a user's name that are shown."""
KB: Final = 1_024


def say(language: Language, key: str, **facts: object) -> str:
    """Return the words of a key."""
    return WORDS[key].say(language, **facts)


class Renderer:
    """Makes pages.

    Args:
        money: The currency of the rules.
        zone: Time zone of the rules; instants are shown in it.
    """

    def __init__(self, money: Money, zone: str) -> None:
        self.money, self.zone = money, ZoneInfo(zone)
        self._environments = {language: self._made(language) for language in ("en", "zh")}

    def page(self, language: Language, template: str, **facts: Any) -> str:
        """Return a page, or a part of one."""
        return str(self._environments[language].get_template(template).render(**facts))

    def _made(self, language: Language) -> Any:
        import jinja2  # noqa: PLC0415 (an extra)

        found = jinja2.Environment(
            autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
            loader=jinja2.FunctionLoader(_source),
        )  # fmt: skip
        found.globals |= {
            "lang": language, "t": lambda key, **facts: say(language, key, **facts),
            "version": metadata.version("winback"), "charts": charts, "zip": zip,
            "zone_name": str(self.zone),
        }  # fmt: skip
        found.filters |= self._filters(language)
        return found

    def _filters(self, language: Language) -> Mapping[str, Callable[..., str]]:
        def when(at_ms: float | None) -> str:
            if not at_ms:
                return "–"
            moment = datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(self.zone)
            if language == "zh":
                return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M}"
            return f"{moment.day} {moment:%b %Y, %H:%M}"

        def wall(at_ms: float | None) -> str:
            return when(at_ms)

        return {
            "when": when, "wall": wall,
            "short": lambda name: name[:SHORT],
            "count": numbers.count,
            "percent": numbers.percent,
            "money": self.money.said,
            "money_short": lambda minor: _compact(minor / self.money.minor_units, language)
            + f"{numbers.NBSP}{self.money.currency}",
            "decimal": lambda number, digits=3: "–" if number is None else f"{number:.{digits}f}",
            "signed": lambda number, digits=2: f"{number:+.{digits}f}".replace("-", "−"),
            "gain": gain_said,
            "gain_money": lambda gain: gain_said(gain, self.money),
            "advice": lambda advice: advice_said(advice, self.money, language),
            "value": lambda code, kind: value_said(kind, code, language),
            "dimension": lambda name: DIMENSIONS[name].say(language).partition(":")[0]
            .partition("：")[0],
            "ruling": lambda code: ruling_said(code, language),
            "reason": lambda code: str(getattr(text_of(code, 1.0), language)),
            "size": lambda count: f"{count:,} B" if count < KB else f"{count / KB:,.1f} KB",
            "day": lambda iso: numbers.day(iso, language),
        }  # fmt: skip


@cache
def _source(name: str) -> str:
    folder = resources.files(__package__).joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8")


def _compact(number: float, language: Language) -> str:
    """Return a large number in few digits: 1.2M, 34k; 1.2 亿, 3.4 万."""
    steps = (
        ((1e8, "亿"), (1e4, "万")) if language == "zh" else ((1e9, "bn"), (1e6, "M"), (1e4, "k"))
    )
    for size, unit in steps:
        if abs(number) >= size:
            shown = number / (1e3 if unit == "k" else size)
            digits = 0 if abs(shown) >= 100 else 1  # noqa: PLR2004 (three digits)
            return f"{shown:,.{digits}f}{numbers.NBSP}{unit}"
    return f"{math.floor(number + 0.5):,}"
