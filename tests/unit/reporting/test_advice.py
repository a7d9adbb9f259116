"""The rule of what to stop and what to increase, and how long an answer takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.reporting.advice import WEEKS_MAX, Action, advised, cost_per_1000
from streams.reporting.earned import Earned, Gain
from streams.reporting.tally import ALL, Tally

UP, DOWN, OPEN = Gain(50.0, 10.0, 90.0), Gain(-50.0, -90.0, -10.0), Gain(20.0, -20.0, 60.0)


def of(returns: Gain | None, money: Gain | None, weeks: float = 10.0) -> Earned:
    return Earned(400, 100, 0.4, 0.3, returns, money, returns, money, weeks)


@pytest.mark.parametrize(
    ("returns", "money", "cost", "action"),
    [
        (UP, UP, 5.0, Action.INCREASE),
        (UP, UP, 20.0, Action.KEEP),  # it brings users back; whether it pays is not sure
        (UP, UP, 100.0, Action.STOP),  # it earns at most 90 and costs 100
        (DOWN, OPEN, 0.0, Action.STOP),  # it drives users away
        (DOWN, UP, 0.0, Action.STOP),
        (OPEN, DOWN, 0.0, Action.STOP),
        (UP, OPEN, 0.0, Action.KEEP),
        (UP, None, 0.0, Action.KEEP),
        (OPEN, OPEN, 0.0, Action.WAIT),
        (None, None, 0.0, Action.WAIT),
    ],
)
def test_the_rule(returns: Gain | None, money: Gain | None, cost: float, action: Action) -> None:
    assert advised(of(returns, money), cost).action is action


def test_without_a_second_arm_nothing_can_be_known() -> None:
    assert advised(Earned(400, 0), 0.0).action is Action.UNKNOWABLE
    assert advised(Earned(), 0.0).action is Action.UNKNOWABLE


def test_how_long_it_takes_follows_from_the_root_of_the_episodes() -> None:
    waits = advised(of(OPEN, None, weeks=10.0), 0.0)
    assert waits.weeks == pytest.approx(30.0)  # 40/20 too wide: four times as many are needed


def test_what_has_no_effect_is_never_known() -> None:
    assert advised(of(Gain(0.0, -40.0, 40.0), None), 0.0).weeks is None


@given(st.floats(-1e3, 1e3), st.floats(0.1, 1e3), st.floats(0.1, 100.0))
def test_weeks_are_some_and_not_for_ever(value: float, half: float, weeks: float) -> None:
    found = advised(of(Gain(value, value - half, value + half), None, weeks), 0.0)
    if found.action is Action.WAIT:
        assert found.weeks is None or 1.0 <= found.weeks <= WEEKS_MAX
    else:
        assert abs(value) >= half


def test_costs_are_of_the_touches_that_a_contacted_user_got() -> None:
    tally = Tally()
    for is_first, channel in ((True, "call"), (False, "sms"), (True, "sms")):
        for cell in (ALL, ("playbook", "care")):
            tally.count_touch(cell, channel, is_first=is_first)
    costs = {"call": 300.0, "sms": 5.0}
    assert cost_per_1000(tally, ("playbook", "care"), costs) == pytest.approx(155_000.0)
    assert cost_per_1000(tally, ("cohort", "2025-01"), costs) == pytest.approx(155_000.0)
    assert cost_per_1000(Tally(), ALL, costs) == 0.0
