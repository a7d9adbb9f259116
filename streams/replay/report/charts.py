"""The pictures of a report; each says one thing, with its words beside what they are about."""

from typing import Final

from streams.core.reasons import TEXTS
from streams.pages.svg import RIGHT, WIDTH, Scale, Svg, ticks
from streams.replay.report.figures import Figures
from streams.replay.report.lead import Earlier
from streams.replay.report.numbers import date, days, number, of_100, percent
from streams.replay.report.ranking import Period, Ranking
from streams.replay.report.words import SAME_DAYS, shown_rules

ROW: Final = 44.0
LEFT: Final = 34.0
"""Room for the numbers of an upright axis."""


def lead_chart(found: Figures) -> str:
    """Return when alerts come, beside silence rules that send as many."""
    horizon_days = found.horizon_ms / 86_400_000
    rows: list[tuple[str, float, tuple[float, ...], Earlier | None]] = []
    sent = found.lead.sent
    if sent is not None and sent.project.precision is not None:
        said = (f"as sent: {number(sent.project.alerts)} alerts, "
                f"{of_100(sent.project.precision.value)} right")  # fmt: skip
        rows.append((said, sent.rule_days, sent.delays_days, sent.earlier))
    for rule in shown_rules(found):
        if rule.project.precision is not None:
            said = (f"as many as “silent > {days(rule.days)}”: {number(rule.project.alerts)}, "
                    f"{of_100(rule.project.precision.value)} right")  # fmt: skip
            rows.append((said, rule.days, rule.delays_days, rule.earlier))
    picture = Svg(len(rows) * ROW + 36, "days of silence when the alert comes, by number of alerts")
    place = Scale(0.0, horizon_days, 8.0, WIDTH - 104.0)
    bottom = len(rows) * ROW + 4
    for tick in ticks(0.0, horizon_days):
        picture.line((place(tick), bottom - 6), (place(tick), bottom), "grid")
        picture.text(place(tick), bottom + 13, f"{tick:g}", "axis", "middle")
    for row, (said, rule_days, delays, earlier) in enumerate(rows):
        _lead_row(picture, place, 14.0 + row * ROW, said, (rule_days, delays, earlier))
    picture.text(place(0.0) - 4, bottom + 28, "days of silence when the alert comes", "axis")
    return str(picture)


def _lead_row(
    picture: Svg,
    place: Scale,
    y: float,
    said: str,
    row: tuple[float, tuple[float, ...], Earlier | None],
) -> None:
    rule_days, delays, earlier = row
    picture.text(4, y, said, "label")
    middle = y + 14
    picture.line((place(place.low), middle), (place(place.high), middle), "track")
    picture.line((place(rule_days), middle - 8), (place(rule_days), middle + 8), "rule thick")
    if not delays or earlier is None:
        picture.text(WIDTH - 98, middle + 4, "too few", "muted")
        return
    tip = f"half of the right alerts come between {days(delays[5])} and {days(delays[15])}"
    picture.line((place(delays[1]), middle), (place(delays[19]), middle), "ours thin")
    picture.bar(place(delays[5]), middle - 5, (place(delays[15]) - place(delays[5]), 10),
                "ours soft", tip)  # fmt: skip
    picture.dot(place(delays[10]), middle, 5.5, "ours", tip)
    ahead = earlier.median
    if abs(ahead) < SAME_DAYS:
        picture.text(WIDTH - 98, middle + 4, "no earlier", "muted")
    else:
        kind = "win" if ahead > 0 else "loss"
        picture.text(WIDTH - 98, middle + 4,
                     f"{days(abs(ahead))} {'earlier' if ahead > 0 else 'later'}", kind)  # fmt: skip


def periods_chart(ranking: Ranking) -> str:
    """Return ranking over time, and below it how many left."""
    periods = ranking.periods
    picture = Svg(250, "ranking over time")
    x = Scale(periods[0].from_ms, periods[-1].to_ms, LEFT, RIGHT)
    y = Scale(0.4, 1.0, 150.0, 12.0)
    for tick in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        picture.line((LEFT, y(tick)), (RIGHT, y(tick)), "chance" if tick == 0.5 else "grid")  # noqa: PLR2004 (a coin)
        picture.text(LEFT - 5, y(tick) + 4, f"{tick * 100:.0f}", "axis", "end")
    picture.text(RIGHT, y(0.5) - 4, "a coin", "muted", "end")
    picture.text(LEFT + 2, 9, "of 100 pairs, so many are ranked right", "axis")
    for period in periods:
        if period.auc is not None:
            middle = x((period.from_ms + period.to_ms) / 2)
            picture.line((middle, y(period.auc.low)), (middle, y(period.auc.high)), "ours thin")
            picture.dot(middle, y(period.auc.value), 3.6, "ours", _period_tip(period))
    _left_bars(picture, periods, x)
    return str(picture)


def _left_bars(picture: Svg, periods: tuple[Period, ...], x: Scale) -> None:
    most = max(period.left for period in periods) or 1.0
    height = Scale(0.0, most, 0.0, 44.0)
    base = 230.0
    for period in periods:
        begin, end = x(period.from_ms), x(period.to_ms)
        tall = height(period.left)
        picture.bar(begin + 0.5, base - tall, (end - begin - 1, tall), "bar", _period_tip(period))
    picture.line((LEFT, base), (RIGHT, base), "grid")
    picture.text(LEFT - 5, base - 40, percent(most), "axis", "end")
    picture.text(LEFT + 2, base - 52, "share that left", "axis")
    picture.text(LEFT, base + 14, date(periods[0].from_ms), "axis")
    picture.text(RIGHT, base + 14, date(periods[-1].to_ms), "axis", "end")


def _period_tip(period: Period) -> str:
    ranked = "too few for a ranking" if period.auc is None else (
        f"AUC {period.auc.value:.3f} ({period.auc.low:.3f} – {period.auc.high:.3f})")  # fmt: skip
    return (f"{date(period.from_ms)} – {date(period.to_ms)}: {period.asked:,} questions, "
            f"{percent(period.left)} left, {ranked}")  # fmt: skip


def belief_chart(found: Figures) -> str:
    """Return what was said against what was seen, tenth by tenth."""
    bins = found.belief.bins
    picture = Svg(330, "what was said against what was seen")
    most = max(max(each.said, each.seen.high) for each in bins) * 1.05
    x, y = Scale(0.0, most, LEFT + 6, RIGHT), Scale(0.0, most, 290.0, 14.0)
    for tick in ticks(0.0, most):
        picture.line((x(0), y(tick)), (RIGHT, y(tick)), "grid")
        picture.text(x(0) - 5, y(tick) + 4, percent(tick), "axis", "end")
        picture.text(x(tick), 305, percent(tick), "axis", "middle")
    picture.line((x(0), y(0)), (x(most), y(most)), "chance")
    picture.text(x(most * 0.72), y(most * 0.72) - 10, "as said, so seen", "muted", "end")
    for each in bins:
        tip = (f"said {percent(each.said)}, seen {percent(each.seen.value)}, "
               f"{each.asked:,} questions")  # fmt: skip
        picture.line((x(each.said), y(each.seen.low)), (x(each.said), y(each.seen.high)),
                     "ours thin")  # fmt: skip
        picture.dot(x(each.said), y(each.seen.value), 4.5, "ours", tip)
    picture.text(x(0) + 3, 10, "left", "axis")
    picture.text(RIGHT, 322, "what winback had said", "axis", "end")
    return str(picture)


def budget_chart(ranking: Ranking) -> str:
    """Return how many contacts are right, by how many can be made."""
    assert ranking.left is not None
    rows = ranking.budgets
    picture = Svg(len(rows) * ROW + 36, "share of contacts that are right, by budget")
    most = max(budget.precision.high for budget in rows) * 1.05
    x = Scale(0.0, most, 4.0, WIDTH - 120.0)
    bottom = len(rows) * ROW + 4
    picture.line((x(ranking.left), 4), (x(ranking.left), bottom), "chance")
    said = f"by chance {percent(ranking.left)}"
    picture.text(x(ranking.left), bottom + 13, said, "axis", "middle")
    for row, budget in enumerate(rows):
        y = 14.0 + row * ROW
        picture.text(4, y, f"{number(budget.contacts)} a {ranking.unit}: reaches "
                     f"{of_100(budget.found)} of those who leave", "label")  # fmt: skip
        picture.bar(x(0), y + 6, (x(budget.precision.value) - x(0), 14), "ours soft solid",
                    f"{budget.leavers:,} of {budget.contacted:,} contacts")  # fmt: skip
        picture.line((x(budget.precision.low), y + 13), (x(budget.precision.high), y + 13),
                     "reach")  # fmt: skip
        picture.line((x(budget.by_silence), y + 4), (x(budget.by_silence), y + 22), "rule thick")
        picture.text(WIDTH - 112, y + 17, f"{of_100(budget.precision.value)} right", "win")
    return str(picture)


def drivers_chart(found: Figures) -> str:
    """Return which reasons stand first in alerts."""
    rows = [driver for driver in found.drivers if driver.first > 0.0]
    picture = Svg(len(rows) * 36 + 10, "foremost reason of alerts")
    most = max(driver.first for driver in rows)
    x = Scale(0.0, most, 4.0, WIDTH - 60.0)
    for row, driver in enumerate(rows):
        y = 13.0 + row * 36
        picture.text(4, y, TEXTS[driver.code].en if driver.code in TEXTS else driver.code, "label")
        picture.bar(x(0), y + 6, (x(driver.first) - x(0), 10), "ours soft solid")
        picture.text(x(driver.first) + 6, y + 15, percent(driver.first), "axis")
    return str(picture)
