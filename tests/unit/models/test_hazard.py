"""Probabilities over the silent path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features import PLAIN_WIDTH, WIDTH, Rhythm
from models.hazard import (
    LOGIT_MAX,
    PATH_ROWS,
    Weights,
    hazard,
    quiet_probability,
    reach_probability,
)
from tests.oracles_models import features_of, linear_logit, quiet_of, reach_of, step_hazard
from tests.unit.models.histories import HORIZON_MS, crowd, users

QUESTIONS = (hazard, quiet_probability, reach_probability)
every_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.__name__)


def weights(seed: int = 1, scale: float = 0.3, width: int = WIDTH) -> Weights:
    rng = np.random.default_rng(seed)
    return Weights(
        w=rng.normal(0, scale, (width, 1)),
        b=0.3,
        middle=rng.normal(0, 1, (width, 1)),
        reach=rng.uniform(2, 8, (width, 1)),
    )


@given(users(), st.sampled_from((PLAIN_WIDTH, WIDTH)))
def test_the_path_equals_its_slow_twin(user: tuple[list[float], float], width: int) -> None:
    head, at_ms = user
    model, heads, instants = weights(width=width), np.array([head]), np.array([at_ms])
    now = step_hazard(linear_logit(model, features_of(head, at_ms, HORIZON_MS)))

    assert hazard(model, heads, instants, HORIZON_MS)[0] == pytest.approx(now)
    assert quiet_probability(model, heads, instants, HORIZON_MS)[0] == pytest.approx(
        quiet_of(model, head, at_ms, HORIZON_MS)
    )
    assert reach_probability(model, heads, instants, HORIZON_MS)[0] == pytest.approx(
        reach_of(model, head, at_ms, HORIZON_MS)
    )


@every_question
@given(user=users(), seed=st.integers(0, 99))
def test_an_extreme_row_cannot_explode(
    question: object, user: tuple[list[float], float], seed: int
) -> None:
    head, at_ms = user
    assert callable(question)
    model = weights(seed, scale=1e6)
    with np.errstate(all="raise", under="ignore"):
        said = question(model, np.array([head]), np.array([at_ms]), HORIZON_MS)[0]

    assert 0.0 <= said <= 1.0


def test_the_logit_has_limits() -> None:
    heads, at_ms = crowd(50)
    said = hazard(weights(scale=1e6), heads, at_ms, HORIZON_MS)

    assert set(np.round(np.log(said / (1 - said)), 6)) <= {-LOGIT_MAX, LOGIT_MAX}


def test_a_silence_that_has_reached_the_horizon_is_certain() -> None:
    heads, _ = crowd(50)
    last = heads[:, Rhythm.LAST]
    for silence_ms in (HORIZON_MS, HORIZON_MS + 1, 100 * HORIZON_MS):
        said = reach_probability(weights(), heads, last + silence_ms, float(HORIZON_MS))
        assert (said == 1.0).all()


def test_at_the_last_event_both_probabilities_are_the_same_path() -> None:
    heads, _ = crowd(50)
    last = heads[:, Rhythm.LAST].copy()

    assert np.array_equal(
        reach_probability(weights(), heads, last, HORIZON_MS),
        quiet_probability(weights(), heads, last, HORIZON_MS),
    )


def test_the_silence_is_more_likely_to_reach_the_horizon_than_to_last_another() -> None:
    heads, at_ms = crowd(200)
    quiet = quiet_probability(weights(), heads, at_ms, HORIZON_MS)

    assert (reach_probability(weights(), heads, at_ms, HORIZON_MS) >= quiet).all()


@every_question
@pytest.mark.parametrize("size", [0, 1, 2, 5, 64])
def test_neighbours_and_chunks_change_nothing(question: object, size: int) -> None:
    assert callable(question)
    heads, at_ms = crowd(200)
    together = question(weights(), heads, at_ms, HORIZON_MS)
    some = np.random.default_rng(size).permutation(200)[:size]
    alone = question(weights(), heads[some], at_ms[some], HORIZON_MS)

    assert np.array_equal(alone, together[some])


@every_question
def test_many_blocks_equal_one(question: object) -> None:
    assert callable(question)
    heads, at_ms = crowd(150)
    times = 4 * PATH_ROWS // 150 + 2
    many = question(weights(), np.tile(heads, (times, 1)), np.tile(at_ms, times), HORIZON_MS)

    assert np.array_equal(many, np.tile(question(weights(), heads, at_ms, HORIZON_MS), times))
