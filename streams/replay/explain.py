"""Why a user is, or is not, at risk, and why nobody has written: in words, English or Chinese."""

import math
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.coverage import Coverage
from streams.core.reasons import text_of
from streams.core.rules import Rules
from streams.core.rulings import WORDS, Ruling
from streams.core.scoring import Scorer, scored_before
from streams.core.state import Column, UserState, decode
from streams.core.step import may_open
from streams.core.time import DAY_MS
from streams.replay.export import ExportedUser, described
from streams.replay.instants import short_iso
from winback_sender.contract.parts import ReasonText

F64 = NDArray[np.float64]

STEPS: Final = 4
"""The path to H has so many steps Δ."""


class Said(msgspec.Struct, frozen=True):
    """A sentence in both languages."""

    en: str
    zh: str


class Step(msgspec.Struct, frozen=True):
    """One step of the silent path."""

    at: str
    active_within_the_period: float


class Why(msgspec.Struct, frozen=True):
    """A feature group, or the base, and what it adds to the score.

    Attributes:
        code: The group.
        weight: Log-odds toward leaving.
        direction: ``leaving`` or ``staying``.
        change: By how much the weight moved since the score before; None right after an activity.
        text: What that means.
    """

    code: str
    weight: float
    direction: str
    change: float | None
    text: Said


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides about a user at one instant.

    The weights of ``reasons`` add up to ``log_odds``: of no activity within the next period.
    """

    at: str
    user: ExportedUser
    silence_days: float
    horizon_days: float
    model: str
    examples: int
    this_silence_reaches_horizon: float
    no_activity_in_horizon: float
    alert_from: float
    path: list[Step]
    log_odds: float
    compared_with: str | None
    reasons: list[Why]
    contact: Said
    last_decision: dict[str, Any] | None


def explained(
    user_id: str,
    value: bytes,
    at_ms: int,
    scorer: Scorer,
    rules: Rules,
    coverage: Coverage,
    last_decision: bytes | None = None,
) -> Explanation:
    """Return what decides about a user.

    Args:
        user_id: Whom.
        value: The user's changelog value.
        at_ms: When; taken not to lie before the last activity, epoch ms UTC.
        scorer: The model.
        rules: The business rules.
        coverage: What the source missed: no silence.
        last_decision: The newest decision about the user, JSON.
    """
    state = decode(value)
    at_ms = max(at_ms, int(state[Rhythm.LAST]))
    at = np.array([float(at_ms)])
    heads = coverage.moved(np.array([state.head]), at)
    silence_ms = at_ms - int(heads[0, Rhythm.LAST])
    period = float(rules.churn.period_ms)
    reach = float(scorer.reach(heads, at)[0])
    before_ms, reasons = _reasons(heads, at, scorer, rules)
    return Explanation(
        at=short_iso(at_ms),
        user=described(user_id, value),
        silence_days=round(silence_ms / DAY_MS, 2),
        horizon_days=rules.horizon_days,
        model=scorer.version,
        examples=scorer.examples,
        this_silence_reaches_horizon=reach,
        no_activity_in_horizon=float(scorer.quiet(heads, at)[0]),
        alert_from=rules.alert.probability,
        path=[
            Step(
                short_iso(int(at_ms + step * period)),
                float(scorer.hazard(heads, at + step * period)[0]),
            )
            for step in range(STEPS)
        ],
        log_odds=math.fsum(why.weight for why in reasons),
        compared_with=None if before_ms is None else short_iso(before_ms),
        reasons=reasons,
        contact=_contact(state, at_ms, silence_ms, reach, scorer, rules, last_decision),
        last_decision=None if last_decision is None else msgspec.json.decode(last_decision),
    )


def _reasons(heads: F64, at: F64, scorer: Scorer, rules: Rules) -> tuple[int | None, list[Why]]:
    """Return what the score is made of, and the instant of the score that it is compared with."""
    before = scored_before(heads, at, rules)
    has_before = bool(before[0] < at[0])
    then = dict(scorer.explain(heads, before)[0])
    reasons = [
        Why(
            code,
            weight,
            "leaving" if weight >= 0.0 else "staying",
            weight - then[code] if has_before else None,
            _text(code, weight),
        )
        for code, weight in scorer.explain(heads, at)[0]
    ]
    return (int(before[0]) if has_before else None), reasons


def _text(code: str, weight: float) -> Said:
    text = text_of(code, weight)
    return Said(text.en, text.zh)


def _contact(
    state: UserState,
    at_ms: int,
    silence_ms: int,
    reach: float,
    scorer: Scorer,
    rules: Rules,
    last_decision: bytes | None,
) -> Said:
    """Say where contact stands: the open case, else the first rule that keeps one from opening."""
    if state.profile.case is not None:
        return _of_case(state, last_decision)
    days, least = int(state[Rhythm.ACTIVE_DAYS]), rules.churn.min_active_days
    horizon, threshold = round(rules.horizon_days), rules.alert.probability
    may = may_open(0.0, state[Column.CLOSED_AT], state[Rhythm.LAST], 0.0, float(at_ms), rules)
    no_more = WORDS[Ruling.SUPPRESSED]
    hurdles = (
        (state.profile.is_suppressed, Said(no_more.en, no_more.zh)),
        (days < least,
         Said(f"too little is known: {days} active days, {least} are needed",
              f"了解太少：仅 {days} 个活跃日，至少需要 {least} 个")),
        (silence_ms >= rules.churn.horizon_ms,
         Said(f"silent for {horizon} days or more: nobody is alerted about so old a silence",
              f"沉默已达 {horizon} 天，不再预警")),
        (scorer.examples < rules.alert.examples_min,
         Said("the model has not learned enough to alert; only a long silence does",
              "模型样本不足，目前仅长时间沉默会触发预警")),
        (not scorer.may_alert,
         Said("the model is not trusted at present; only a long silence alerts",
              "模型目前不被采信，仅长时间沉默会触发预警")),
        (reach < threshold,
         Said(f"the risk is below the threshold: {reach:.1%} < {threshold:.0%}",
              f"风险低于阈值：{reach:.1%} < {threshold:.0%}")),
        (not may,
         Said("a case of this silence, or a recent one, is closed already",
              "本次沉默或近期的召回已结束")),
        (state[Column.BID] > 0.0,
         Said("waits for a place in the budget: others have more to lose",
              "等待预算名额，目前优先损失更大的用户")),
    )  # fmt: skip
    opens = Said("a case opens at the next check", "将在下次检查时开启召回")
    return next((said for is_up, said in hurdles if is_up), opens)


def _of_case(state: UserState, last_decision: bytes | None) -> Said:
    due = state[Column.DUE]
    next_at = short_iso(int(due)) if due < float("inf") else None
    en, zh = f"a case is open since {short_iso(int(state[Column.CASE_AT]))}", "召回进行中"
    if last_decision is not None:
        reason = msgspec.json.decode(last_decision).get("reason", "")
        said = WORDS.get(reason, ReasonText(reason, reason))
        en, zh = f"{en}; last: {said.en}", f"{zh}；最近一步：{said.zh}"
    if next_at is not None:
        en, zh = f"{en}; next at {next_at}", f"{zh}；下一步：{next_at}"
    return Said(en, zh)
