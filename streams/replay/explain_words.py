"""An explanation as text for a terminal, English or Chinese."""

from typing import Final, Literal

from streams.core.lifecycle import Stage
from streams.core.reasons import LEAST_WEIGHT
from streams.replay.explain import STEPS, Explanation, Why
from winback_sender.terminal import printable

Language = Literal["en", "zh"]

STAGES_ZH: Final[dict[str, str]] = {
    Stage.NEW.label: "新用户",
    Stage.ACTIVE.label: "活跃",
    Stage.SLIPPING.label: "下滑",
    Stage.AT_RISK.label: "流失预警",
    Stage.LAPSED.label: "已沉默",
    Stage.WON_BACK.label: "已召回",
    Stage.GONE.label: "已流失",
}


def in_words(explanation: Explanation, language: Language) -> str:
    """Return an explanation as lines of text."""
    head = _chinese(explanation) if language == "zh" else _english(explanation)
    reasons = [
        f"  {why.weight:+.2f}{_moved(why)}  {why.text.zh if language == 'zh' else why.text.en}"
        for why in explanation.reasons
        if abs(why.weight) >= LEAST_WEIGHT
    ]
    contact = explanation.contact.zh if language == "zh" else explanation.contact.en
    return "\n".join(map(printable, [*head, *reasons, f"  → {contact}"]))


def _english(said: Explanation) -> list[str]:
    user, horizon = said.user, f"{said.horizon_days:g} d"
    alert = f" (alert from {said.alert_from:.0%})"
    events = f"{user.events_applied:,} events on {user.active_days:,} active days so far"
    return [
        f"{user.user_id} at {said.at}: {user.lifecycle_stage}",
        f"  silent for {said.silence_days:g} days; {events}",
        f"  P(this silence reaches {horizon}) {said.this_silence_reaches_horizon:.1%}{alert}",
        f"  P(no activity in the next {horizon}) {said.no_activity_in_horizon:.1%}",
        f"  while silent, P(active within {_period(said)} d), step by step: {_path(said)}",
        f"  model {said.model}, {said.examples:,} examples",
        f"  + speaks for leaving, − for staying{_since(said, '; in brackets, change since {}')}:",
    ]


def _chinese(said: Explanation) -> list[str]:
    user, horizon = said.user, f"{said.horizon_days:g} 天"
    alert = f"（预警线 {said.alert_from:.0%}）"
    events = f"累计 {user.events_applied:,} 次活动，{user.active_days:,} 个活跃日"
    return [
        f"{user.user_id}，{said.at}：{STAGES_ZH[user.lifecycle_stage]}",
        f"  已沉默 {said.silence_days:g} 天；{events}",
        f"  本次沉默达到 {horizon}的概率 {said.this_silence_reaches_horizon:.1%}{alert}",
        f"  未来 {horizon}无活动的概率 {said.no_activity_in_horizon:.1%}",
        f"  若持续沉默，逐期（每期 {_period(said)} 天）的活跃概率：{_path(said)}",
        f"  模型 {said.model}，{said.examples:,} 个样本",
        f"  + 倾向流失，− 倾向留存{_since(said, '；括号内为自 {} 以来的变化')}：",
    ]


def _since(said: Explanation, words: str) -> str:
    return "" if said.compared_with is None else words.format(said.compared_with)


def _moved(why: Why) -> str:
    is_told = why.change is not None and abs(why.change) >= LEAST_WEIGHT
    return f" ({why.change:+.2f})" if is_told else ""


def _period(said: Explanation) -> str:
    return f"{said.horizon_days / STEPS:g}"


def _path(said: Explanation) -> str:
    return ", ".join(f"{step.active_within_the_period:.1%}" for step in said.path)
