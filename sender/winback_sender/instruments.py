"""Instruments of a process, made from a closed catalogue of metrics."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from winback_sender.exposition import CONTENT_TYPE, open_metrics

BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
PLAIN_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PROCESS: Final = (
    "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
    "process_start_time_seconds", "process_open_fds", "process_max_fds",
)  # fmt: skip
"""What Prometheus' own library says of every process, on Linux."""


class Spec(NamedTuple):
    """What a metric is.

    Attributes:
        kind: Prometheus type.
        unit: Base unit.
        labels: Names of the labels.
        meaning: What it counts.
        action: What to do when it looks wrong.
        buckets: Upper bounds of a histogram; those of calls and commits by default.
    """

    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    labels: tuple[str, ...]
    meaning: str
    action: str
    buckets: tuple[float, ...] = BUCKETS_S


class Instruments:
    """The instruments of one process: each has its own, and a page of its own.

    Args:
        catalogue: Name of a metric to what it is.
    """

    def __init__(self, catalogue: Mapping[Any, Spec]) -> None:
        # One series more for each counter, which nobody reads.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._instruments: dict[StrEnum, Any] = {
            metric: self._instrument(metric, spec) for metric, spec in catalogue.items()
        }

    def add(self, metric: StrEnum, amount: float = 1.0, **labels: object) -> None:
        """Count up."""
        self._at(metric, labels).inc(amount)

    def set(self, metric: StrEnum, value: float, **labels: object) -> None:
        """Set a gauge."""
        self._at(metric, labels).set(value)

    def observe(self, metric: StrEnum, value: float, **labels: object) -> None:
        """Add one value to a histogram."""
        self._at(metric, labels).observe(value)

    def observe_of(self, metric: StrEnum, value: float, **exemplar: str) -> None:
        """Add one value to a histogram, and keep whose it was as the exemplar of its bucket."""
        self._instruments[metric].observe(value, exemplar)

    def forget(self, metric: StrEnum) -> None:
        """Drop every labelled value of a gauge, before it is set anew."""
        self._instruments[metric].clear()

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return self.exposition()[0]

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return the text and its content type: OpenMetrics, with exemplars, for who asks for it.

        Args:
            accept: Header of the request.
        """
        if "application/openmetrics-text" in accept:
            return open_metrics(self.registry), CONTENT_TYPE
        return generate_latest(self.registry), PLAIN_TYPE

    def _instrument(self, metric: StrEnum, spec: Spec) -> Any:
        if spec.kind == "histogram":
            return Histogram(
                metric, spec.meaning, spec.labels, registry=self.registry, buckets=spec.buckets
            )
        kind = Counter if spec.kind == "counter" else Gauge
        return kind(metric, spec.meaning, spec.labels, registry=self.registry)

    def _at(self, metric: StrEnum, labels: Mapping[str, object]) -> Any:
        instrument = self._instruments[metric]
        return instrument.labels(**labels) if labels else instrument


def as_markdown(title: str, source: str, catalogue: Mapping[Any, Spec]) -> str:
    """Return a catalogue as a page for the docs."""
    lines = [
        f"# {title}",
        "",
        f"Served at `/metrics`. This page is written from `{source}`.",
        "Each process has a page of its own, with what is known of every process: "
        + ", ".join(f"`{name}`" for name in PROCESS)
        + ".",
        "",
        "| metric | type | unit | labels | meaning | what to do |",
        "|---|---|---|---|---|---|",
    ]
    for metric, spec in catalogue.items():
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        cells = (f"`{metric}`", spec.kind, spec.unit, labels, spec.meaning, spec.action)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
