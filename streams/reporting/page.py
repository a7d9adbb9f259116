"""The report as one HTML file."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from typing import Any, Final, NamedTuple

from streams.pages.render import rendered
from streams.pages.wording import Language, Text
from streams.reporting import charts, numbers, words
from streams.reporting.advice import Action
from streams.reporting.charts_of_effect import choices_chart, forest_chart, trace_chart
from streams.reporting.figures import Figures, Group
from streams.reporting.limits import budget_said, cautions, limits
from streams.reporting.vocabulary import DIMENSIONS, WAYS_OUT, ruling_said, value_said

TEMPLATE: Final = "page.html.j2"
SOURCES_MAX: Final = 5
QUADRANTS: Final = (
    "important_urgent", "important_calm", "ordinary_urgent", "ordinary_calm",
)  # fmt: skip
WAYS_MAX: Final = 4

COMPARED: Final = {
    "came_to_risk": Text("came to be at high risk", "新增高风险用户"),
    "cases": Text("cases opened", "新开案例"),
    "contacted": Text("users contacted", "触达用户"),
    "touches": Text("touches requested", "发出的触达"),
    "arrived": Text("known to have arrived", "确认送达"),
    "returned": Text("cases that ended with a return", "以回归结束的案例"),
    "opted_out": Text("opted out", "退订"),
    "complaint": Text("complained", "投诉"),
    "passed": Text("decisions not to contact, or not yet", "不触达或推迟的决策"),
    "episodes": Text("answers that became complete", "新增完整结果"),
}
"""Numbers of two weeks, in words."""

EFFECT_PAPER: Final = (
    "Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), “Time-uniform central limit theory and "
    "asymptotic confidence sequences”, Annals of Statistics 52(6); Newcombe (1998), Statistics in "
    "Medicine 17; Lin (2013), Annals of Applied Statistics 7(1)."
)

CHOICES_PAPER: Final = (
    "Dudík, Langford & Li (2011), “Doubly robust policy evaluation and learning”, ICML"
)


class Made(NamedTuple):
    """How the report was made: version and command."""

    version: str
    command: str


def page(found: Figures, made: Made, language: Language) -> str:
    """Return the report."""

    def t(en: str, zh: str, **facts: object) -> str:
        return Text(en, zh).say(language, **facts)

    money = found.money
    return rendered(
        __package__,
        TEMPLATE,
        filters={
            "count": numbers.count, "percent": numbers.percent, "signed": numbers.signed,
            "money": money.plain, "gain": words.gain_said,
            "money_gain": partial(words.gain_said, money=money),
            "level": words.level_said, "money_level": partial(words.level_said, money=money),
        },
        pictures={name: draw() for name, draw in _pictures(found, language).items()},
        f=found,
        made=made,
        language=language,
        t=t,
        money=money,
        period=numbers.days(found.first_day, found.last_day, language),
        value=lambda kind, code: value_said(kind, code, language),
        dimension=lambda name: DIMENSIONS[name].say(language),
        action=lambda advice: words.ACTIONS[advice.action].say(language),
        named=lambda advice: words.named(advice, language),
        why=lambda advice: words.advice_said(advice, money, language),
        compared_names={name: text.say(language) for name, text in COMPARED.items()},
        method={"effect": EFFECT_PAPER, "choices": CHOICES_PAPER},
        said={
            "short": words.in_short(found, language),
            "effect": words.effect_said(found, language),
            "budget": budget_said(found, language),
            "cautions": cautions(found, language),
            "limits": limits(found, language),
        },
        tiles=_tiles(found, language),
        **_lists(found, language),
    )  # fmt: skip


def _lists(found: Figures, language: Language) -> dict[str, Any]:
    """Return what the page goes through row by row."""
    answers = found.done.answers
    seen = [word for row in answers for word in row.words]
    sources: dict[str, int] = {}
    for one in found.risk.reasons:
        for source, cases in one.sources.items():
            sources[source] = sources.get(source, 0) + cases
    ways = {
        one.reason: WAYS_OUT[one.reason].say(language)
        for one in found.passed if one.reason in WAYS_OUT
    }  # fmt: skip
    by_action = groupby(found.advice, key=lambda advice: advice.action.value)
    others = Text("others", "其他").say(language)
    shown = [*(value_said("channel", row.channel, language) for row in answers[: charts.HUES - 1])]
    if len(answers) > len(shown):
        shown.append(others)
    books = dict.fromkeys(one.playbook for one in found.choices)
    return {
        "words": sorted(dict.fromkeys(seen), key=lambda word: -seen.count(word)),
        "channels": list(enumerate(shown)),
        "sources": sorted(sources, key=lambda name: -sources[name])[:SOURCES_MAX],
        "ways_out": [(ruling_said(code, language), way)
                     for code, way in list(ways.items())[:WAYS_MAX]],
        "advice_by_action": [(name, list(group)) for name, group in by_action],
        "decided": any(advice.action is not Action.WAIT for advice in found.advice),
        "budget_charts": list(_budget_charts(found, language)),
        "quadrants": _quadrants(found),
        "fused": any(day.is_fused for day in found.budget),
        "choice_charts": [(f"choices_{number}", book) for number, book in enumerate(books)],
        "has_choice_money": any(one.money is not None for one in found.choices),
    }  # fmt: skip


def _quadrants(found: Figures) -> list[Group]:
    """Return the quadrants that there are: important before ordinary, urgent before calm."""
    groups = {group.value: group
              for division in found.divisions if division.by == "quadrant"
              for group in division.groups}  # fmt: skip
    return [groups[name] for name in QUADRANTS if name in groups]


def _pictures(found: Figures, language: Language) -> Mapping[str, Callable[[], str]]:
    """Return the pictures that can be drawn, by name."""
    drawable: dict[str, tuple[bool, Callable[[], str]]] = {
        "risk": (bool(found.risk.days), partial(charts.risk_chart, found.risk, language)),
        "touches": (bool(found.done.days), partial(charts.touches_chart, found.done, language)),
        "answers": (bool(found.done.answers),
                    partial(charts.answers_chart, found.done.answers, language)),
        "passed": (bool(found.passed), partial(charts.passed_chart, found.passed, language)),
        "trace": (sum(point.gain is not None for point in found.trace) > 1,
                  partial(trace_chart, found.trace, language)),
    }  # fmt: skip
    for division in found.divisions:
        rows = [
            (value_said(division.by, group.value, language), group.advice)
            for group in division.groups
            if group.advice.earned.returns is not None
        ]
        draw = partial(forest_chart, rows, found.money, language)
        drawable[f"by_{division.by}"] = (len(rows) > 1, draw)
    for number, book in enumerate(dict.fromkeys(one.playbook for one in found.choices)):
        own = [one for one in found.choices if one.playbook == book]
        drawable[f"choices_{number}"] = (True, partial(choices_chart, own, language))
    pictures = {name: draw for name, (can, draw) in drawable.items() if can}
    return pictures | _budget_charts(found, language)


def _budget_charts(found: Figures, language: Language) -> dict[str, Callable[[], str]]:
    classes = dict.fromkeys(day.channel_class for day in found.budget)
    return {
        f"budget_{name}": partial(
            charts.budget_chart,
            [day for day in found.budget if day.channel_class == name],
            language,
        )
        for name in classes
    }


def _tiles(found: Figures, language: Language) -> list[tuple[str, str, str]]:
    """Return the numbers that come first: number, unit, name."""

    def t(en: str, zh: str) -> str:
        return Text(en, zh).say(language)

    earned, done, money = found.whole.earned, found.done, found.money
    tiles = []
    if found.risk.cases:
        tiles.append((numbers.count(found.risk.cases), "", t("cases opened", "新开案例")))
    if done.touches:
        tiles.append((numbers.count(done.touches), "", t("touches requested", "发出的触达请求")))
    if earned.returned_treated is not None and earned.returned_held_out is not None:
        tiles.append((
            numbers.percent(earned.returned_treated), "",
            t("of the contacted came back; of the held out ", "的被触达用户回归；对照组 ")
            + numbers.percent(earned.returned_held_out),
        ))  # fmt: skip
    if earned.money is not None:
        tiles.append((
            money.plain(earned.money.value, sign=True), money.currency,
            t("net value per 1,000 contacted: ", "每触达千人净值：")
            + f"{money.plain(earned.money.low, sign=True)} … "
            + money.plain(earned.money.high, sign=True),
        ))  # fmt: skip
    elif earned.returns is not None:
        tiles.append((
            numbers.signed(earned.returns.value), "",
            t("come back more, per 1,000 contacted: ", "每触达千人多回归：")
            + f"{numbers.signed(earned.returns.low)} … {numbers.signed(earned.returns.high)}",
        ))  # fmt: skip
    return tiles
