"""Pictures of a report: day by day, and counts side by side."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from streams.pages.svg import RIGHT, WIDTH, Scale, Svg, fitted, ticks
from streams.pages.wording import Language, Text
from streams.reporting import numbers
from streams.reporting.calendar import WEEK, iso_day
from streams.reporting.done import Answers, Done, Passed
from streams.reporting.risk import AtRisk
from streams.reporting.standing import BudgetDay
from streams.reporting.vocabulary import ruling_said, value_said

LEFT: Final = 34.0
"""Room for the numbers of an upright axis."""
BARS_MAX: Final = 100
"""More days than that are drawn week by week."""
HUES: Final = 6
PASSED: Final = {"defer": "c3", "withhold": "c5"}
"""Verdict to hue: what is put off, and what is held back on purpose, is no refusal."""
BASE: Final = 150.0
TOP: Final = 26.0
ROW: Final = 36.0


class Bar(NamedTuple):
    """A day: its parts from below, a line above or below them, and whether it is marked."""

    day: str
    parts: tuple[float, ...]
    line: float | None
    is_marked: bool
    tip: str


def risk_chart(found: AtRisk, language: Language) -> str:
    """Return who came to be at risk, day by day, and who is at risk."""
    bars = [
        Bar(
            day.day, (day.came,), None, is_marked=False,
            tip=f"{numbers.day(day.day, language)}: +{numbers.count(day.came)} "
                f"−{numbers.count(day.went)} = {numbers.count(day.standing)}",
        )
        for day in found.days
    ]  # fmt: skip
    title = Text("users who came to be at high risk", "新增高风险用户").say(language)
    return days_chart(bars, title, ("c0",), language)


def budget_chart(days: Sequence[BudgetDay], language: Language) -> str:
    """Return how much of the budget was used, day by day, and the days of the fuse."""
    bars = []
    for day in days:
        budget = "∞" if day.budget < 0 else numbers.count(day.budget)
        tip = (f"{numbers.day(day.day, language)}: {numbers.count(day.used)} / {budget}; "
               f"{Text('waiting', '等待').say(language)} {numbers.count(day.waiting)}")  # fmt: skip
        line = None if day.budget < 0 else float(day.budget)
        bars.append(Bar(day.day, (day.used,), line, day.is_fused, tip))
    kind = value_said("class", days[0].channel_class, language)
    title = Text("{kind}: touches a day", "{kind}：每日触达").say(language, kind=kind)
    return days_chart(bars, title, ("c0",), language)


def touches_chart(done: Done, language: Language) -> str:
    """Return touches by channel, day by day."""
    names = [answers.channel for answers in done.answers][: HUES - 1]
    others = {name for day in done.days for name in day.channels} - {*names}
    bars = []
    for day in done.days:
        parts = [float(day.channels.get(name, 0)) for name in names]
        parts.append(float(sum(day.channels.get(name, 0) for name in others)))
        said = ", ".join(f"{value_said('channel', name, language)} {numbers.count(number)}"
                         for name, number in sorted(day.channels.items()))  # fmt: skip
        tip = f"{numbers.day(day.day, language)}: {said}"
        bars.append(Bar(day.day, tuple(parts), None, is_marked=False, tip=tip))
    title = Text("touches requested", "发出的触达请求").say(language)
    return days_chart(bars, title, tuple(f"c{hue}" for hue in range(HUES)), language)


def days_chart(bars: Sequence[Bar], title: str, hues: tuple[str, ...], language: Language) -> str:
    """Return upright bars over days."""
    shown = whole = _without_gaps(bars)
    if len(whole) > BARS_MAX:
        shown = _weekly(whole)
    picture = Svg(BASE + 24, title)
    most = max(max(sum(bar.parts), bar.line or 0.0) for bar in shown) or 1.0
    y = Scale(0.0, most * 1.02, BASE, TOP)
    for tick in ticks(0.0, most, 4):
        picture.line((LEFT, y(tick)), (RIGHT, y(tick)), "grid")
        picture.text(LEFT - 5, y(tick) + 4, _short(tick), "axis", "end")
    if shown is not whole:
        title += Text(", by week", "（按周）").say(language)
    picture.text(LEFT + 2, 11, title, "axis")
    width = (RIGHT - LEFT) / len(shown)
    gap = min(1.0, width * 0.2)
    for place, bar in enumerate(shown):
        x = LEFT + place * width
        if bar.is_marked:
            picture.bar(x, TOP, (width, BASE - TOP), "marked", bar.tip)
        foot = 0.0
        for hue, part in zip(hues, bar.parts, strict=False):
            picture.bar(x + gap / 2, y(foot + part), (width - gap, y(foot) - y(foot + part)),
                        hue, bar.tip)  # fmt: skip
            foot += part
        if bar.line is not None:
            picture.line((x, y(bar.line)), (x + width, y(bar.line)), "rule thick")
    picture.line((LEFT, BASE), (RIGHT, BASE), "grid")
    picture.text(LEFT, BASE + 15, numbers.day(shown[0].day, language), "axis")
    if len(shown) > 1:
        picture.text(RIGHT, BASE + 15, numbers.day(shown[-1].day, language), "axis", "end")
    return str(picture)


def _without_gaps(bars: Sequence[Bar]) -> list[Bar]:
    """Return bars with an empty one for every day of which nothing was said."""
    known = {date.fromisoformat(bar.day).toordinal(): bar for bar in bars}
    empty = Bar("", (0.0,) * len(bars[0].parts), None, is_marked=False, tip="")
    return [known.get(day) or empty._replace(day=iso_day(day))
            for day in range(min(known), max(known) + 1)]  # fmt: skip


def _weekly(bars: Sequence[Bar]) -> list[Bar]:
    found = []
    for begin in range(0, len(bars), WEEK):
        week = bars[begin : begin + WEEK]
        lines = [bar.line for bar in week if bar.line is not None]
        found.append(Bar(
            week[0].day,
            tuple(map(sum, zip(*(bar.parts for bar in week), strict=True))),
            sum(lines) if len(lines) == len(week) else None,
            any(bar.is_marked for bar in week),
            f"{week[0].tip} …",
        ))  # fmt: skip
    return found


def answers_chart(answers: Sequence[Answers], language: Language) -> str:
    """Return how far touches came, channel by channel."""

    def label(row: Answers) -> str:
        failed = row.words.get("failed", 0) / row.touches
        said = Text("{n}, of them {r} arrived, {f} failed", "{n} 次，送达 {r}，失败 {f}").say(
            language, n=numbers.count(row.touches), r=numbers.percent(row.arrived / row.touches),
            f=numbers.percent(failed))  # fmt: skip
        return f"{value_said('channel', row.channel, language)}: {said}"

    most = max(row.touches for row in answers)
    rows = [
        (label(row), row.touches / most, ((row.arrived / most, "ours soft solid"),))
        for row in answers
    ]
    return _rows(rows, Text("how far touches came", "触达到达情况").say(language))


def passed_chart(passed: Sequence[Passed], language: Language) -> str:
    """Return why touches did not leave."""
    most = max(one.decisions for one in passed)
    rows = [
        (
            f"{numbers.count(one.decisions)} ({numbers.percent(one.share)})  "
            + ruling_said(one.reason, language),
            0.0,
            ((one.decisions / most, PASSED.get(one.verdict, "ours soft solid")),),
        )
        for one in passed
    ]
    return _rows(rows, Text("why touches did not leave", "未触达的原因").say(language))


Parts = tuple[tuple[float, str], ...]


def _rows(rows: Sequence[tuple[str, float, Parts]], title: str) -> str:
    """Return lying bars: a label, how long the ground is, the parts upon it; lengths 0 … 1."""
    picture = Svg(len(rows) * ROW + 6, title)
    x = Scale(0.0, 1.0, 4.0, WIDTH - 8.0)
    for row, (label, ground, parts) in enumerate(rows):
        top = 13.0 + row * ROW
        picture.text(4, top, fitted(label), "label")
        if ground:
            picture.bar(4, top + 6, (x(ground) - 4, 10), "bar", label)
        for length, hue in parts:
            picture.bar(4, top + 6, (x(length) - 4, 10), hue, label)
    return str(picture)


def _short(number: float) -> str:
    """Return ``12``, ``3k``, ``2M``: there is little room at an axis."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if number >= 10 * size or (number >= size and number % (size / 10) == 0):
            return f"{number / size:g}{unit}"
    return f"{number:g}"
