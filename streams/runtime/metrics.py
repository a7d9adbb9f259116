"""The instruments of a process, after the catalogue of metrics."""

import sys
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from streams.runtime.metric_list import METRICS, Metric, Spec

__all__ = ["METRICS", "LaneMeter", "Metric", "Metrics", "as_markdown"]

LATENCY_BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The instruments of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._instruments: dict[Metric, Any] = {
            metric: self._instrument(metric, spec) for metric, spec in METRICS.items()
        }

    def _instrument(self, metric: Metric, spec: Spec) -> Any:
        if spec.kind == "histogram":
            return Histogram(
                metric, spec.meaning, spec.labels, registry=self.registry,
                buckets=LATENCY_BUCKETS_S,
            )  # fmt: skip
        kind = Counter if spec.kind == "counter" else Gauge
        return kind(metric, spec.meaning, spec.labels, registry=self.registry)

    def add(self, metric: Metric, amount: float = 1.0, **labels: object) -> None:
        """Count up."""
        self._at(metric, labels).inc(amount)

    def set(self, metric: Metric, value: float, **labels: object) -> None:
        """Set a gauge."""
        self._at(metric, labels).set(value)

    def observe(self, metric: Metric, value: float) -> None:
        """Add one value to a histogram."""
        self._at(metric, {}).observe(value)

    def forget(self, metric: Metric) -> None:
        """Drop every labelled value of a gauge, before it is set anew."""
        self._instruments[metric].clear()

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)

    def _at(self, metric: Metric, labels: Mapping[str, object]) -> Any:
        instrument = self._instruments[metric]
        return instrument.labels(**labels) if labels else instrument


def as_markdown() -> str:
    """Return the catalogue as a page for the docs."""
    lines = [
        "# Metrics",
        "",
        "Served at `/metrics`. This page is written from `streams/runtime/metric_list.py`.",
        "",
        "| metric | type | unit | labels | meaning | what to do |",
        "|---|---|---|---|---|---|",
    ]
    for metric, spec in METRICS.items():
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        cells = (f"`{metric}`", spec.kind, spec.unit, labels, spec.meaning, spec.action)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


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


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
