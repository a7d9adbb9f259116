"""What a soak has shown: robust slopes and levels, so that one rebalance does not decide."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

WARM_UP_SHARE: Final = 0.2
"""So much of a run is not judged: caches fill, and the population finds its rhythm."""
SLOPE_MAX_MB_PER_H: Final = 1.0
TASKS_MORE_MAX: Final = 1.0
HANDLES_MORE_MAX: Final = 2.0
FLOOR_S: Final = 120.0
"""Of so much time the least memory counts: what is on its way between two looks is no growth."""
LAG_MORE_MAX_S: Final = 1.0
"""Seconds of input by which the median lag at the end may exceed that of the beginning."""


class Sample(NamedTuple):
    """What was seen of a worker at an instant.

    Attributes:
        at_s: Since the soak began.
        used_mb: Memory in use.
        resident_mb: Memory in use, and what lies free between it.
        tasks: Coroutines side by side.
        threads: Of the process.
        handles: Open files and sockets.
        lag: Records read later.
        partitions: How many it owned.
        users: Of how many it had the state.
    """

    at_s: float
    used_mb: float
    resident_mb: float
    tasks: float
    threads: float
    handles: float
    lag: float
    partitions: int
    users: int


class Judgement(NamedTuple):
    """What samples say of growth.

    Attributes:
        slope_mb_per_h: Of the memory in use.
        resident_mb_per_h: Of the resident memory.
        tasks_more: Median of the last third less that of the first.
        threads_more: The same.
        handles_more: The same.
        lag_more_s: The same, in seconds of input.
        used_mb: Median of the last third.
        resident_mb: The same.
        samples: How many were comparable.
    """

    slope_mb_per_h: float
    resident_mb_per_h: float
    tasks_more: float
    threads_more: float
    handles_more: float
    lag_more_s: float
    used_mb: float
    resident_mb: float
    samples: int

    @property
    def is_flat(self) -> bool:
        """Whether nothing grows."""
        return (
            self.slope_mb_per_h <= SLOPE_MAX_MB_PER_H
            and max(self.tasks_more, self.threads_more) <= TASKS_MORE_MAX
            and self.handles_more <= HANDLES_MORE_MAX
            and self.lag_more_s <= LAG_MORE_MAX_S
        )


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the median slope over all pairs: a third of the points may lie.

    Source:
        Theil (1950), Sen (1968), "Estimates of the Regression Coefficient Based on Kendall's Tau".
    """
    x, y = np.asarray(xs, float), np.asarray(ys, float)
    before, after = np.triu_indices(len(x), 1)
    is_apart = x[before] != x[after]
    before, after = before[is_apart], after[is_apart]
    return float(np.median((y[after] - y[before]) / (x[after] - x[before])))


def judge(samples: Sequence[Sample], rate: int) -> Judgement:
    """Return what the samples of one worker say, after the warm-up, where they are comparable.

    A worker with more partitions has more users and more of everything, so only samples with the
    commonest number of partitions count.
    """
    begin_s = samples[0].at_s + WARM_UP_SHARE * (samples[-1].at_s - samples[0].at_s)
    warm = [sample for sample in samples if sample.at_s >= begin_s]
    [(usual, _)] = Counter(sample.partitions for sample in warm).most_common(1)
    alike = [sample for sample in warm if sample.partitions == usual]
    used = [sample.used_mb for sample in alike]
    resident = [sample.resident_mb for sample in alike]
    return Judgement(
        slope_mb_per_h=_slope_of_floors(alike, used),
        resident_mb_per_h=_slope_of_floors(alike, resident),
        tasks_more=_more([sample.tasks for sample in alike]),
        threads_more=_more([sample.threads for sample in alike]),
        handles_more=_more([sample.handles for sample in alike]),
        lag_more_s=_more([sample.lag for sample in alike]) / rate,
        used_mb=float(np.median(used[-len(used) // 3 :])),
        resident_mb=float(np.median(resident[-len(resident) // 3 :])),
        samples=len(alike),
    )


def _slope_of_floors(samples: Sequence[Sample], memory: Sequence[float]) -> float:
    """Return the slope per hour of the least memory of each span."""
    floors: dict[int, float] = {}
    for sample, mb in zip(samples, memory, strict=True):
        span = int(sample.at_s // FLOOR_S)
        floors[span] = min(mb, floors.get(span, mb))
    return slope([span * FLOOR_S / 3_600 for span in floors], list(floors.values()))


def _more(values: Sequence[float]) -> float:
    """Return by how much the median of the last third exceeds that of the first."""
    first, last = values[: len(values) // 3], values[-(len(values) // 3) :]
    return float(np.median(last) - np.median(first))
