"""What to stop, what to increase: a rule that is stated, and how long an answer still takes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from streams.reporting.earned import PER, Earned, Gain
from streams.reporting.tally import ALL, Cell, Tally

WEEKS_MAX: Final = 104.0
"""An answer that takes longer than two years will not come."""


class Action(StrEnum):
    """What to do about a group."""

    STOP = "stop"  # surely drives users away, or surely earns less than it costs
    INCREASE = "increase"  # surely earns more than it costs
    KEEP = "keep"  # surely brings users back; whether it pays is not known yet
    WAIT = "wait"  # not known yet
    UNKNOWABLE = "unknowable"  # there is nothing to compare with


LEVERS: Final = ("playbook", "variant", "channel", "value_tier", "acquisition_source")
"""Dimensions that an operator can act upon, in the order in which advice is given."""


class Advice(msgspec.Struct, frozen=True):
    """What to do about one value of a dimension, and why.

    Attributes:
        action: What.
        earned: On which evidence.
        cost: What contacts cost, minor units per 1,000 contacted users.
        by_money: Whether money decided; else the return rate.
        weeks: How long it may still take to know, at the pace so far; None = it will not be known.
        dimension: Of what.
        value: Which.
    """

    action: Action
    earned: Earned
    cost: float
    by_money: bool
    weeks: float | None = None
    dimension: str = ""
    value: str = ""


def advised(found: Earned, cost: float, dimension: str = "", value: str = "") -> Advice:
    """Return what to do, given what was earned and what it costs per 1,000 contacted users."""
    action, by_money = _action(found, cost)
    return Advice(
        action=action,
        earned=found,
        cost=cost,
        by_money=by_money,
        weeks=_bounded(_weeks(found, cost)) if action is Action.WAIT else None,
        dimension=dimension,
        value=value,
    )


def _action(found: Earned, cost: float) -> tuple[Action, bool]:
    money, returns = found.sure_money, found.sure_returns
    if money is None and returns is None:
        has_arms = found.treated and found.held_out
        return (Action.WAIT if has_arms else Action.UNKNOWABLE), False
    if money is not None and money.high < cost:
        return Action.STOP, True
    if returns is not None and returns.high < 0.0:
        return Action.STOP, False
    if money is not None and money.low > cost:
        return Action.INCREASE, True
    if returns is not None and returns.low > 0.0:
        return Action.KEEP, False
    return Action.WAIT, money is not None


def _weeks(found: Earned, cost: float) -> float | None:
    """Return how many weeks the interval needs to leave zero, if the estimate stays as it is.

    An interval narrows as the root of the episodes, and they come at the pace so far. The quicker
    of return rate and money counts.
    """
    asked = ((found.sure_returns, 0.0), (found.sure_money, cost))
    needed = [_times(gain, beside) for gain, beside in asked if gain is not None]
    more = [(times - 1.0) * found.weeks for times in needed if times is not None]
    return min(more, default=None)


def _bounded(weeks: float | None) -> float | None:
    return None if weeks is None or weeks > WEEKS_MAX else max(weeks, 1.0)


def _times(gain: Gain, beside: float) -> float | None:
    """Return how many times the episodes so far would decide; None = the estimate is zero."""
    margin = abs(gain.value - beside)
    half = gain.high - gain.value if gain.value < beside else gain.value - gain.low
    return min(half / margin, WEEKS_MAX**2) ** 2 if margin > 0.0 else None


def cost_per_1000(tally: Tally, cell: Cell, costs: Mapping[str, float]) -> float:
    """Return what the contacts of 1,000 users cost, minor units; unknown cells cost as all do."""
    if not tally.contacted[cell]:
        cell = ALL
    if not tally.contacted[cell]:
        return 0.0
    spent = sum(
        number * costs.get(channel, 0.0)
        for (name, value, channel), number in tally.touches.items()
        if (name, value) == cell
    )
    return PER * spent / tally.contacted[cell]
