"""One law book for whatever scores: every model, a guest, blends with the prior, a calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import LOGIT_MAX, logit, sigmoid
from models.features import BLOCK_ROWS, GROUPS, RHYTHM_WIDTH, Rhythm
from models.hazard import PATH_ROWS
from models.reasons import BASE, GRAIN, REASONS_MAX, changed, listed
from tests.unit.models.cast import SCORERS, scorer, weird
from tests.unit.models.histories import HORIZON_MS, crowd, users

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUESTIONS = ("hazard", "quiet", "reach")
SIZES = (1, 2, 3, PATH_ROWS - 1, PATH_ROWS, PATH_ROWS + 1, BLOCK_ROWS - 1, BLOCK_ROWS + 1, 2_000)
every_scorer = pytest.mark.parametrize("name", SCORERS)
every_question = pytest.mark.parametrize("question", QUESTIONS)
Columns = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def ask(name: str, question: str, asked: Columns) -> NDArray[np.float64]:
    said: NDArray[np.float64] = getattr(scorer(name), question)(*asked)
    return said


@every_scorer
@every_question
def test_whatever_the_history_the_answer_is_a_probability(name: str, question: str) -> None:
    with np.errstate(all="raise", under="ignore"):
        said = ask(name, question, weird())

    assert ((said >= 0.0) & (said <= 1.0)).all()


@every_scorer
@settings(max_examples=25)
@given(user=users())
def test_no_user_is_too_strange(name: str, user: tuple[list[float], float]) -> None:
    asked = np.array([user[0]]), np.array([user[1]])
    for question in QUESTIONS:
        assert 0.0 <= ask(name, question, asked)[0] <= 1.0
    assert np.isfinite([weight for _, weight in scorer(name).explain(*asked)[0]]).all()


@every_scorer
@every_question
def test_a_row_does_not_depend_on_the_others_to_the_last_bit(name: str, question: str) -> None:
    heads, at_ms = crowd(80)
    alone = np.array([ask(name, question, (heads[[n]], at_ms[[n]]))[0] for n in range(80)])
    rng = np.random.default_rng(0)
    for size in SIZES:
        some = rng.integers(0, 80, size)
        assert np.array_equal(ask(name, question, (heads[some], at_ms[some])), alone[some])


@every_scorer
def test_an_explanation_does_not_depend_on_the_others_to_the_last_bit(name: str) -> None:
    heads, at_ms = crowd(60)
    explain = scorer(name).explain
    alone = [explain(heads[[n]], at_ms[[n]])[0] for n in range(60)]

    assert explain(heads, at_ms) == alone
    assert explain(heads[::-1], at_ms[::-1]) == alone[::-1]


@every_scorer
def test_one_step_bounds_the_path_while_a_period_is_left(name: str) -> None:
    """The pipeline computes the path only for those whom the bound does not rule out."""
    heads, _ = crowd(300)
    silence_ms = np.random.default_rng(1).uniform(0, 0.75 * HORIZON_MS, 300)
    silence_ms[:2] = 0.0, 0.75 * HORIZON_MS
    asked = heads, heads[:, Rhythm.LAST] + np.floor(silence_ms)

    assert (ask(name, "reach", asked) <= 1.0 - ask(name, "hazard", asked) + 1e-12).all()


@every_scorer
def test_a_silence_that_has_reached_the_horizon_is_certain(name: str) -> None:
    heads, _ = crowd(50)
    for silence_ms in (HORIZON_MS, HORIZON_MS + 1, 100 * HORIZON_MS):
        said = ask(name, "reach", (heads, heads[:, Rhythm.LAST] + silence_ms))
        assert (said == 1.0).all()


@every_scorer
def test_right_after_an_activity_both_silences_are_the_same(name: str) -> None:
    heads, _ = crowd(50)
    asked = heads, heads[:, Rhythm.LAST].copy()
    quiet = ask(name, "quiet", asked)
    if name == "calibrated":
        quiet = sigmoid((logit(quiet) - 0.4) / 0.8)

    assert ask(name, "reach", asked) == pytest.approx(quiet, abs=1e-9)


@every_scorer
def test_groups_and_base_add_up_to_the_logit(name: str) -> None:
    for asked in (crowd(100), weird()):
        leaving = -logit(ask(name, "hazard", asked))
        for total, row in zip(leaving, scorer(name).explain(*asked), strict=True):
            codes = [code for code, _ in row]
            summed = min(max(sum(weight for _, weight in row), -LOGIT_MAX), LOGIT_MAX)
            assert summed == pytest.approx(total, abs=1e-6)
            assert codes[-1] == BASE
            assert len(set(codes)) == len(codes)
            assert {*codes} <= {*GROUPS, BASE}


@every_scorer
def test_reasons_are_the_head_of_the_explanation(name: str) -> None:
    heads, at_ms = crowd(100)
    whole = scorer(name).explain(heads, at_ms)
    for reasons, row in zip(scorer(name).reasons(heads, at_ms), whole, strict=True):
        assert reasons == row[:REASONS_MAX]
        weights = [weight for _, weight in row[:-1]]
        assert (np.diff(weights) <= GRAIN + 1e-12).all()


@every_scorer
def test_nobody_asked_nothing_said(name: str) -> None:
    nobody = np.empty((0, RHYTHM_WIDTH)), np.empty(0)

    assert [len(ask(name, question, nobody)) for question in QUESTIONS] == [0, 0, 0]
    assert scorer(name).explain(*nobody) == scorer(name).reasons(*nobody) == []


@every_scorer
def test_a_scorer_says_what_it_is(name: str) -> None:
    found = scorer(name)

    assert found.version
    assert found.examples >= 0
    assert found.may_alert is (name != "bgnbd_v1")


@every_scorer
def test_the_state_is_not_changed(name: str) -> None:
    heads, at_ms = crowd(20)
    before = heads.copy(), at_ms.copy()
    for question in (*QUESTIONS, "explain"):
        getattr(scorer(name), question)(heads, at_ms)

    assert np.array_equal(heads, before[0])
    assert np.array_equal(at_ms, before[1])


weights = st.lists(st.floats(-3, 3), min_size=4, max_size=4)


@given(weights)
def test_equal_evidence_is_told_in_the_order_of_the_features(said: list[float]) -> None:
    codes = ("a", "b", "c", "d")
    row = listed({code: np.array([w]) for code, w in zip(codes, said, strict=True)}, np.zeros(1))[0]
    steps = {code: round(w / GRAIN) for code, w in zip(codes, said, strict=True)}

    assert [code for code, _ in row[:-1]] == sorted(codes, key=lambda code: -steps[code])


def test_a_breath_of_evidence_does_not_turn_the_order() -> None:
    groups = {"silence": np.array([0.31, 0.30]), "value": np.array([0.30, 0.31])}
    first, second = listed(groups, np.zeros(2))

    assert [code for code, _ in first] == [code for code, _ in second]


def test_what_changed_adds_up_also_between_two_models() -> None:
    """A worker may have changed from the prior to a model between two scores."""
    then = (("silence", 1.0), ("frequency", -0.5), (BASE, 0.2))
    now = (("tenure", 0.4), ("silence", 0.25), (BASE, -0.1))

    assert changed(now, then) == (
        ("tenure", 0.4),
        ("silence", -0.75),
        (BASE, pytest.approx(-0.3)),
        ("frequency", 0.5),
    )
