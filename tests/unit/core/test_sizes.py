"""How large a partition is: what is estimated is near to what a count says."""

import numpy as np
import pytest

from streams.core import sizes
from streams.core.inputs import Acted
from streams.core.partition import Partition
from streams.core.rules_file import parse_rules
from streams.core.sizes import BANDS, Sizes
from streams.core.state import Column, matrix
from tests.unit.core.stories import ToldScorer, by_silence

RULES = parse_rules("")
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


def people(count: int, days: int) -> Partition:
    """Users who come more or less often, and some not for long."""
    partition = Partition(0, RULES, ToldScorer(by_silence))
    for day in range(days):
        at_ms = START_MS + day * DAY_MS
        partition.apply([
            Acted(f"user-{number}", f"{number}-{day}", at_ms + number)
            for number in range(count) if number % (day + 1) == 0
        ])  # fmt: skip
        partition.take()
    return partition


def counted(partition: Partition, now_ms: int) -> Sizes:
    """The slow twin: look at every user's bytes."""
    values = [partition.value(name) or b"" for name, _ in partition.values()]
    awake = [value for value in values if len(value) >= 8 * Column.UNHEARD]
    heads = matrix(awake)
    bands = {band: float(np.count_nonzero(heads[:, Column.BAND] == number))
             for number, band in enumerate(BANDS)}  # fmt: skip
    deadlines = partition._users.deadlines
    return Sizes(
        bands | {"asleep": float(len(values) - len(awake))},
        sum(map(len, values)), float(np.count_nonzero(heads[:, Column.FROZEN_AT])),
        int(np.count_nonzero(deadlines != np.inf)), int(np.count_nonzero(deadlines <= now_ms)),
    )  # fmt: skip


@pytest.mark.parametrize("days", [1, 40])
def test_a_small_partition_is_counted_and_a_large_one_estimated(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition, now_ms = people(300, days), START_MS + days * DAY_MS
    exact = counted(partition, now_ms)
    assert partition.sizes(now_ms) == exact
    monkeypatch.setattr(sizes, "SAMPLED", 100)
    near = partition.sizes(now_ms)
    assert near.state_bytes == pytest.approx(exact.state_bytes, rel=0.1)
    assert sum(near.bands.values()) == pytest.approx(partition.users)
    assert near.examples == pytest.approx(exact.examples, abs=30)
    assert (near.timers, near.due) == (exact.timers, exact.due)


def test_nobody_is_no_size() -> None:
    empty = Partition(0, RULES, ToldScorer(by_silence)).sizes(START_MS)
    assert empty == Sizes({"calm": 0, "elevated": 0, "high": 0, "asleep": 0}, 0, 0, 0, 0)
