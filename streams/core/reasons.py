"""Reason codes in words: the vocabulary of every alert, in English and Chinese."""

from typing import Final

from streams.core.inputs import Cause
from winback_sender.contract.parts import Reason, ReasonText

LEAST_WEIGHT: Final = 0.005  # Log-odds; a smaller share would be shown as nothing.

TEXTS: Final[dict[str, ReasonText]] = {
    "silence": ReasonText("silent for longer than usual for this user", "沉默时间超过该用户的习惯"),
    "rhythm": ReasonText("the user's rhythm is irregular or slow", "活跃节奏不规律或变慢"),
    "return_habit": ReasonText("rarely returns after a silence like this", "类似沉默之后很少回来"),
    "frequency": ReasonText("fewer active days than those who stay", "活跃天数少于留存用户"),
    "recency": ReasonText("little activity in the last days", "最近几天活跃较少"),
    "intensity": ReasonText("fewer actions on active days", "活跃日内的行为变少"),
    "tenure": ReasonText("still a new user", "仍是新用户"),
    "value": ReasonText("spends or does less than those who stay", "消费或投入少于留存用户"),
    "kinds": ReasonText("does other things than those who stay", "行为构成不同于留存用户"),
    "traits": ReasonText("is of a kind of users who leave more often", "属于较易流失的人群"),
}
"""Feature group to words where it speaks for leaving; a test holds it against the feature list."""

STAYING: Final[dict[str, ReasonText]] = {
    "silence": ReasonText("silent no longer than usual for the user", "沉默未超过该用户的习惯"),
    "rhythm": ReasonText("the user's rhythm is regular or quickens", "活跃节奏规律或加快"),
    "return_habit": ReasonText("often returns after a silence like this", "类似沉默之后常会回来"),
    "frequency": ReasonText("active on as many days as those who stay", "活跃天数不少于留存用户"),
    "recency": ReasonText("much activity in the last days", "最近几天较活跃"),
    "intensity": ReasonText("many actions on active days", "活跃日内的行为较多"),
    "tenure": ReasonText("a user of long standing", "已是老用户"),
    "value": ReasonText("spends or does as much as those who stay", "消费或投入不少于留存用户"),
    "kinds": ReasonText("does what those who stay do", "行为构成与留存用户相近"),
    "traits": ReasonText("is of a kind of users who leave less often", "属于较少流失的人群"),
    "base": ReasonText("how likely it is for users on average", "用户的平均水平"),
}
"""The same where a group speaks for staying, and what stands behind all of them."""


def text_of(code: str, weight: float) -> ReasonText:
    """Return what a share of a score says, in words that fit its direction."""
    return TEXTS[code] if weight >= 0.0 and code in TEXTS else STAYING[code]


def in_words(causes: tuple[Cause, ...]) -> tuple[Reason, ...]:
    """Return the reasons that speak for leaving, with their text; what speaks against is none."""
    return tuple(
        Reason(code, round(weight, 4), TEXTS[code], round(change, 4))
        for code, weight, change in causes
        if weight >= LEAST_WEIGHT
    )
