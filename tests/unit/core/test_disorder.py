"""What comes in another order than it happened, by the day, or is put right later: what it does."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from models.features import Rhythm
from streams.core.inputs import Acted, Input, ValueCorrected
from streams.core.partition import Partition
from streams.core.state import Column, UserState, decode
from tests.unit.core.stories import ADA, ToldScorer, act, by_silence, day, rules_of

BY_THE_DAY = rules_of(lateness="1d")


def after(signals: list[Input]) -> tuple[UserState, Partition]:
    partition = Partition(0, BY_THE_DAY, ToldScorer(by_silence))
    for signal in signals:
        assert partition.apply([signal]) == []
    value = partition.value(ADA)
    assert value is not None
    return decode(value), partition


def bought(at_ms: int, number: int, money_minor: int = 500) -> Acted:
    return Acted(ADA, f"order-{number}", at_ms, 5.0, money_minor)


def test_events_of_a_day_are_all_of_its_midnight_and_count_each() -> None:
    """A source that knows the day alone: same instant, other ids; one active day."""
    state, partition = after([bought(day(3, 0), number) for number in range(4)])
    assert (state[Column.EVENTS], state[Rhythm.ACTIVE_DAYS]) == (4, 1)
    assert state[Column.VALUE_NET] == 4 * 500
    assert partition.watermark_ms == day(2, 0), "the day is not over: its lateness is a day"


def test_a_day_that_is_told_behind_an_hour_of_it_counts_in_sums_and_is_no_return() -> None:
    """What is known to the second comes first; what is known to the day lies before it."""
    state, partition = after([act(day(3, 15)), bought(day(3, 0), 1)])
    assert state[Rhythm.LAST] == day(3, 15)
    assert (state[Column.EVENTS], state[Rhythm.ACTIVE_DAYS]) == (2, 1)
    assert state[Column.VALUE_NET] == 500
    assert partition.take().counts["late"] == 1


def test_a_correction_changes_the_value_once_and_is_no_sign_of_life() -> None:
    correction = ValueCorrected(ADA, "c1", day(40), -200)
    state, partition = after([bought(day(3), 1), act(day(9)), correction, correction])
    assert state[Column.VALUE_NET] == 300
    assert state[Rhythm.LAST] == day(9)
    assert state[Column.EVENTS] == 2
    assert partition.take().counts["duplicate"] == 1


orders = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 23), st.integers(-300, 900)),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=60)
@given(orders, st.randoms(use_true_random=False))
def test_money_and_counts_do_not_depend_on_the_order_of_arrival(
    told: list[tuple[int, int, int]], chance: random.Random
) -> None:
    signals: list[Input] = [
        ValueCorrected(ADA, f"c{number}", day(at, hour), money)
        if number % 4 == 3
        else bought(day(at, hour), number, money)
        for number, (at, hour, money) in enumerate(told)
    ]
    shuffled = list(signals)
    chance.shuffle(shuffled)
    once, again = after(signals)[0], after(shuffled)[0]
    for column in (Column.VALUE_NET, Column.EVENTS):
        assert once[column] == again[column]
    assert once[Rhythm.LAST] == again[Rhythm.LAST]


def test_two_hours_of_disorder_within_the_lateness_change_no_deadline() -> None:
    """The watermark waits, so nothing has fired that the late one would have moved."""
    in_order = [act(day(1)), act(day(2)), act(day(2, 14))]
    shuffled = [in_order[0], in_order[2], in_order[1]]
    states = [after(list(signals))[0] for signals in (in_order, shuffled)]
    assert states[0][Rhythm.LAST] == states[1][Rhythm.LAST]
    assert states[0].profile == states[1].profile
