"""Both estimators are River's: its own checks pass, and the fast doors give the same numbers."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
from river import checks, compose, datasets, evaluate, metrics

from models.feature_list import WIDTH
from models.scaler import FadingScaler
from models.second_order import SecondOrderLogisticRegression
from tests.oracles_models import SlowFilter
from tests.unit.models.histories import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from river import base

    Check = Callable[[base.Estimator], None]

ESTIMATORS = (FadingScaler(), SecondOrderLogisticRegression())
NAMES = [f"f{place}" for place in range(WIDTH)]


@pytest.fixture(name="river_checks")
def _river_checks(monkeypatch: pytest.MonkeyPatch) -> Callable[[base.Estimator], list[Check]]:
    # River imports scikit-learn for estimators with several targets, which ours are not.
    stand_in = ModuleType("sklearn")
    stand_in.datasets = None  # type: ignore[attr-defined]  # never used
    monkeypatch.setitem(sys.modules, "sklearn", stand_in)
    return lambda estimator: list(checks.yield_checks(estimator))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_the_checks_of_river_pass(
    estimator: base.Estimator, river_checks: Callable[[base.Estimator], list[Check]]
) -> None:
    cases = river_checks(estimator)

    assert len(cases) > 20
    for check in cases:
        check(estimator.clone())


def test_the_pipeline_learns_a_data_set_of_river() -> None:
    pipeline = compose.Pipeline(FadingScaler(), SecondOrderLogisticRegression())
    score = evaluate.progressive_val_score(datasets.Phishing(), pipeline, metrics.ROCAUC())

    assert score.get() > 0.94


def test_rows_and_dicts_are_the_same_learner_to_the_last_bit() -> None:
    rows, labels = examples(300)
    by_dict = compose.Pipeline(FadingScaler(), SecondOrderLogisticRegression())
    scaler, belief = FadingScaler(), SecondOrderLogisticRegression()
    scaler.reserve(NAMES)
    belief.reserve(NAMES)
    for row, label in zip(rows.astype(np.float64), labels.tolist(), strict=True):
        by_dict.learn_one(dict(zip(NAMES, row.tolist(), strict=True)), label, w=1.5)
    scaled = scaler.learn_rows(rows.astype(np.float64))
    for row, label in zip(scaled, labels.tolist(), strict=True):
        belief.learn_row(row, label, 1.5)

    twin_scaler, twin = by_dict["FadingScaler"], by_dict["SecondOrderLogisticRegression"]
    assert np.array_equal(twin_scaler.means, scaler.means)
    assert np.array_equal(twin_scaler.variances, scaler.variances)
    assert np.array_equal(twin.mean, belief.mean)
    assert np.array_equal(twin.covariance, belief.covariance)


def test_the_filter_equals_its_slow_twin() -> None:
    rows, labels = examples(400)
    rows = rows[:, :6].astype(np.float64)
    fast = SecondOrderLogisticRegression(noise=1e-4)
    fast.reserve(NAMES[:6])
    slow = SlowFilter(6, noise=1e-4, prior=0.02, prior_intercept=10.0)
    for place, (row, label) in enumerate(zip(rows, labels.tolist(), strict=True)):
        weight = 1.0 + place % 3
        assert fast.predict_row(row) == pytest.approx(slow.predict(row.tolist()))
        fast.learn_row(row, label, weight)
        slow.learn(row.tolist(), label, weight)

    assert fast.covariance.ravel() == pytest.approx(np.array(slow.covariance).ravel())


def test_the_belief_stays_a_covariance() -> None:
    rows, labels = examples(3_000)
    belief = SecondOrderLogisticRegression(noise=1e-3)
    belief.reserve(NAMES)
    for row, label in zip(rows.astype(np.float64), labels.tolist(), strict=True):
        belief.learn_row(row, label, 3.0)

    assert np.array_equal(belief.covariance, belief.covariance.T)
    assert np.linalg.eigvalsh(belief.covariance).min() > 0
    assert belief.covariance.diagonal()[1:].max() <= belief.prior


def test_the_scaler_is_exact_before_it_forgets() -> None:
    rows, _ = examples(500)
    scaler = FadingScaler()
    scaler.reserve(NAMES)
    scaler.learn_rows(rows.astype(np.float64))

    assert scaler.means == pytest.approx(rows.mean(axis=0, dtype=np.float64), rel=1e-6)
    assert scaler.variances == pytest.approx(rows.var(axis=0, dtype=np.float64), rel=1e-6)


def test_the_scaler_follows_a_jump() -> None:
    scaler = FadingScaler(memory=50)
    for place in range(1_000):
        scaler.learn_one({"x": 0.0 if place < 500 else 10.0})

    assert scaler.means[0] == pytest.approx(10.0, abs=0.01)
    assert scaler.transform_one({"x": 1e9, "never seen": 3.0}) == {"x": 5.0, "never seen": 0.0}
