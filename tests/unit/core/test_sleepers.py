"""Who has no timer sleeps in few bytes, and wakes as if it had never slept."""

import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.inputs import ConsentChanged, Erased, Input, OutageAnnounced, WatermarkPassed
from streams.core.packed import pack, unpack
from streams.core.partition import Partition
from streams.core.partition_record import StateMismatchError
from streams.core.state import EMPTY_RING, Column, blank, decode, encode, full, is_packed, packed
from tests.unit.core.stories import ToldScorer, act, by_silence, day, rules_of

RULES = rules_of("churn: {horizon: 8d}\nlateness: 0s\n")
ADA = "ada"
numbers = st.one_of(
    st.floats(allow_nan=False), st.integers(-(2**53), 2**53).map(float), st.just(0.0)
)


def partition_of(inputs: list[Input]) -> Partition:
    partition = Partition(0, RULES, ToldScorer(by_silence, RULES.churn.horizon_ms))
    partition.apply(inputs)
    return partition


def gone() -> Partition:
    """Ada came three times, and has been silent for more than 2H."""
    partition = partition_of([act(day(n), ADA) for n in (0, 1, 2.5)])
    partition.apply([WatermarkPassed(day(40))])
    return partition


def stored(partition: Partition) -> bytes:
    value = partition.value(ADA)
    assert value is not None
    return value


@given(st.lists(numbers, max_size=63), st.lists(numbers, max_size=63))
def test_words_come_out_of_a_pack_as_they_went_in(words: list[float], usual: list[float]) -> None:
    count = min(len(words), len(usual))
    one, other = (struct.pack(f"<{count}d", *each[:count]) for each in (words, usual))
    made = b"before" + pack(one, other)

    assert unpack(made + b"behind", 6, other) == (one, len(made))


@given(st.lists(numbers, min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_a_state_is_the_same_packed_and_in_full(head: list[float], digest: bytes) -> None:
    told = dict(zip(("LAST", "FIRST", "EVENTS", "DAYS_8", "GAP_3", "RISK", "BID", "DUE"), head,
                    strict=True))  # fmt: skip
    state = blank(1_234.0, wakes_at=5.0).having(**told)
    value = encode(msgspec.structs.replace(state, ring=EMPTY_RING[8:] + digest))

    assert full(packed(value)) == value
    assert decode(packed(value)) == decode(value)


def test_who_is_silent_beyond_twice_the_horizon_sleeps_after_the_next_commit() -> None:
    partition = gone()
    awake = stored(partition)
    records = dict(partition.take().changelog)

    assert not is_packed(awake)
    assert records[ADA.encode()] == stored(partition)
    assert is_packed(stored(partition))
    assert len(stored(partition)) < 280
    assert decode(stored(partition)) == decode(awake)
    assert partition.users == 1


def test_who_was_only_spoken_of_sleeps_whether_or_not_a_worker_was_replaced_meanwhile() -> None:
    lived = partition_of([ConsentChanged(ADA, day(1), "sms", is_granted=True)])
    records = dict(lived.take().changelog)
    other = Partition(0, RULES, ToldScorer(by_silence, RULES.churn.horizon_ms))
    other.restore(records)

    assert is_packed(records[ADA.encode()])
    assert other.take().changelog == []
    assert stored(other) == stored(lived)


def test_what_can_matter_no_more_is_forgotten_at_the_mark() -> None:
    partition = partition_of([act(day(n), ADA) for n in (0, 1, 2.5, 4.5)])
    before = decode(stored(partition))
    partition.apply([WatermarkPassed(day(40))])
    after = decode(stored(partition))

    assert before.frozen
    assert any(before.ring)
    assert not after.frozen
    assert not any(after.ring)
    assert after[Column.FROZEN_AT] == 0.0


def test_who_is_silent_for_less_stays_awake() -> None:
    partition = partition_of([act(day(n), ADA) for n in (0, 1, 2.5)])
    partition.apply([WatermarkPassed(day(18))])
    partition.take()

    assert not is_packed(stored(partition))


@pytest.mark.parametrize("sleeps", [True, False])
def test_a_return_out_of_sleep_is_a_return(sleeps: bool) -> None:  # noqa: FBT001  # a parameter
    partition, other = gone(), gone()
    if sleeps:
        partition.take()
    for each in (partition, other):
        each.apply([act(day(41), ADA), act(day(41), "bo")])
        each.apply([act(day(44), ADA), WatermarkPassed(day(47))])
        each.take()

    assert dict(partition.values()) == dict(other.values())
    assert decode(stored(partition)).profile.stage.label in {"won_back", "new", "active"}


def test_a_restart_finds_who_sleeps_and_the_sample_of_values_holds_them() -> None:
    partition = gone()
    partition.apply([act(day(40), "bo")])
    changelog = {key: value for key, value in partition.take().changelog if value}
    heir = Partition(0, RULES, ToldScorer(by_silence, RULES.churn.horizon_ms))
    heir.restore(changelog)

    assert dict(heir.values()) == dict(partition.values())
    assert heir.users == 2
    assert len(heir._users.sampled()) == 2
    np.testing.assert_array_equal(
        np.sort(heir._users.sampled()[:, Column.PHASE]),
        np.sort(partition._users.sampled()[:, Column.PHASE]),
    )
    assert not heir.take().changelog[:-1]


def test_a_word_about_somebody_who_sleeps_is_taken_and_the_sleep_goes_on() -> None:
    partition = gone()
    partition.take()
    partition.apply([ConsentChanged(ADA, day(41), "sms", is_granted=False)])
    records = dict(partition.take().changelog)

    assert is_packed(stored(partition))
    assert records[ADA.encode()] == stored(partition)
    assert decode(stored(partition)).profile.consents == {"sms": False}


def test_somebody_who_sleeps_can_be_erased() -> None:
    partition = gone()
    partition.take()
    partition.apply([Erased(ADA, day(41))])

    assert (ADA.encode(), None) in partition.take().changelog
    assert partition.users == 0
    assert partition.value(ADA) is None


def test_an_outage_that_is_told_of_later_wakes_whose_silence_it_was() -> None:
    partition = gone()
    partition.take()
    outage = OutageAnnounced(day(40), float(day(3)), float(day(39)))
    partition.apply([outage])

    assert not is_packed(stored(partition))
    assert partition._users.deadlines[partition._users.index[ADA]] < day(60)


def test_users_without_an_activity_sleep_too() -> None:
    partition = partition_of([ConsentChanged(ADA, day(0), "sms", is_granted=True)])
    partition.take()
    assert len(stored(partition)) < 100

    partition.apply([act(day(1), ADA)])
    assert decode(stored(partition))[Column.EVENTS] == 1.0


@pytest.mark.parametrize("cut", [3, 20, 60, 100])
def test_half_a_packed_state_is_refused(cut: int) -> None:
    partition = gone()
    changelog = {key: value for key, value in partition.take().changelog if value}
    changelog[ADA.encode()] = changelog[ADA.encode()][:cut]
    heir = Partition(0, RULES, ToldScorer(by_silence))
    with pytest.raises(StateMismatchError, match="cannot be read"):
        heir.restore(changelog)


def test_time_that_passes_looks_at_nobody_who_sleeps() -> None:
    partition = gone()
    partition.take()
    partition.advance(day(400))

    assert partition.take().counts["timers"] == 0
    assert not len(partition._users.index)
