"""A calibration helps where a bias lasts, and cannot ruin where it does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from models.calibration import (
    FIT_ROWS_MIN,
    GUARD_ROWS,
    IDENTITY,
    Calibrator,
    Platt,
    fit,
    logit,
    sigmoid,
)
from models.roster import ASSEMBLIES_PER_HORIZON

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HORIZONS: Final = 14


class Cost(NamedTuple):
    """Brier score above that of the raw values, with the guard and without; how often in force."""

    guarded: float
    unguarded: float
    in_force: float


def live(bias: Callable[[float], float], rows: int, seed: int = 0) -> Cost:
    """Live many horizons with a model whose log-odds are off by a bias; outcomes are H old.

    Args:
        bias: The time in horizons to the bias of then.
        rows: Outcomes between two assemblies.
        seed: Of the world.
    """
    rng, calibrator, waiting = np.random.default_rng(seed), Calibrator(), []
    guarded, unguarded, in_force = [], [], []
    for assembly in range(HORIZONS * ASSEMBLIES_PER_HORIZON):
        odds = rng.normal(-0.8, 1.3, rows)
        raw = sigmoid(odds - bias(assembly / ASSEMBLIES_PER_HORIZON))
        churned = rng.random(rows) < sigmoid(odds)
        candidate, said = calibrator.platt(raw), calibrator.in_force(raw)
        off = (raw - churned) ** 2
        guarded.append(np.mean((said - churned) ** 2 - off))
        unguarded.append(np.mean((candidate - churned) ** 2 - off))
        in_force.append(calibrator.in_force != IDENTITY)
        waiting.append((raw, candidate, churned))
        if assembly >= ASSEMBLIES_PER_HORIZON:
            calibrator.update(*waiting[assembly - ASSEMBLIES_PER_HORIZON])
        calibrator.refit()
    return Cost(*(float(np.mean(column)) for column in (guarded, unguarded, in_force)))


def flips(horizons: float) -> float:
    return 0.6 * (-1) ** int(horizons)


@pytest.mark.parametrize("rows", [20, 100, 400])
def test_a_bias_that_turns_every_horizon_cannot_ruin(rows: int) -> None:
    """What a calibrator learns is H old, so here it is always the contrary of what is needed."""
    assert live(flips, rows).guarded < 1e-4


def test_without_the_guard_it_would_have_ruined() -> None:
    assert live(flips, 400).unguarded > 0.01


@pytest.mark.parametrize("rows", [20, 400])
def test_where_nothing_is_off_nothing_is_done(rows: int) -> None:
    cost = live(lambda _: 0.0, rows)

    assert abs(cost.guarded) < 1e-4
    assert cost.in_force < 0.05


@pytest.mark.parametrize("rows", [20, 400])
def test_a_bias_that_lasts_is_corrected(rows: int) -> None:
    cost = live(lambda horizons: 0.6 + 0.3 * math.sin(horizons / 12), rows)

    assert cost.guarded < 0.7 * cost.unguarded < -0.005
    assert cost.in_force > 0.5


@pytest.mark.parametrize("seed", range(12))
def test_the_fit_is_that_of_greatest_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = rng.normal(rng.normal(0.0, 2.0), rng.uniform(0.1, 4.0), 60)
    happened = rng.random(60) < sigmoid(rng.normal() + rng.normal(0.7, 1.0) * z)

    def cost(at: NDArray[np.float64]) -> float:
        odds = at[0] + at[1] * z
        ridge = 0.5 * (at[0] ** 2 + (at[1] - 1.0) ** 2)
        return float((np.logaddexp(0.0, odds) - happened * odds).sum() + ridge)

    best = minimize(cost, [0.0, 1.0], method="BFGS").x
    found = fit(sigmoid(z), happened)

    assert tuple(found) == pytest.approx(best, abs=1e-3) if best[1] > 0.0 else found == IDENTITY


@given(
    st.floats(-12, 12), st.floats(0.01, 6), st.floats(-8, 8), st.floats(0, 6), st.integers(0, 99)
)
def test_the_fit_never_overshoots(
    level: float, spread: float, shift: float, slope: float, seed: int
) -> None:
    """Whole Newton steps do, where nearly everything is certain."""
    rng = np.random.default_rng(seed)
    z = rng.normal(level, spread, 800)
    happened = rng.random(800) < sigmoid(shift + slope * z)
    raw = sigmoid(z)
    with np.errstate(all="raise", under="ignore"):
        said = fit(raw, happened)(raw)

    assert np.isfinite(said).all()
    assert np.mean((said - happened) ** 2) <= np.mean((raw - happened) ** 2) + 0.01


@given(st.floats(-9, 9), st.floats(0.01, 9), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_a_calibration_keeps_the_order_and_what_is_certain(
    shift: float, slope: float, said: list[float]
) -> None:
    raw = np.array([0.0, *sorted(said), 1.0])
    calibrated = Platt(shift, slope)(raw)

    assert (np.diff(calibrated) >= 0.0).all()
    assert (calibrated[0], calibrated[-1]) == (0.0, 1.0)
    assert IDENTITY(raw) is raw


def test_a_wrong_order_is_nothing_to_calibrate() -> None:
    raw = np.repeat([0.1, 0.9], 400)

    assert fit(raw, raw < 0.5) == IDENTITY


def test_log_odds_and_back() -> None:
    said = np.array([1e-6, 0.2, 0.5, 0.999])

    assert sigmoid(logit(said)) == pytest.approx(said, rel=1e-6)
    assert logit(np.array([0.0, 1.0])).tolist() == [-15.0, 15.0]
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([-1e9, 1e9])).tolist() == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize("answer", [False, True])
def test_one_kind_of_outcome_alone_calibrates_nothing(*, answer: bool) -> None:
    calibrator = Calibrator()
    for _ in range(100):
        said = np.full(FIT_ROWS_MIN // 10, 0.3)
        calibrator.update(said, said, np.full(len(said), answer))
        calibrator.refit()

    assert calibrator.platt == calibrator.in_force == IDENTITY
    assert len(calibrator.raw) == GUARD_ROWS
