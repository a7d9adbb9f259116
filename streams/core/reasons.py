"""Reason codes in words: the vocabulary of every alert, in English and Chinese."""

from typing import Final

from streams.core.messages import Reason, ReasonText

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
"""Feature group to words; a test holds it against the groups of the feature list."""


def in_words(reasons: tuple[tuple[str, float], ...]) -> tuple[Reason, ...]:
    """Return the reasons that speak for leaving, with their text; what speaks against is none."""
    return tuple(
        Reason(code, round(weight, 4), TEXTS[code])
        for code, weight in reasons
        if weight >= LEAST_WEIGHT
    )
