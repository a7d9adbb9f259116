"""The fold of one activity, against its slow twin and against common sense."""

from collections.abc import Sequence
from math import log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.feature_list import KIND_COLUMNS
from models.features import RHYTHM_WIDTH, Rhythm
from streams.core.rhythm import Fold, make_fold
from streams.core.rules import Churn
from streams.core.state import FROZEN_END, RING_END, Column, blank, decode, encode
from streams.core.time import DAY_MS
from tests.oracles_rhythm import fold_event
from tests.unit.core.stories import START_MS

CHURN = Churn(30 * DAY_MS, 5, ("purchase", "refund"))
FOLD = make_fold(CHURN)
SIX_FOLD = make_fold(Churn(30 * DAY_MS, 5, tuple("abcdef")))
gaps_ms = st.lists(st.integers(0, 400 * DAY_MS), min_size=1, max_size=30)


def folded(
    times_ms: list[int],
    *,
    amount: float = 0.0,
    money: int = 0,
    slots: Sequence[int] = (-1,),
    fold: Fold = FOLD,
) -> bytes:
    """Return the state after activities; their kinds are taken in turn."""
    value = encode(blank(0.0))
    for number, at_ms in enumerate(times_ms):
        digest, slot = number.to_bytes(8, "big"), slots[number % len(slots)]
        value = fold(value, float(at_ms), log1p(amount), money, slot, False, digest, 0.0, b"")  # noqa: FBT003
    return value


@pytest.mark.parametrize(("fold", "kinds"), [(FOLD, 2), (SIX_FOLD, 6)])
@given(gaps=gaps_ms, amount=st.floats(0, 1e6), data=st.data())
def test_the_fold_equals_its_slow_twin(
    fold: Fold, kinds: int, gaps: list[int], amount: float, data: st.DataObject
) -> None:
    slots = data.draw(st.lists(st.integers(-1, kinds - 1), min_size=1, max_size=30))
    at_ms, times, slow = START_MS, [], None
    for number, gap in enumerate(gaps):
        at_ms += gap
        times.append(at_ms)
        slot = slots[number % len(slots)]
        kind = None if slot < 0 else slot
        slow = fold_event(slow, at_ms, CHURN.horizon_ms, amount=amount, kind=kind)
    head = decode(folded(times, amount=amount, slots=slots, fold=fold)).head

    assert head[:RHYTHM_WIDTH] == pytest.approx(slow, rel=1e-9, abs=1e-12)


@given(gaps_ms, st.integers(0, 29), st.integers(0, 5))
def test_an_activity_that_comes_late_changes_no_sum_by_more_than_rounding(
    gaps: list[int], place: int, slot: int
) -> None:
    """Sums do not depend on the order of arrival; days and gaps do, for they are over."""
    times = [START_MS + sum(gaps[: number + 1]) for number in range(len(gaps))]
    late = times[min(place, len(times) - 1)]
    others = [at_ms for at_ms in times if at_ms != late] or [late]
    slots = (slot,)
    in_order = decode(
        folded(sorted([*others, late]), amount=3.0, money=250, slots=slots, fold=SIX_FOLD)
    ).head
    disordered = decode(
        folded([*others, late], amount=3.0, money=250, slots=slots, fold=SIX_FOLD)
    ).head

    sums = (Rhythm.EVENTS_8, Rhythm.AMOUNT_1, Rhythm.AMOUNT_4, Column.VALUE_DECAYED)
    for column in (*sums, *KIND_COLUMNS):
        assert disordered[column] == pytest.approx(in_order[column], rel=1e-9)
    assert disordered[Column.VALUE_NET] == 250 * (len(others) + 1)


def test_a_frozen_example_is_kept_until_the_next_one_replaces_it() -> None:
    one, other = (bytes([byte]) * (FROZEN_END - RING_END) for byte in b"xy")
    first = FOLD(encode(blank(0.0)), 5e8, 0.0, 0, -1, False, bytes(8), 4e8, one)  # noqa: FBT003
    kept = FOLD(first, 6e8, 0.0, 0, -1, False, bytes(8), 0.0, b"")  # noqa: FBT003
    replaced = FOLD(kept, 7e8, 0.0, 0, -1, False, bytes(8), 6.5e8, other)  # noqa: FBT003

    assert kept[RING_END:FROZEN_END] == one
    assert decode(replaced).frozen == other
    assert decode(replaced)[Column.FROZEN_AT] == 6.5e8


def test_a_score_is_asked_for_only_when_enough_time_has_passed_or_the_activity_is_risky() -> None:
    step_ms = int(CHURN.rescore_ms)
    value = folded([START_MS, START_MS + step_ms // 2])
    assert decode(value)[Column.SCORED_AT] == START_MS

    at_ms = float(START_MS + step_ms // 2 + 1)
    risky = FOLD(value, at_ms, 0.0, 0, -1, True, bytes(8), 0.0, b"")  # noqa: FBT003
    assert decode(risky)[Column.SCORED_AT] == at_ms
    assert decode(folded([START_MS, START_MS + step_ms + 1]))[Column.SCORED_AT] > START_MS
