"""Outcomes of the held-out stand for those who were contacted, and therefore left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.board import SERVED, Board
from models.calibration import Calibrator, ece, ece_floor, fit, reliability, sigmoid
from models.drift import Drift
from models.evidence import BATCHES_MIN, Evidence
from models.prequential import auc, average_precision, grades
from models.questions import Examples, Matured

H_MS = 30 * 86_400_000
SHARE = 0.1


def world(size: int, *, is_live: bool, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return what was said and seen of users, and their weight.

    In a live one whoever is about to leave is contacted and left out, but for a tenth that is held
    out and weighs ten.
    """
    random = np.random.default_rng(seed)
    said = sigmoid(random.normal(-0.5, 1.5, size))
    churned = random.random(size) < said
    if not is_live:
        return said, churned, np.ones(size)
    is_held_out = random.random(size) < SHARE
    left_in = ~churned | is_held_out
    weight = np.where(is_held_out, 1.0 / SHARE, 1.0)
    weight[~churned] = 1.0
    return said[left_in], churned[left_in], weight[left_in]


def matured(said: np.ndarray, churned: np.ndarray, weight: np.ndarray, at_ms: float) -> Matured:
    size = len(said)
    return Matured(
        users=np.arange(size, dtype=np.uint64), opened_at_ms=np.full(size, at_ms),
        churned=churned, weight=weight.astype(np.float32), rows=np.zeros((size, 40), np.float32),
        said=said, raw=said, candidate=said,
        models={"champion": said, "low": said / 4, "floor": np.full(size, 0.5)}, heads=None,
    )  # fmt: skip


def test_grades_are_those_of_a_world_in_which_nobody_is_contacted() -> None:
    """Without the weights only those would be graded who came back by themselves."""
    truth = grades(*world(40_000, is_live=False))
    board = Board(H_MS)
    board.see(matured(*world(40_000, is_live=True), at_ms=0.0), "champion", "floor")
    said, churned, weight = world(40_000, is_live=True)
    found, naive = grades(said, churned, weight), grades(said, churned)

    for measure in ("base_rate", "mean", "auc", "ap", "brier", "log_loss"):
        assert getattr(found, measure) == pytest.approx(getattr(truth, measure), rel=0.05), measure
    assert naive.base_rate < 0.2 * truth.base_rate
    assert found.ece < 0.02
    assert naive.ece > 0.2
    assert board.grades(SERVED).base_rate == pytest.approx(truth.base_rate, rel=0.1)
    assert sum(bin_.rows for bin_ in board.reliability()) == board.grades(SERVED).outcomes
    assert all(abs(said - seen) < 0.1 for said, seen, _ in board.reliability())


def test_a_model_that_is_too_sure_of_everybody_does_not_win() -> None:
    """Among those who came back it would: it says that nobody leaves."""
    board, naive = Board(H_MS), Board(H_MS)
    for batch in range(4 * BATCHES_MIN):
        said, churned, weight = world(200, is_live=True, seed=batch)
        at_ms = batch * H_MS / 16
        board.see(matured(said, churned, weight, at_ms), "champion", "floor")
        naive.see(matured(said, churned, np.ones(len(said)), at_ms), "champion", "floor")
        board.close()
        naive.close()

    assert naive.better() == "low"
    assert board.better() is None
    interval = board.evidence["low"].interval()
    assert interval is not None
    assert interval.high < 0.0


def test_a_calibration_aims_at_everybody() -> None:
    said, churned, weight = world(4_000, is_live=True)
    found, naive = fit(said, churned, weight), fit(said, churned)

    assert found(np.array([0.5]))[0] == pytest.approx(0.5, abs=0.05)
    assert naive(np.array([0.5]))[0] < 0.2
    calibrator = Calibrator()
    calibrator.update(said, said, churned, weight)
    calibrator.refit()
    assert calibrator.platt(np.array([0.5]))[0] == pytest.approx(0.5, abs=0.07)
    assert calibrator.gain == 0.0


outcomes = st.lists(
    st.tuples(st.floats(0, 1), st.booleans(), st.integers(1, 4)), min_size=1, max_size=40
)


@given(told=outcomes)
def test_a_weight_is_so_many_equal_outcomes(told: list[tuple[float, bool, int]]) -> None:
    said, churned, times = (np.array(column) for column in zip(*told, strict=True))
    weight = times.astype(float)
    often, seen = np.repeat(said, times), np.repeat(churned, times)

    for measure in (auc, average_precision):
        one, other = measure(said, churned, weight), measure(often, seen)
        assert one == (other if other is None else pytest.approx(other))
    one, other = grades(said, churned, weight), grades(often, seen)
    for name in ("base_rate", "mean", "brier", "log_loss"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))
    assert ece(said, churned, 1, weight) == pytest.approx(ece(often, seen, 1))
    assert fit(said, churned, weight) == pytest.approx(fit(often, seen), abs=1e-6)


@given(told=outcomes)
def test_weights_of_one_change_nothing(told: list[tuple[float, bool, int]]) -> None:
    said, churned, _ = (np.array(column) for column in zip(*told, strict=True))
    ones = np.ones(len(said))

    assert grades(said, churned, ones) == grades(said, churned)
    assert reliability(said, churned, weight=ones) == reliability(said, churned)
    assert ece_floor(said, weight=ones) == ece_floor(said)
    one, other = Evidence(), Evidence()
    one.add(said.tolist(), ones.tolist())
    other.add(said.tolist())
    assert one == other


def examples(size: int, week: int, *, weight: float, active: float) -> Examples:
    random = np.random.default_rng(week)
    at_ms = np.sort(random.uniform(0, 7 * 86_400_000, size)) + (week + 1) * 7 * 86_400_000
    happens = random.random(size) < active
    return Examples(
        at_ms - H_MS / 4, at_ms, happens, np.where(happens, 1.0, weight).astype(np.float32),
        random.normal(size=(size, 40)).astype(np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("parts", [1, 7])
def test_the_outcome_rate_is_that_of_everybody(parts: int) -> None:
    """From week 8 on the silent are contacted; a tenth of them is held out and weighs ten."""
    drift, naive = Drift.of(4 * 7 * 86_400_000), Drift.of(4 * 7 * 86_400_000)
    for week in range(16):
        is_live = week >= 8
        # Of ten silent users one is left: 70 of 100 are active, or 70 of 73.
        told = examples(4_000, week, weight=10.0 if is_live else 1.0,
                        active=70 / 73 if is_live else 0.7)  # fmt: skip
        for part in np.array_split(np.arange(4_000), parts):
            drift.see(Examples._make(column[part] for column in told))
        ones = np.ones(4_000, np.float32)
        naive.see(told._replace(weight=ones))
        assert "outcome_rate" not in drift.alarms
        if week == 11:
            assert "outcome_rate" in naive.alarms
    assert not drift.alarms


def test_how_examples_are_cut_does_not_matter_to_the_last_bit() -> None:
    """A weight of 1/.15 is no number of the machine's; sums must not depend on their order."""
    whole, parts = Drift.of(H_MS), Drift.of(H_MS)
    told = examples(3_000, 1, weight=1 / 0.15, active=0.7)
    whole.see(told)
    for part in np.array_split(np.arange(3_000), 11):
        parts.see(Examples._make(column[part] for column in told))
    assert whole == parts
