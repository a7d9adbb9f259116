"""A row comes to what its record would come to."""

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.inputs import Acted
from streams.core.native import WATERMARK_EVENT, make_decode
from streams.core.record_limits import EVENT_ID_MAX, NAME_MAX
from streams.core.rules import Rules
from streams.core.time import FAR_FUTURE_MS
from streams.replay.blocks import Block
from streams.replay.events import encoded
from streams.replay.reading import ID_MAX, make_read
from streams.replay.rulebook import redefined, rules_at

NOW_MS = 1_600_000_000_000
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
names = st.sampled_from(
    ["purchase", "refund", "visit", "consent", "opt_out", "complaint", "$identify", "$coverage",
     WATERMARK_EVENT, "x" * NAME_MAX, "x" * (NAME_MAX + 1)]
)  # fmt: skip
times = st.sampled_from([-1, 0, 1, NOW_MS, NOW_MS + 3_600_000, NOW_MS + 3_600_001, FAR_FUTURE_MS])


@pytest.fixture(scope="module")
def rules() -> Rules:
    return redefined(rules_at(""), horizon_days=30, min_active_days=5, kinds=("purchase", "visit"))


@given(
    event_id=texts, user_id=texts, event=names | texts, at_ms=times | st.integers(1, NOW_MS),
    amount=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
@example("e" * EVENT_ID_MAX, "好" * ID_MAX, "purchase", NOW_MS, 12.5)
@example("e" * (EVENT_ID_MAX + 1), "u", "purchase", NOW_MS, 12.5)
@example("e", "u" * (ID_MAX * 4), "purchase", NOW_MS, 12.5)
@example("e", "u\0", "purchase", NOW_MS, None)
@example("", "u", "purchase", NOW_MS, None)
@example("e", "u", "purchase", NOW_MS, sys.float_info.max)
def test_a_row_comes_to_what_its_record_comes_to(
    rules: Rules, event_id: str, user_id: str, event: str, at_ms: int, amount: float | None
) -> None:
    block = Block([1], [event_id], [user_id], [at_ms], [event], [amount], None)
    (value,) = encoded(block)
    (found,) = make_read(rules, NOW_MS)(block)
    assert found == make_decode(rules)(user_id.encode(), value, NOW_MS)


def test_a_row_with_further_columns_is_read_as_its_record(rules: Rules) -> None:
    extras = [{"currency": "CNY", "properties": {"shop": "north"}}]
    block = Block([1], ["e"], ["ada"], [NOW_MS], ["purchase"], [2.5], extras)
    (found,) = make_read(rules, NOW_MS)(block)
    assert isinstance(found, Acted)
    assert found == make_decode(rules)(b"ada", encoded(block)[0], NOW_MS)
