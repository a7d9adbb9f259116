"""What waits comes out in its own order, however it went in."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.features import RHYTHM_WIDTH, WIDTH
from models.questions import Examples, Openings, Outcomes
from models.queue import Queue


def examples(times: list[int], seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    at = np.array(times, float)
    rows = rng.integers(0, 2, (len(times), WIDTH)).astype(np.float32)
    weight = rng.integers(1, 3, len(times)).astype(np.float32)
    return Examples(at - 1.0, at, rng.random(len(times)) < 0.5, weight, rows)


def outcomes(times: list[int]) -> Outcomes:
    at, users = np.array(times, float), np.arange(len(times), dtype=np.uint64)
    return Outcomes(users, at - 9.0, at, users % 2 == 0, np.ones(len(times), np.float32))


def openings(times: list[int]) -> Openings:
    users = np.arange(len(times), dtype=np.uint64)
    return Openings(users, np.array(times, float), np.zeros((len(times), RHYTHM_WIDTH)))


def picked(columns: Any, rows: Any) -> Any:
    return type(columns)._make(column[rows] for column in columns)


def as_bytes(columns: Any) -> list[bytes]:
    return [np.ascontiguousarray(column).tobytes() for column in columns]


times = st.lists(st.integers(0, 5), min_size=1, max_size=30)  # Many are at the same millisecond.


@given(times, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_is_the_only_one(seen: list[int], chance: Any, cut: int) -> None:
    whole, parts = Queue(), Queue()
    all_ = examples(seen), openings(seen), outcomes(seen)
    whole.put(*all_)
    shuffled = list(range(len(seen)))
    chance.shuffle(shuffled)
    for start in range(0, len(seen), cut):
        parts.put(*(picked(columns, shuffled[start : start + cut]) for columns in all_))
    for until_ms in (2, 3, 6):
        for name in ("examples_before", "openings_before", "outcomes_before"):
            one, other = getattr(whole, name)(until_ms), getattr(parts, name)(until_ms)
            assert (one is None) == (other is None)
            assert one is None or as_bytes(one) == as_bytes(other)


@given(times, st.integers(0, 7))
def test_nothing_is_lost_and_nothing_comes_before_its_time(seen: list[int], until_ms: int) -> None:
    queue = Queue()
    queue.put(examples(seen), None, None)
    now, later = queue.examples_before(until_ms), queue.examples_before(100)
    found = [[] if part is None else part.matured_at_ms.tolist() for part in (now, later)]

    assert found[0] == sorted(at for at in seen if at < until_ms)
    assert found[1] == sorted(at for at in seen if at >= until_ms)
    assert queue.earliest_ms is None
    assert queue.newest_ms == max(seen)


def test_the_earliest_of_all_three_is_known() -> None:
    queue = Queue()
    queue.put(examples([5]), openings([3]), outcomes([4]))
    known = [queue.earliest_ms]
    queue.openings_before(4)
    known.append(queue.earliest_ms)
    queue.outcomes_before(5)
    known.append(queue.earliest_ms)

    assert known == [3, 4, 5]


def test_blocks_without_rows_are_nothing() -> None:
    queue = Queue()
    queue.put(examples([]), openings([]), outcomes([]))

    assert queue.earliest_ms is None
    assert queue.examples_before(10) is None
