"""How the models stand, for people: who is in force, how good each is, and how that came."""

from __future__ import annotations

from typing import Final

import msgspec

from models.calibration import Platt, Reliability
from models.drift import Alarm
from models.evidence import Interval
from models.prequential import Grades
from models.snapshot import FORMAT, Phase

REPORT: Final = "report"
"""Key of the record, on the topic of models, that says how they stand."""


class Standing(msgspec.Struct, frozen=True):
    """How a model stands.

    Attributes:
        name: Name in the catalogue.
        what: In a line.
        examples: Matured examples behind it.
        grades: On the newest outcomes.
        advantage: Brier score of the champion less its own, on the same outcomes, since the last
            promotion, with an interval that may be looked at any time; None = not known yet.
    """

    name: str
    what: str
    examples: int
    grades: Grades
    advantage: Interval | None


class Promotion(msgspec.Struct, frozen=True):
    """A change of the champion, for the record."""

    name: str
    over: str
    at_ms: int
    why: str


class Report(msgspec.Struct, frozen=True):
    """How things stand.

    Attributes:
        champion: Who is in force.
        phase: How far it is trusted.
        prior_weight: Share of the prior in the log-odds.
        may_alert: Whether alerts may rest on it.
        examples: That the champion has learned.
        trained_to_ms: Event time up to which examples were learned, epoch ms UTC.
        platt: Calibration in force, the identity if there is none.
        calibration_gain: By how much it was better of late, in Brier score; None = not known yet.
        served: Grades of what was in force at the time.
        reliability: What it said and what was seen, in bins of equal mass.
        questions: How many are open.
        models: One line each.
        alarms: Those that stand.
        promotions: How the champion came to be it, oldest first.
    """

    champion: str
    phase: Phase
    prior_weight: float
    may_alert: bool
    examples: int
    trained_to_ms: int
    platt: Platt
    calibration_gain: float | None
    served: Grades
    reliability: list[Reliability]
    questions: int
    models: list[Standing]
    alarms: list[Alarm]
    promotions: list[Promotion]
    format: int = FORMAT
