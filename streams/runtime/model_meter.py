"""How the models stand, as metrics."""

from collections import Counter
from typing import Final

import msgspec

from models.board import SERVED
from models.episodes import Episodes
from models.feature_list import FEATURES
from models.prequential import Grades
from models.snapshot import Phase, Serving
from models.standing import Report
from streams.runtime.metrics import Metric, Metrics

ALARMS: Final = (
    "error", "outcome_rate", *dict.fromkeys(f"inputs:{feature.group}" for feature in FEATURES),
)  # fmt: skip
"""Every alarm there can be; those that do not stand are shown as 0."""
EXPERIMENTS_MAX: Final = 100
"""Playbooks with their variants that are told apart; the others are `OTHER`."""
OTHER: Final = "other"


def show_serving(metrics: Metrics, serving: Serving) -> None:
    """Show what is in force."""
    metrics.set(Metric.MODEL_EXAMPLES, serving.examples)
    metrics.set(Metric.MODEL_TRAINED_TIMESTAMP_SECONDS, serving.trained_to_ms / 1000)
    metrics.set(Metric.MODEL_MAY_ALERT, serving.may_alert)
    metrics.set(Metric.MODEL_PRIOR_WEIGHT, serving.prior_weight)
    metrics.set(Metric.MODEL_CALIBRATION, serving.platt.shift, part="shift")
    metrics.set(Metric.MODEL_CALIBRATION, serving.platt.slope, part="slope")
    for phase in Phase:
        metrics.set(Metric.MODEL_PHASE, phase is serving.phase, phase=phase.value)
    metrics.forget(Metric.MODEL_IN_FORCE)
    metrics.set(Metric.MODEL_IN_FORCE, 1, model=serving.champion)


def model_facts(serving: Serving) -> dict[str, object]:
    """Return what /health says of what is in force."""
    return {
        "phase": serving.phase.value, "champion": serving.champion,
        "may_alert": serving.may_alert, "version": serving.version,
    }  # fmt: skip


def show_report(metrics: Metrics, report: Report) -> None:
    """Show how good the models are, and what is watched."""
    _show_grades(metrics, SERVED, report.served)
    for standing in report.models:
        _show_grades(metrics, standing.name, standing.grades)
    for number, found in enumerate(report.reliability):
        for part, value in found._asdict().items():
            metrics.set(Metric.MODEL_RELIABILITY, value, bin=number, part=part)
    raised = {alarm.name for alarm in report.alarms}
    for name in ALARMS:
        metrics.set(Metric.MODEL_ALARM, name in raised, alarm=name)
    metrics.set(Metric.QUESTIONS_OPEN, report.questions)


def _show_grades(metrics: Metrics, model: str, grades: Grades) -> None:
    metrics.set(Metric.MODEL_OUTCOMES, grades.outcomes, model=model)
    for measure, value in msgspec.structs.asdict(grades).items():
        if measure != "outcomes" and value is not None:
            metrics.set(Metric.MODEL_QUALITY, value, model=model, measure=measure)


class ExperimentMeter:
    """Counts what the learner hears of experiments.

    Args:
        metrics: Where it is counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._known: set[tuple[str, str]] = set()

    def count(self, episodes: Episodes) -> None:
        """Count a block of matured exposures by playbook, variant and arm."""
        names = zip(episodes.playbooks, episodes.variants, strict=True)
        for (name, is_treated), count in Counter(
            zip(names, episodes.treated.tolist(), strict=True)
        ).items():
            playbook, variant = self._bounded(name)
            self._metrics.add(
                Metric.EXPERIMENT_EPISODES, count, playbook=playbook, variant=variant,
                arm="treated" if is_treated else "held_out",
            )  # fmt: skip

    def _bounded(self, name: tuple[str, str]) -> tuple[str, str]:
        if name in self._known or len(self._known) < EXPERIMENTS_MAX:
            self._known.add(name)
            return name
        return OTHER, OTHER
