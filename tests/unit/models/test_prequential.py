"""Prequential scores equal their definitions on the newest outcomes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prequential import Prequential, auc

outcomes = st.lists(
    st.tuples(st.sampled_from((0.0, 0.1, 0.5, 0.9, 1.0)), st.booleans()), min_size=1, max_size=60
)


@given(outcomes)
def test_auc_is_the_share_of_pairs_in_the_right_order(seen: list[tuple[float, bool]]) -> None:
    stayed = [p for p, happened in seen if happened]
    left = [p for p, happened in seen if not happened]
    said, happened = (np.array(column) for column in zip(*seen, strict=True))
    pairs = [(a > b) + (a == b) / 2 for a in stayed for b in left]
    expected = sum(pairs) / len(pairs) if pairs else None

    assert auc(said, happened) == (expected if expected is None else pytest.approx(expected))


@given(outcomes, st.integers(1, 20))
def test_only_the_newest_outcomes_count(seen: list[tuple[float, bool]], window: int) -> None:
    rolling, fresh = Prequential(window), Prequential(window)
    for probability, happened in seen:
        rolling.update(np.array([probability]), np.array([happened]))
    for probability, happened in seen[-window:]:
        fresh.update(np.array([probability]), np.array([happened]))
    scores, expected = rolling.as_dict(), fresh.as_dict()

    assert scores.pop("outcomes") == len(seen)
    expected.pop("outcomes")
    assert scores == pytest.approx(expected, nan_ok=True)


def test_a_batch_larger_than_the_window_keeps_its_end() -> None:
    quality = Prequential(window=10)
    quality.update(np.linspace(0.1, 0.9, 100), np.arange(100) >= 90)

    assert quality.as_dict()["base_rate"] == 1.0


def test_log_loss_is_that_of_the_book() -> None:
    quality = Prequential()
    quality.update(np.array([0.8, 0.3]), np.array([True, False]))

    assert quality.as_dict()["log_loss"] == pytest.approx(-(math.log(0.8) + math.log(0.7)) / 2)


def test_nothing_seen_is_nothing_known() -> None:
    assert Prequential().as_dict()["auc"] is None
