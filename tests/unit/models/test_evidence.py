"""An interval that may be looked at any time is wrong as seldom as it says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evidence import ALPHA, BATCHES_MIN, RHO2, Evidence, Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

WORLDS, LOOKS = 200, 2_000
Draw = "Callable[[np.random.Generator], NDArray[np.float64]]"


def even(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.normal(0.0, 1.0, LOOKS)


def sizes_differ(rng: np.random.Generator) -> NDArray[np.float64]:
    """Batches of one to two hundred outcomes; their sums are as wide as the root of their size."""
    return rng.normal(0.0, 1.0, LOOKS) * np.sqrt(rng.integers(1, 200, LOOKS))


def a_service_that_grows(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.normal(0.0, 1.0, LOOKS) * np.sqrt(np.minimum(np.arange(1, LOOKS + 1) * 5, 3_000))


def heavy_tails(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.standard_t(3.0, LOOKS)


def neighbours_are_alike(rng: np.random.Generator) -> NDArray[np.float64]:
    """The correlation that differences of models were seen to have on real logs: .1 at each lag."""
    shared = np.convolve(rng.normal(0.0, 1.0, LOOKS + 3), np.ones(4) / 2.0, "valid")
    return math.sqrt(0.12) * shared + math.sqrt(0.88) * rng.normal(0.0, 1.0, LOOKS)


def ever_sure(sums: NDArray[np.float64]) -> tuple[bool, bool]:
    """Return whether at any look it was certain that the mean is above, and below, nothing."""
    evidence, above, below = Evidence(), False, False
    for total in sums.tolist():
        evidence.add((total,))
        evidence.close()
        interval = evidence.interval()
        if interval is not None:
            above, below = above or interval.low > 0.0, below or interval.high < 0.0
    return above, below


@pytest.mark.parametrize(
    "draw", [even, sizes_differ, a_service_that_grows, heavy_tails, neighbours_are_alike]
)
def test_where_nobody_is_better_thousands_of_looks_find_nobody(
    draw: Callable[[np.random.Generator], NDArray[np.float64]],
) -> None:
    sure = [ever_sure(draw(np.random.default_rng(seed))) for seed in range(WORLDS)]

    assert np.mean([above for above, _ in sure]) <= 0.05
    assert np.mean([below for _, below in sure]) <= 0.05


def test_who_is_better_is_found() -> None:
    found = [ever_sure(even(np.random.default_rng(seed)) + 0.4) for seed in range(40)]

    assert all(above and not below for above, below in found)


def test_the_interval_holds_the_truth_at_every_look() -> None:
    covered = []
    for seed in range(60):
        evidence, holds = Evidence(), True
        for total in (np.random.default_rng(seed).normal(2.0, 5.0, 400)).tolist():
            evidence.add([total / 10] * 10)
            evidence.close()
            interval = evidence.interval()
            holds &= interval is None or interval.low <= 0.2 <= interval.high
        covered.append(holds)

    assert np.mean(covered) >= 0.95


@given(st.lists(st.floats(-1, 1), min_size=BATCHES_MIN, max_size=BATCHES_MIN + 20))
def test_it_equals_the_formula_of_the_paper(sums: list[float]) -> None:
    evidence = Evidence()
    for total in sums:
        evidence.add((total / 2, total / 2))
        evidence.close()
    count, mean = len(sums), float(np.mean(sums))
    spread = count * RHO2 + 1
    bound = math.sqrt(2 * spread / (count**2 * RHO2) * math.log(math.sqrt(spread) / ALPHA))
    width = float(np.std(sums)) * bound
    interval = evidence.interval()

    assert interval is not None
    assert (interval.mean, interval.low, interval.high) == pytest.approx(
        (mean / 2, (mean - width) / 2, (mean + width) / 2), abs=1e-7
    )


@given(st.lists(st.lists(st.floats(-1, 1), max_size=5), max_size=40), st.integers(1, 7))
def test_how_a_batch_comes_in_does_not_matter(batches: list[list[float]], cut: int) -> None:
    whole, parts = Evidence(), Evidence()
    for batch in batches:
        whole.add(batch)
        whole.close()
        for start in range(0, len(batch), cut):
            parts.add(batch[start : start + cut])
        parts.close()

    assert parts == whole
    assert whole.batches == sum(map(bool, batches))
    assert whole.rows == sum(map(len, batches))


def test_too_little_is_no_answer_and_equal_models_are_equal() -> None:
    evidence = Evidence()
    for _ in range(BATCHES_MIN - 1):
        evidence.add((0.5,))
        evidence.close()
        evidence.close()  # Nothing new is no batch.
    assert evidence.interval() is None
    same = Evidence()
    for _ in range(200):
        same.add((0.0, 0.0))
        same.close()

    assert same.interval() == Interval(0.0, 0.0, 0.0)
