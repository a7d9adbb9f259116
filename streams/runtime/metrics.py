"""The instruments of a process, after the catalogue of metrics."""

import sys
from collections.abc import Mapping

from streams.runtime.metric_list import METRICS, Metric
from winback_sender.instruments import Instruments, as_markdown

__all__ = ["METRICS", "LaneMeter", "Metric", "Metrics", "page"]


class Metrics(Instruments):
    """The instruments of one process."""

    def __init__(self) -> None:
        super().__init__(METRICS)


def page() -> str:
    """Return ``docs/metrics.md``."""
    return as_markdown("Metrics", "streams/runtime/metric_list.py", METRICS)


class LaneMeter:
    """What lanes report, as metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.progress = 0
        """Chunks and commits so far: the liveness of the worker is its own progress."""

    def chunk_applied(self, partition: int, records: int, seconds: float) -> None:
        """Note that a chunk was applied."""
        self.progress += 1
        self._metrics.add(Metric.RECORDS_APPLIED, records, partition=partition)
        self._metrics.add(Metric.APPLY_SECONDS, seconds)
        self._metrics.observe(Metric.CHUNK_RECORDS, records)

    def committed(
        self, _partition: int, states: int, outputs: Mapping[str, int], seconds: float
    ) -> None:
        """Note that a commit is durable."""
        self.progress += 1
        self._metrics.add(Metric.COMMITS)
        self._metrics.add(Metric.STATES_COMMITTED, states)
        self._metrics.observe(Metric.COMMIT_SECONDS, seconds)
        for topic, count in outputs.items():
            self._metrics.add(Metric.OUTPUTS_COMMITTED, count, topic=topic)

    def restoring(self, left: int) -> None:
        """Note how many offsets of the changelog are still to be read."""
        self._metrics.set(Metric.RESTORE_LEFT_RECORDS, left)

    def restored(self, seconds: float) -> None:
        """Note that partitions were taken over."""
        self._metrics.set(Metric.RESTORE_LEFT_RECORDS, 0)
        self._metrics.set(Metric.RESTORE_SECONDS, seconds)


if __name__ == "__main__":
    sys.stdout.write(page())
