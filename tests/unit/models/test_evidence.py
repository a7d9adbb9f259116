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

WORLDS, LOOKS = 400, 3_000
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


def looks(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both ends of the interval at every look at batches of one outcome, by the paper."""
    count = np.arange(1, len(sums) + 1)
    mean = np.cumsum(sums) / count
    variance = np.maximum(np.cumsum(sums**2) / count - mean**2, 0.0)
    spread = count * RHO2 + 1.0
    bound = np.sqrt(2 * spread / (count**2 * RHO2) * np.log(np.sqrt(spread) / ALPHA))
    late = slice(BATCHES_MIN - 1, None)
    width = np.sqrt(variance) * bound
    return (mean - width)[late], (mean + width)[late]


def ever_sure(sums: NDArray[np.float64]) -> tuple[bool, bool]:
    """Return whether at any look it was certain that the mean is above, and below, nothing."""
    low, high = looks(sums)
    return bool((low > 0.0).any()), bool((high < 0.0).any())


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


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_the_formula_of_the_paper_at_every_look(seed: int) -> None:
    sums = np.random.default_rng(seed).normal(0.1, 1.0, 300)
    evidence, found = Evidence(), []
    for total in sums.tolist():
        evidence.add((total,))
        evidence.close()
        found.append(evidence.interval())
    known = [interval for interval in found if interval is not None]
    low, high = looks(sums)

    assert len(known) == len(low) == len(sums) - BATCHES_MIN + 1
    assert [one.low for one in known] == pytest.approx(low.tolist(), abs=1e-9)
    assert [one.high for one in known] == pytest.approx(high.tolist(), abs=1e-9)


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
