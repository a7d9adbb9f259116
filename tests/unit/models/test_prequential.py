"""Grades equal their definitions, and those of scikit-learn."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from models.calibration import ece, ece_floor, reliability
from models.prequential import auc, average_precision, grades, log_losses

outcomes = st.lists(
    st.tuples(st.sampled_from((0.0, 0.1, 0.5, 0.9, 1.0)), st.booleans()), min_size=1, max_size=60
)
Seen = list[tuple[float, bool]]


@given(outcomes)
def test_auc_is_the_share_of_pairs_in_the_right_order(seen: Seen) -> None:
    stayed = [p for p, happened in seen if happened]
    left = [p for p, happened in seen if not happened]
    said, happened = (np.array(column) for column in zip(*seen, strict=True))
    pairs = [(a > b) + (a == b) / 2 for a in stayed for b in left]
    expected = sum(pairs) / len(pairs) if pairs else None

    assert auc(said, happened) == (expected if expected is None else pytest.approx(expected))


@given(outcomes)
def test_grades_equal_those_of_scikit_learn(seen: Seen) -> None:
    said, happened = (np.array(column) for column in zip(*seen, strict=True))
    found = grades(said, happened)
    inside = np.clip(said, 1e-7, 1 - 1e-7)

    assert found.brier == pytest.approx(metrics.brier_score_loss(happened, said, labels=[0, 1]))
    assert found.log_loss == pytest.approx(metrics.log_loss(happened, inside, labels=[0, 1]))
    if happened.any():
        assert found.ap == pytest.approx(metrics.average_precision_score(happened, said))
    if 0 < happened.sum() < len(happened):
        assert found.auc == pytest.approx(metrics.roc_auc_score(happened, said))


@given(outcomes)
def test_the_calibration_error_equals_its_slow_twin(seen: Seen) -> None:
    said, happened = (np.array(column) for column in zip(*seen, strict=True))
    order = sorted(range(len(seen)), key=lambda place: seen[place][0])
    size, more = divmod(len(seen), 10)
    off, start = 0.0, 0
    for number in range(10):
        bin_ = order[start : start + size + (number < more)]
        start += len(bin_)
        off += abs(sum(seen[n][0] - seen[n][1] for n in bin_))

    assert ece(said, happened) == pytest.approx(off / len(seen), abs=1e-12)


def test_a_perfect_model_has_the_error_of_the_floor() -> None:
    rng = np.random.default_rng(3)
    said = rng.random(4_000)
    floor, off = ece_floor(said), ece(said, rng.random(4_000) < said)

    assert off == pytest.approx(floor, abs=0.006)
    assert ece(said, rng.random(4_000) < said**2) > 5 * floor


def test_the_bins_of_a_diagram_hold_everybody() -> None:
    rng = np.random.default_rng(3)
    said = rng.random(1_003)
    happened = rng.random(1_003) < said
    bins = reliability(said, happened)

    assert sum(one.rows for one in bins) == 1_003
    assert [one.said for one in bins] == sorted(one.said for one in bins)
    assert sum(one.seen * one.rows for one in bins) == pytest.approx(happened.sum())


def test_log_loss_is_that_of_the_book_and_has_a_limit() -> None:
    said, happened = np.array([0.8, 0.3]), np.array([True, False])

    assert log_losses(said, happened).mean() == pytest.approx(-(math.log(0.8) + math.log(0.7)) / 2)
    assert log_losses(np.array([0.0]), np.array([True]))[0] < 17


def test_what_cannot_be_known_is_not_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing = grades(np.zeros(0), np.zeros(0, bool))
        only = grades(np.full(3, 0.5), np.zeros(3, bool))

    assert (nothing.outcomes, nothing.auc, nothing.brier) == (0, None, None)
    assert (only.outcomes, only.auc, only.ap, only.base_rate) == (3, None, None, 0.0)
    assert average_precision(np.array([0.5]), np.array([True])) == 1.0
