"""What the figures say, in sentences; terminal and page share them."""

from typing import Final

from streams.pages.wording import Language, Text
from streams.reporting import numbers
from streams.reporting.advice import Action, Advice
from streams.reporting.earned import Earned, Gain
from streams.reporting.figures import Figures
from streams.reporting.numbers import Money
from streams.reporting.vocabulary import DIMENSIONS, value_said

NAMES_MAX: Final = 3

ACTIONS: Final = {
    Action.STOP: Text("stop", "停止"),
    Action.INCREASE: Text("increase", "加大"),
    Action.KEEP: Text("keep", "保持"),
    Action.WAIT: Text("wait", "等待"),
    Action.UNKNOWABLE: Text("cannot be known", "无法得知"),
}


def in_short(found: Figures, language: Language) -> list[str]:
    """Return the report in short: who was at risk, what was done, what it earned, what to do."""
    said = [_at_risk(found, language), _done(found, language), effect_said(found, language)]
    return [*said, *_to_do(found, language)]


def _to_do(found: Figures, language: Language) -> list[str]:
    said = []
    for action in (Action.STOP, Action.INCREASE, Action.KEEP):
        names = [named(one, language, " ") for one in found.advice if one.action is action]
        if names:
            more = Text(" and {n} more", "，另有 {n} 项").say(language, n=len(names) - NAMES_MAX)
            listed = Text(", ", "、").say(language).join(names[:NAMES_MAX])
            said.append(f"{ACTIONS[action].say(language)}: {listed}"
                        + (more if len(names) > NAMES_MAX else ""))  # fmt: skip
    listed = Text("; ", "；").say(language).join(said)
    return [Text("To do: {it}.", "建议：{it}。").say(language, it=listed)] if said else []


def _at_risk(found: Figures, language: Language) -> str:
    risk, money = found.risk, found.money
    if not risk.cases:
        return Text(
            "Nobody was reported as at risk in this period.", "本期没有用户被判定为有流失风险。"
        ).say(language)
    said = Text(
        "{cases} cases were opened: users who were about to leave.",
        "本期新开 {cases} 个召回案例：即将流失的用户。",
    ).say(language, cases=numbers.count(risk.cases))
    if risk.stake > 0:
        said += Text(" Expected loss: {stake}.", " 期望损失：{stake}。").say(
            language, stake=money.said(risk.stake)
        )
    return said


def _done(found: Figures, language: Language) -> str:
    done = found.done
    if not done.touches:
        if set(found.modes) & {"observe", "holdout-only"}:
            return Text(
                "Nobody was contacted: the service only observed (mode: {modes}).",
                "没有触达任何人：服务处于观察状态（mode: {modes}）。",
            ).say(language, modes=", ".join(sorted(found.modes)))
        return Text("Nobody was contacted.", "没有触达任何人。").say(language)
    arrived = sum(answers.arrived for answers in done.answers)
    said = Text(
        "{contacted} users were contacted with {touches} touches",
        "触达 {contacted} 位用户，共 {touches} 次",
    ).say(language, contacted=numbers.count(done.contacted), touches=numbers.count(done.touches))
    if arrived:
        said += Text("; of {share} we know that they arrived", "；已确认送达 {share}").say(
            language, share=numbers.percent(arrived / done.touches)
        )
    return said + Text(".", "。").say(language)


def effect_said(found: Figures, language: Language) -> str:
    """Return what all contacts earned."""
    earned = found.whole.earned
    if not earned.treated + earned.held_out:
        return Text(
            "Whether it helped cannot be said yet: no answer is complete.",
            "是否有效尚不能判断：还没有完整的结果。",
        ).say(language)
    if not earned.held_out:
        return Text(
            "Whether it helped cannot be said: nobody was held out, so there is nothing to "
            "compare with. Set holdout.share in the rules, say to 0.1.",
            "是否有效无法判断：没有对照组，无从比较。请在规则中设置 holdout.share，例如 0.1。",
        ).say(language)
    if not earned.treated:
        return Text(
            "Whether it helped cannot be said: everybody was held out, nobody contacted.",
            "是否有效无法判断：全部用户都在对照组，无人被触达。",
        ).say(language)
    if earned.returns is None:
        return Text(
            "Whether it helped cannot be said yet: {treated} answers of contacted and {held} of "
            "held-out users are too few.",
            "是否有效尚不能判断：触达组 {treated} 个、对照组 {held} 个结果太少。",
        ).say(language, treated=numbers.count(earned.treated), held=numbers.count(earned.held_out))
    return _effect(earned, earned.returns, found.money, language)


def _effect(earned: Earned, returns: Gain, money: Money, language: Language) -> str:
    facts = {
        "treated": numbers.percent(earned.returned_treated),
        "held": numbers.percent(earned.returned_held_out),
        "n": numbers.count(earned.treated),
        "m": numbers.count(earned.held_out),
    }
    said = Text(
        "Of the {n} contacted {treated} came back, of the {m} held out {held}: ",
        "被触达的 {n} 人中 {treated} 回归，对照组 {m} 人中 {held} 回归：",
    ).say(language, **facts)
    if returns.low > 0:
        verdict = Text(
            "contacts bring back {value} of 1,000 ({low} to {high}).",
            "触达使每千人多回归 {value} 人（{low} 至 {high}）。",
        )
    elif returns.high < 0:
        verdict = Text(
            "contacts drive users away: {value} of 1,000 ({low} to {high}).",
            "触达反而使用户离开：每千人 {value} 人（{low} 至 {high}）。",
        )
    else:
        verdict = Text(
            "not decided yet, the effect lies between {low} and {high} of 1,000.",
            "尚无定论，效果在每千人 {low} 至 {high} 人之间。",
        )
    said += verdict.say(
        language, value=numbers.signed(returns.value), low=numbers.signed(returns.low),
        high=numbers.signed(returns.high),
    )  # fmt: skip
    if earned.money is not None:
        said += Text(
            " In net value that is {value} per 1,000 contacted ({low} to {high}).",
            " 净值为每触达千人 {value}（{low} 至 {high}）。",
        ).say(
            language, value=money.said(earned.money.value, sign=True),
            low=money.said(earned.money.low, sign=True),
            high=money.said(earned.money.high, sign=True),
        )  # fmt: skip
    return said


def gain_said(gain: Gain | None, money: Money | None = None) -> str:
    """Return ``+12 (−3 … +27)``, per 1,000; a dash for what is not known."""
    if gain is None:
        return "–"

    def said(number: float) -> str:
        return numbers.signed(number) if money is None else money.plain(number, sign=True)

    return f"{said(gain.value)} ({said(gain.low)} … {said(gain.high)})"


def level_said(gain: Gain | None, money: Money | None = None) -> str:
    """Return the same of what is no difference: ``312 (290 … 334)``."""
    if gain is None:
        return "–"
    said = numbers.count if money is None else money.plain
    return f"{said(gain.value)} ({said(gain.low)} … {said(gain.high)})"


def advice_said(advice: Advice, money: Money, language: Language) -> str:
    """Return what to do about a group, and why, in a sentence."""
    return WHY[advice.action](advice, money, language)


def _stop(advice: Advice, money: Money, language: Language) -> str:
    earned = advice.earned
    if advice.by_money and earned.sure_money is not None and earned.sure_money.high < 0:
        return Text(
            "loses at least {least} per 1,000 contacted, and costs {cost} on top",
            "每触达千人至少损失 {least}，另有成本 {cost}",
        ).say(language, least=money.said(-earned.sure_money.high), cost=money.said(advice.cost))
    if advice.by_money and earned.sure_money is not None:
        return Text(
            "earns at most {high} per 1,000 contacted and costs {cost}",
            "每触达千人至多带来 {high}，成本 {cost}",
        ).say(
            language,
            high=money.said(earned.sure_money.high, sign=True),
            cost=money.said(advice.cost),
        )
    assert earned.returns is not None
    return Text("drives users away: {gain} of 1,000", "使用户离开：每千人 {gain}").say(
        language, gain=gain_said(earned.returns)
    )


def _increase(advice: Advice, money: Money, language: Language) -> str:
    assert advice.earned.sure_money is not None
    return Text(
        "earns at least {low} per 1,000 contacted and costs {cost}",
        "每触达千人至少带来 {low}，成本 {cost}",
    ).say(
        language,
        low=money.said(advice.earned.sure_money.low, sign=True),
        cost=money.said(advice.cost),
    )


def _keep(advice: Advice, _money: Money, language: Language) -> str:
    return Text(
        "brings users back: {gain} of 1,000; whether it pays is not decided yet",
        "带回用户：每千人 {gain}；是否划算尚无定论",
    ).say(language, gain=gain_said(advice.earned.returns))


def _wait(advice: Advice, _money: Money, language: Language) -> str:
    earned = advice.earned
    if earned.returns is None:
        return Text(
            "too few answers yet: {treated} contacted, {held} held out",
            "结果太少：触达 {treated}，对照 {held}",
        ).say(language, treated=numbers.count(earned.treated), held=numbers.count(earned.held_out))
    said = Text("undecided: {gain} of 1,000", "尚无定论：每千人 {gain}").say(
        language, gain=gain_said(earned.returns)
    )
    if advice.weeks is None:
        return said + Text(
            "; no difference in sight within two years at this pace",
            "；按目前速度两年内看不出差别",
        ).say(language)
    return said + Text("; about {weeks} more at this pace", "；按目前速度约还需 {weeks}").say(
        language, weeks=numbers.weeks(advice.weeks, language)
    )


def _unknowable(_advice: Advice, _money: Money, language: Language) -> str:
    return Text("nothing to compare with", "没有可比较的对象").say(language)


WHY: Final = {
    Action.STOP: _stop, Action.INCREASE: _increase, Action.KEEP: _keep, Action.WAIT: _wait,
    Action.UNKNOWABLE: _unknowable,
}  # fmt: skip


def named(advice: Advice, language: Language, colon: str = "") -> str:
    """Return what an advice is about: ``channel: SMS``."""
    kind = DIMENSIONS[advice.dimension].say(language).partition(":")[0]
    between = colon or Text(": ", "：").say(language)
    return f"{kind}{between}{value_said(advice.dimension, advice.value, language)}"
