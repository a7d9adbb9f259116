"""Pictures of effects: each is an interval, and zero is always in the picture."""

from collections.abc import Callable, Sequence
from typing import Final

from streams.pages.svg import RIGHT, WIDTH, Scale, Svg, fitted, ticks
from streams.pages.wording import Language, Text
from streams.reporting import numbers
from streams.reporting.advice import Action, Advice
from streams.reporting.choices import Choice
from streams.reporting.earned import Gain
from streams.reporting.figures import Point
from streams.reporting.numbers import Money
from streams.reporting.vocabulary import value_said

ROW: Final = 38.0
HEAD: Final = 20.0
MIDDLE: Final = WIDTH / 2
LEFT: Final = 40.0
WORST: Final = 3.0
"""An interval that is wider than so many of the others is cut: it would hide them."""

RETURNS: Final = Text("come back more, per 1,000", "每千人多回归")
MONEY: Final = Text("net value more, {currency} per 1,000", "每千人多净值（{currency}）")

COLOURS: Final = {
    Action.STOP: "bad", Action.INCREASE: "good", Action.KEEP: "good", Action.WAIT: "open",
    Action.UNKNOWABLE: "open",
}  # fmt: skip


def forest_chart(rows: Sequence[tuple[str, Advice]], money: Money, language: Language) -> str:
    """Return the effects of groups: on returns on the left, on money on the right."""
    has_money = any(advice.earned.money is not None for _, advice in rows)
    title = RETURNS.say(language)
    picture = Svg(HEAD + len(rows) * ROW + 20, title)
    end = MIDDLE - 12 if has_money else RIGHT
    panel = [(advice.earned.returns, COLOURS[advice.action], 0.0) for _, advice in rows]
    _panel(picture, panel, (4.0, end), title, numbers.signed)
    if has_money:
        said = MONEY.say(language, currency=money.currency)
        panel = [(advice.earned.money, COLOURS[advice.action], advice.cost) for _, advice in rows]
        _panel(picture, panel, (MIDDLE + 12, RIGHT), said,
               lambda minor: money.plain(minor, sign=True))  # fmt: skip
    for row, (label, _) in enumerate(rows):
        picture.text(4, HEAD + 13 + row * ROW, fitted(label), "label")
    return str(picture)


def _panel(
    picture: Svg,
    rows: Sequence[tuple[Gain | None, str, float]],
    place: tuple[float, float],
    title: str,
    said: Callable[[float], str],
) -> None:
    """Draw intervals below each other; the thin mark is what contacts cost."""
    gains = [gain for gain, _, _ in rows if gain is not None]
    bottom = HEAD + len(rows) * ROW + 2
    picture.text(place[0], 11, title, "axis")
    if not gains:
        return
    x = _scale(gains, place)
    for tick in ticks(x.low, x.high, 4):
        kind = "zero" if tick == 0 else "grid"
        picture.line((x(tick), HEAD), (x(tick), bottom), kind)
        if place[0] + 14 < x(tick) < place[1] - 10 or tick == 0:
            picture.text(x(tick), bottom + 13, said(tick) if tick else "0", "axis", "middle")
    for row, (gain, kind, cost) in enumerate(rows):
        middle = HEAD + 25 + row * ROW
        if gain is None:
            picture.text(place[0], middle + 4, "–", "muted")
            continue
        tip = f"{said(gain.value)} ({said(gain.low)} … {said(gain.high)})"
        picture.line((x(gain.low), middle), (x(gain.high), middle), f"span {kind}")
        picture.dot(x(gain.value), middle, 4.5, kind, tip)
        if cost:
            picture.line((x(cost), middle - 6), (x(cost), middle + 6), "reach")


def _scale(gains: Sequence[Gain], place: tuple[float, float]) -> Scale:
    """Return a scale with zero in it that one very wide interval does not spoil."""
    halves = sorted((gain.high - gain.low) / 2 for gain in gains)
    most = WORST * halves[len(halves) // 2]
    low = min(0.0, *(max(gain.low, gain.value - most) for gain in gains))
    high = max(0.0, *(min(gain.high, gain.value + most) for gain in gains))
    edge = 0.04 * (high - low) or 1.0
    return Scale(low - edge, high + edge, *place)


def trace_chart(points: Sequence[Point], language: Language) -> str:
    """Return how the effect on returns became known: the interval narrows from look to look."""
    title = RETURNS.say(language)
    known = [(place, point.gain) for place, point in enumerate(points) if point.gain is not None]
    picture = Svg(196, title)
    x = Scale(0, max(len(points) - 1, 1), LEFT, RIGHT)
    y0 = _scale([gain for _, gain in known[len(known) // 3 :]], (160.0, 22.0))
    for tick in ticks(y0.low, y0.high, 5):
        picture.line((LEFT, y0(tick)), (RIGHT, y0(tick)), "zero" if tick == 0 else "grid")
        picture.text(LEFT - 5, y0(tick) + 4, f"{tick:+g}" if tick else "0", "axis", "end")
    picture.text(LEFT + 2, 11, title, "axis")
    upper = [(x(place), y0(gain.high)) for place, gain in known]
    lower = [(x(place), y0(gain.low)) for place, gain in known]
    picture.path([*upper, *reversed(lower)], "band")
    picture.path([(x(place), y0(gain.value)) for place, gain in known], "ours")
    for place, gain in known:
        tip = (f"{numbers.day(points[place].day, language)}: {numbers.signed(gain.value)} "
               f"({numbers.signed(gain.low)} … {numbers.signed(gain.high)})")  # fmt: skip
        picture.dot(x(place), y0(gain.value), 4.0 if place == known[-1][0] else 1.5, "ours", tip)
    picture.text(LEFT, 182, numbers.day(points[0].day, language), "axis")
    picture.text(RIGHT, 182, numbers.day(points[-1].day, language), "axis", "end")
    return str(picture)


def choices_chart(rows: Sequence[Choice], language: Language) -> str:
    """Return what every variant of a playbook would bring back, if everybody got it."""
    title = Text("come back, of 1,000", "每千人回归").say(language)
    picture = Svg(HEAD + len(rows) * ROW + 20, title)
    gains = [(one.returned, "good" if one.is_best else "open", 0.0) for one in rows]
    _panel(picture, gains, (4.0, RIGHT), title, numbers.count)
    for row, one in enumerate(rows):
        used = Text("used for {share}", "目前占 {share}").say(
            language, share=numbers.percent(one.share)
        )
        label = f"{value_said('variant', one.variant, language)} · {used}"
        picture.text(4, HEAD + 13 + row * ROW, fitted(label), "label")
    return str(picture)
