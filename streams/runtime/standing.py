"""How the owned partitions stand, and what was decided in them, as metrics."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from streams.core.controls import Mode
from streams.core.inputs import FeedbackReceived, Input
from streams.core.messages import BudgetStatus
from streams.core.partition import Partition
from streams.runtime.metrics import Metric, Metrics

_BY_REASON: Final = {
    "verdict_": (Metric.DECISIONS, "reason"),
    "closed_": (Metric.CASES_CLOSED, "outcome"),
    "unaccepted_": (Metric.TOUCHES_UNACCEPTED, "channel"),
    "identity_": (Metric.IDENTITY, "what"),
    "requested_": (Metric.TOUCHES_REQUESTED, "channel"),
}
"""Begin of a count of the core: its metric, and the label that takes the rest of the name."""


def count_decisions(metrics: Metrics, counts: Mapping[str, int]) -> None:
    """Count what the core has done since the last harvest."""
    for name, metric in (("episodes", Metric.EPISODES), ("revocations", Metric.REVOCATIONS)):
        if counts.get(name):
            metrics.add(metric, counts[name])
    for name, count in counts.items():
        for begin, (metric, label) in _BY_REASON.items():
            if name.startswith(begin):
                metrics.add(metric, count, **{label: name.removeprefix(begin)})


def count_feedback(metrics: Metrics, inputs: Sequence[Input]) -> None:
    """Count what senders say, by status."""
    said = Counter(one.status for one in inputs if isinstance(one, FeedbackReceived))
    for status, count in said.items():
        metrics.add(Metric.FEEDBACK, count, status=status)


def show_standing(metrics: Metrics, cores: Sequence[Partition]) -> None:
    """Set the gauges of all owned partitions together."""
    modes = Counter(core.controls.mode_at(core.watermark_ms, core.rules.mode) for core in cores)
    for mode in Mode:
        metrics.set(Metric.MODE, modes[mode], mode=mode.value)
    metrics.set(Metric.STOPPED, sum(core.controls.is_stopped(core.watermark_ms) for core in cores))
    paused = {key for core in cores for key in core.controls.paused_at(core.watermark_ms)}
    metrics.set(Metric.PAUSES, len(paused))
    metrics.set(Metric.CASES_OPEN, sum(core.cases for core in cores))
    _show_budget(metrics, [core.budget for core in cores])
    show_clocks(metrics, cores)


def show_clocks(metrics: Metrics, cores: Sequence[Partition]) -> None:
    """Set the gauges of every clock of every owned partition; `OWN` is called ``user-activity``."""
    for core in cores:
        for clock in core.clocks.record():
            labels = {"clock": clock.name or "user-activity", "partition": core.number}
            metrics.set(Metric.CLOCK_TIMESTAMP_SECONDS, clock.mark_ms / 1000, **labels)
            metrics.set(Metric.CLOCK_IDLE, clock.is_idle, **labels)


def _show_budget(metrics: Metrics, standings: Sequence[BudgetStatus]) -> None:
    used: Counter[str] = Counter()
    share: Counter[str] = Counter()
    for standing in standings:
        used.update(standing.used)
        share.update(standing.share)
    for metric, counted in ((Metric.BUDGET_USED, used), (Metric.BUDGET_SHARE, share)):
        metrics.forget(metric)
        for kind, count in counted.items():
            metrics.set(metric, count, kind=kind)
    metrics.set(Metric.BUDGET_WAITING, sum(standing.waiting for standing in standings))
    thresholds = [standing.threshold for standing in standings]
    metrics.set(Metric.BUDGET_THRESHOLD, max(thresholds, default=0.0))
    metrics.set(Metric.FUSE, any(standing.is_fused for standing in standings))
