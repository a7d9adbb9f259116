"""Numbers with their units, in both languages."""

import pytest

from streams.pages.svg import fitted
from streams.reporting import numbers
from streams.reporting.numbers import Money, money_of


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Money("CNY", 100).said(123_456), "1,235 CNY"),
        (Money("CNY", 100).said(1_234), "12.34 CNY"),
        (Money("CNY", 100).said(-1_234, sign=True), "−12.34 CNY"),
        (Money("CNY", 100).said(0, sign=True), "0.00 CNY"),
        (Money("CNY", 100).said(-0.2, sign=True), "0.00 CNY"),
        (money_of("JPY").said(1_234), "1,234 JPY"),
        (money_of("KWD").said(1_234), "1.23 KWD"),
        (money_of("GOLD", 1).said(12), "12 GOLD"),
        (money_of("").said(250), "2.50"),
        (numbers.percent(None), "–"),
        (numbers.percent(0.012), "1.2 %"),
        (numbers.percent(0.31), "31 %"),
        (numbers.signed(12.4), "+12"),
        (numbers.signed(-1.24), "−1.2"),
        (numbers.signed(-0.01), "0.0"),
        (numbers.days("2026-11-01", "2026-11-07", "en"), "1 – 7 Nov 2026"),
        (numbers.days("2026-10-28", "2026-11-07", "en"), "28 Oct 2026 – 7 Nov 2026"),
        (numbers.days("2026-11-01", "2026-11-01", "zh"), "2026年11月1日"),
        (numbers.weeks(0.2, "en"), "1 week"),
        (numbers.weeks(3.4, "zh"), "3 周"),
    ],
)
def test_numbers_are_said(said: str, expected: str) -> None:
    assert said.replace(numbers.NBSP, " ") == expected


@pytest.mark.parametrize(
    ("said", "room", "expected"),
    [
        ("short", 100.0, "short"),
        ("a sentence that is far too long", 80.0, "a sentence…"),
        ("渠道需要订阅授权或可回复窗口", 80.0, "渠道需要订…"),
        ("", 10.0, ""),
    ],
)
def test_labels_fit_into_their_picture(said: str, room: float, expected: str) -> None:
    assert fitted(said, room) == expected
