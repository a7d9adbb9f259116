"""How the lanes of a process stand, as gauges."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from faust.types import TP

from streams.core.sizes import ASLEEP, BANDS, Sizes
from streams.runtime.lane import Lane
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.router import RouterEngine
from streams.runtime.standing import show_standing
from streams.runtime.ticks import now_ms

PER_PLACE = (
    Metric.PENDING_RECORDS, Metric.LAG_RECORDS, Metric.LAG_SECONDS, Metric.USERS,
    Metric.STATE_BYTES, Metric.WATERMARK_TIMESTAMP_SECONDS, Metric.WATERMARK_LAG_SECONDS,
    Metric.CLOCK_TIMESTAMP_SECONDS, Metric.CLOCK_IDLE, Metric.INPUT_HELD,
)  # fmt: skip
"""Of partitions: those of partitions that somebody else has taken over must go."""

TURNS: Final = 5
"""Looks until the size of every partition was looked at."""


def lags_in_seconds(lanes: Mapping[int, Lane], lags: Mapping[TP, int]) -> dict[TP, float]:
    """Return the age of the newest record that was applied; 0 where nothing lies behind it.

    Where nothing was applied yet, it is how long the lane has been at it.
    """
    at_ms, found = now_ms(), {}
    for place, lag in lags.items():
        lane = lanes[place.partition]
        newest_ms = lane.newest_ms.get(place.topic, lane.began_ms)
        found[place] = max(0, at_ms - newest_ms) / 1000 if lag else 0.0
    return found


class Gauges:
    """Shows lanes.

    Args:
        metrics: Where they are shown.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._sizes: dict[int, Sizes] = {}

    def look(self, lanes: Mapping[int, Lane], turn: int) -> None:
        """Find out how large one partition of `TURNS` is: 0.3 ms each, with 20,000 users."""
        at_ms = now_ms()
        self._sizes = {number: sizes for number, sizes in self._sizes.items() if number in lanes}
        for number, lane in lanes.items():
            if number % TURNS == turn % TURNS and isinstance(lane.engine, PipelineEngine):
                self._sizes[number] = lane.engine.core.sizes(at_ms)

    def show(self, lanes: Mapping[int, Lane], lags: Mapping[TP, int], held: Collection[TP]) -> None:
        """Show how the lanes stand.

        Args:
            lanes: By partition.
            lags: Records that lie unread, by source.
            held: Sources that are not read on.
        """
        metrics = self._metrics
        metrics.set(Metric.PARTITIONS_OWNED, len(lanes))
        for metric in PER_PLACE:
            metrics.forget(metric)
        cores = [
            lane.engine.core for lane in lanes.values() if isinstance(lane.engine, PipelineEngine)
        ]
        if cores:
            show_standing(metrics, cores)
            self._show_sizes()
        for number, lane in lanes.items():
            self._show_lane(number, lane)
        for topic, count in Counter(place.topic for place in held).items():
            metrics.set(Metric.INPUT_HELD, count, topic=topic)
        for place, lag_s in lags_in_seconds(lanes, lags).items():
            labels = {"topic": place.topic, "partition": place.partition}
            metrics.set(Metric.LAG_RECORDS, lags[place], **labels)
            metrics.set(Metric.LAG_SECONDS, lag_s, **labels)

    def _show_lane(self, number: int, lane: Lane) -> None:
        metrics, mark_ms = self._metrics, 0
        metrics.set(Metric.PENDING_RECORDS, lane.pending, partition=number)
        if isinstance(lane.engine, PipelineEngine):
            metrics.set(Metric.USERS, lane.engine.core.users, partition=number)
            mark_ms = lane.engine.core.watermark_ms
        elif isinstance(lane.engine, RouterEngine):
            mark_ms = lane.engine.watermark_ms
        else:
            return
        metrics.set(Metric.WATERMARK_TIMESTAMP_SECONDS, mark_ms / 1000, partition=number)
        if mark_ms:
            behind_s = (now_ms() - mark_ms) / 1000
            metrics.set(Metric.WATERMARK_LAG_SECONDS, behind_s, partition=number)

    def _show_sizes(self) -> None:
        metrics, all_sizes = self._metrics, self._sizes.values()
        for number, sizes in self._sizes.items():
            metrics.set(Metric.STATE_BYTES, round(sizes.state_bytes), partition=number)
        for band in (*BANDS, ASLEEP):
            users = sum(sizes.bands[band] for sizes in all_sizes)
            metrics.set(Metric.USERS_BY_BAND, round(users), band=band)
        examples = sum(sizes.examples for sizes in all_sizes)
        metrics.set(Metric.EXAMPLES_PENDING, round(examples))
        metrics.set(Metric.TIMERS_ARMED, sum(sizes.timers for sizes in all_sizes))
        metrics.set(Metric.TIMERS_DUE, sum(sizes.due for sizes in all_sizes))
