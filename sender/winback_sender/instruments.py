"""Instruments of a process, made from a closed catalogue of metrics."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Spec(NamedTuple):
    """What a metric is.

    Attributes:
        kind: Prometheus type.
        unit: Base unit.
        labels: Names of the labels.
        meaning: What it counts.
        action: What to do when it looks wrong.
    """

    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    labels: tuple[str, ...]
    meaning: str
    action: str


class Instruments:
    """The instruments of one process.

    Args:
        catalogue: Name of a metric to what it is.
    """

    def __init__(self, catalogue: Mapping[Any, Spec]) -> None:
        self.registry = CollectorRegistry()
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

    def forget(self, metric: StrEnum) -> None:
        """Drop every labelled value of a gauge, before it is set anew."""
        self._instruments[metric].clear()

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)

    def _instrument(self, metric: StrEnum, spec: Spec) -> Any:
        if spec.kind == "histogram":
            return Histogram(
                metric, spec.meaning, spec.labels, registry=self.registry, buckets=BUCKETS_S
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
        "",
        "| metric | type | unit | labels | meaning | what to do |",
        "|---|---|---|---|---|---|",
    ]
    for metric, spec in catalogue.items():
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        cells = (f"`{metric}`", spec.kind, spec.unit, labels, spec.meaning, spec.action)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
