"""The fold of many users is the straight fold, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.features import Rhythm
from streams.core.inputs import Acted
from streams.core.rhythm import log_amount_of, make_fold
from streams.core.rhythm_rows import ROWS_MIN, columns_of, make_fold_rows
from streams.core.rules import Churn
from streams.core.state import FROZEN_END, RING_END, UserState, blank, encode, matrix
from streams.core.time import DAY_MS
from tests.unit.core.stories import START_MS

CHURN = Churn(30 * DAY_MS, 5, ("purchase", "refund"))
SIX = Churn(30 * DAY_MS, 5, tuple("abcdef"))
FROZEN = b"f" * (FROZEN_END - RING_END)

steps_ms = st.one_of(
    st.integers(0, 400 * DAY_MS),
    st.sampled_from([0, 1, DAY_MS, 81_000_000, CHURN.period_ms, CHURN.horizon_ms]),
    st.integers(-10 * DAY_MS, -1),
)
acts = st.tuples(
    steps_ms, st.floats(0, 1e9), st.integers(-(10**9), 10**9), st.integers(-1, 5),
    st.booleans(), st.booleans(),
)  # fmt: skip


def with_traits(place: int) -> UserState:
    """Return the state of a user of whom nothing but a trait is known."""
    state = blank(float(place))
    head = list(state.head)
    head[Rhythm.TRAITS], head[Rhythm.TRAITS_AT] = float(place % 32), float(START_MS)
    return replace(state, head=tuple(head))


@pytest.mark.parametrize("churn", [CHURN, SIX], ids=["two kinds", "six kinds"])
@given(
    history=st.lists(
        st.lists(acts, min_size=ROWS_MIN, max_size=ROWS_MIN + 9), min_size=1, max_size=12
    )
)
def test_many_users_at_once_are_folded_as_one_by_one(
    churn: Churn,
    history: list[list[tuple]],  # type: ignore[type-arg]
) -> None:
    """Also with late activities, frozen examples, traits, and gaps on the very edge of a bin."""
    fold, fold_rows = make_fold(churn), make_fold_rows(churn)
    count = min(map(len, history))
    values = [encode(with_traits(place)) for place in range(count)]
    reached = [START_MS + 977 * place for place in range(count)]
    for number, acted in enumerate(history):
        signals, frozen = [], {}
        for place, (step_ms, amount, money, slot, is_risky, freezes) in enumerate(acted[:count]):
            reached[place] += step_ms
            name = f"{place}"
            kind = min(slot, len(churn.kinds) - 1)
            signals.append(Acted(name, f"{number}", reached[place], amount, money, kind, is_risky))
            if freezes:
                frozen[place] = (float(START_MS), FROZEN)
        at_ms = np.array([signal.event_time_ms for signal in signals], np.float64)
        acts = columns_of(signals, at_ms)
        one_by_one = [
            fold(
                value, float(signal.event_time_ms), log_amount_of(signal.amount),
                signal.money_minor, signal.slot, signal.is_risky, digest,
                *frozen.get(place, (0.0, b"")),
            )
            for place, (value, signal, digest) in enumerate(
                zip(values, signals, acts.digests, strict=True)
            )
        ]  # fmt: skip
        folded, heads = fold_rows(values, matrix(values), acts, frozen)

        assert folded == one_by_one
        assert heads.tobytes() == matrix(one_by_one).tobytes()
        values = one_by_one
