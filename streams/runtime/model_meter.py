"""How the models stand, as metrics."""

from typing import Final

import msgspec

from models.board import SERVED
from models.feature_list import FEATURES
from models.prequential import Grades
from models.snapshot import Phase, Serving
from models.standing import Report
from streams.runtime.metrics import Metric, Metrics

ALARMS: Final = (
    "error", "outcome_rate", *dict.fromkeys(f"inputs:{feature.group}" for feature in FEATURES),
)  # fmt: skip
"""Every alarm there can be; those that do not stand are shown as 0."""


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
