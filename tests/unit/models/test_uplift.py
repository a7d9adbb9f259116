"""What a contact changes: stories and laws of the model of the effect, and small worlds."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.decisions.uplift import KINDS, lived
from models.feature_list import WIDTH
from models.snapshot import Refusal, SnapshotRefused
from models.uplift import EXPLORED, UNKNOWN, Gauge, Uplift, UpliftLearner, check, refuses, unknown

TREATED = 0.9


def taught(
    count: int, seed: int = 0, *, treated: float = TREATED, effect: float = 0.3
) -> tuple[UpliftLearner, NDArray[np.float32]]:
    """Return a learner of users whom contact helps if feature 0 is high, else harms, and them."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, WIDTH)).astype(np.float32)
    arm = rng.random(count) < treated
    chance = 0.5 + 0.15 * np.tanh(rows[:, 1]) + effect * np.sign(rows[:, 0]) * arm
    returned = rng.random(count) < chance
    learner = UpliftLearner()
    for row, came, was in zip(rows, returned.tolist(), arm.tolist(), strict=True):
        learner.learn(row, float(came), float(was), treated)
    return learner, rows


def test_nothing_learned_is_unknown_and_the_gate_is_open() -> None:
    mean, error = unknown(3)
    assert mean.tolist() == [0.0] * 3
    assert error.tolist() == [UNKNOWN] * 3
    assert not refuses(mean, error).any()
    assert 0.0 < EXPLORED < 0.2


def test_a_few_episodes_are_no_reason_to_refuse_anybody_for_certain() -> None:
    learner, rows = taught(20, effect=0.0)
    mean, error = Gauge(learner.state()).lift(rows)
    assert (error > 0.05).all()
    assert (np.abs(mean) < 2.0 * error).all()


def test_it_finds_whom_contact_helps_and_whom_it_harms() -> None:
    learner, rows = taught(8_000)
    mean, error = Gauge(learner.state()).lift(rows)
    clear = np.abs(rows[:, 0]) > 0.7
    helped = rows[:, 0] > 0.0
    assert (mean[clear & helped] > 0.0).mean() > 0.95
    assert refuses(mean, error)[clear & ~helped].mean() > 0.9
    assert refuses(mean, error)[clear & helped].mean() < 0.05
    assert 0.1 < mean[clear & helped].mean() < 0.35  # 800 held out: it is still cautious.


def test_where_nobody_is_held_out_nothing_is_learned_of_the_effect() -> None:
    """Who returns is learned well, but with nothing to compare it says nothing of contact."""
    learner, rows = taught(3_000, treated=1.0)
    mean, error = Gauge(learner.state()).lift(rows)
    assert np.abs(mean).max() < 0.02
    assert np.median(error) > 0.1


def test_the_share_that_is_held_out_may_change() -> None:
    """Returns got rarer as more were held out; that is no effect of contact."""
    rng = np.random.default_rng(5)
    learner = UpliftLearner()
    for chance, share in ((0.6, 0.95), (0.2, 0.6)):
        for _ in range(3_000):
            row = rng.normal(size=WIDTH).astype(np.float32)
            arm = float(rng.random() < share)
            learner.learn(row, float(rng.random() < chance), arm, share)
    mean, error = Gauge(learner.state()).lift(rng.normal(size=(500, WIDTH)).astype(np.float32))
    assert abs(mean.mean()) < 0.04
    assert (np.abs(mean) < 3.0 * error).mean() > 0.95


@pytest.fixture(scope="module")
def state() -> Uplift:
    return taught(400)[0].state()


@given(st.integers(1, 1_500), st.data())
def test_an_answer_depends_on_its_own_row_alone(
    state: Uplift, count: int, data: st.DataObject
) -> None:
    rows = np.random.default_rng(count).normal(0, 3, (count, WIDTH)).astype(np.float32)
    gauge = Gauge(state)
    mean, error = gauge.lift(rows)
    begin = data.draw(st.integers(0, count - 1))
    end = data.draw(st.integers(begin + 1, count))
    part = gauge.lift(rows[begin:end])
    assert part[0].tobytes() == mean[begin:end].tobytes()
    assert part[1].tobytes() == error[begin:end].tobytes()


@given(st.integers(0, 5), st.floats(-1e30, 1e30))
def test_no_row_is_so_odd_that_it_breaks_the_answer(state: Uplift, place: int, odd: float) -> None:
    rows = np.zeros((1, WIDTH), np.float32)
    rows[0, place] = odd
    mean, error = Gauge(state).lift(rows)
    assert -1.0 <= mean[0] <= 1.0
    assert 0.0 < error[0] < 2.0


def test_learning_goes_on_from_a_state_as_if_it_had_never_stopped() -> None:
    whole, rows = taught(300)
    half, _ = taught(300)
    kept = msgspec.json.decode(msgspec.json.encode(half.state()), type=Uplift)
    second = UpliftLearner()
    second.restore(kept)
    for learner in (whole, second):
        for row in rows:
            learner.learn(row, 1.0, 1.0, TREATED)
    assert second.state() == whole.state()


@pytest.mark.parametrize(
    "broken",
    [
        {"weights": b""},
        {"weights": np.full(82, np.nan).tobytes()},
        {"covariance": np.zeros(82 * 83 // 2).tobytes()},
        {"scaler": b"1234567"},
    ],
)
def test_a_state_that_is_not_whole_is_refused(state: Uplift, broken: dict[str, bytes]) -> None:
    with pytest.raises(SnapshotRefused) as refused:
        check(msgspec.structs.replace(state, **broken))
    assert refused.value.reason == Refusal.BROKEN_NUMBERS


def test_an_answer_costs_a_microsecond(state: Uplift) -> None:
    """Of CPU, with room for a busy machine."""
    rows = np.random.default_rng(0).normal(size=(20_000, WIDTH)).astype(np.float32)
    gauge, cost = Gauge(state), []
    for _ in range(5):
        begin = time.process_time()
        gauge.lift(rows)
        cost.append((time.process_time() - begin) / len(rows))
    assert min(cost) < 4e-6


def test_dogs_are_left_asleep_and_value_is_earned() -> None:
    """One world each of what `benchmarks.decisions.uplift` proves over many."""
    assert lived(KINDS["dogs"], 1, "ungated").value < 0.0
    assert lived(KINDS["dogs"], 1, "full").late > 0.0
    first = lived(KINDS["usual"], 1, "risk_first").value
    assert lived(KINDS["usual"], 1, "full").value > 1.5 * first
