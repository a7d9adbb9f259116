"""A partition has as many users as it may: who is known stays, who is new is counted."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.inputs import Acted, OptedOut
from streams.core.partition import Partition
from streams.core.reception import FULL
from streams.core.rules_file import parse_rules
from tests.unit.core.stories import ToldScorer, by_silence

RULES = parse_rules("")
START_MS = 1_700_000_000_000


def core(users_max: int) -> Partition:
    return Partition(0, RULES, ToldScorer(by_silence), users_max=users_max)


def acts(users: Sequence[str]) -> list[Acted]:
    return [
        Acted(user, f"{user}-{place}", START_MS + place * 1_000) for place, user in enumerate(users)
    ]


def test_beyond_the_bound_nobody_new_is_taken_in_and_nobody_known_is_forgotten() -> None:
    partition = core(3)
    partition.apply(acts(["ada", "bob", "cy", "dan", "ada", "eve", "bob"]))

    assert {name for name, _ in partition.values()} == {"ada", "bob", "cy"}
    assert partition.take().counts[FULL] == 2


def test_who_wants_to_hear_nothing_is_still_heard_and_not_without_end() -> None:
    partition = core(8)
    partition.apply(acts([f"user-{number}" for number in range(8)]))
    partition.apply([OptedOut(f"stranger-{number}", START_MS) for number in range(5)])

    assert partition.users == 8 + 2


@given(st.lists(st.sampled_from("abcdefgh"), max_size=60), st.integers(1, 20))
def test_who_is_taken_in_does_not_depend_on_where_chunks_end(users: list[str], size: int) -> None:
    whole, pieces = core(4), core(4)
    whole.apply(acts(users))
    inputs = acts(users)
    for start in range(0, len(inputs), size):
        pieces.apply(inputs[start : start + size])

    assert dict(whole.values()) == dict(pieces.values())


@pytest.mark.parametrize("users", [1, 50])
def test_the_record_says_how_many_there_are(users: int) -> None:
    partition = core(100)
    partition.apply(acts([f"user-{number}" for number in range(users)]))
    record = partition.take().changelog[-1][1]
    assert record is not None
    assert b'"users":%d' % users in record
