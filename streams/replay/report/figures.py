"""All figures of a report, made at once when a run is over."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.questions import Matured
from models.standing import Report
from streams.core.rules import Rules
from streams.replay.report.belief import Belief, belief
from streams.replay.report.control import Control, verdict
from streams.replay.report.diary import Drifted, drifted
from streams.replay.report.estimates import Graded, says_something
from streams.replay.report.lead import Lead, Trace, lead
from streams.replay.report.money import Money, money
from streams.replay.report.notes import Driver, Notes
from streams.replay.report.opponents import Comparison, compared
from streams.replay.report.past import Past, past_of
from streams.replay.report.ranking import Ranking, auc_within, ranking
from streams.replay.report.segments import Alerted, Division, divisions
from streams.replay.report.short import in_short
from streams.replay.report.silences import Silences

F64 = NDArray[np.float64]


class Model(msgspec.Struct, frozen=True):
    """A model of the catalogue on the questions that all of them answered."""

    name: str
    what: str
    auc: float
    auc_within: float | None
    ap: float
    brier: float
    ece: float


class Models(msgspec.Struct, frozen=True):
    """All models on the same questions.

    Attributes:
        cannot_say: Why there are no figures; empty if there are.
        asked: Questions that all of them answered.
        from_ms: When the first of them was asked.
        models: In the order of the catalogue, behind what was in force.
    """

    cannot_say: str = ""
    asked: int = 0
    from_ms: float = 0.0
    models: tuple[Model, ...] = ()


class Figures(msgspec.Struct, frozen=True):
    """What a report says in numbers.

    Attributes:
        horizon_ms: H, ms.
        ranking: How well users are ranked.
        belief: How far percentages can be believed.
        lead: How early alerts come.
        alerts: The same in short.
        divisions: The same by kinds of customers.
        money: What it could be worth.
        drift: How the world changed, and what was in force.
        models: All models on the same questions.
        drivers: What made the risk of the alerted.
        report: How things stand at the end.
        comparison: Batch jobs on the same questions; None = not asked for.
        control: The negative control; None = not asked for.
    """

    horizon_ms: int
    ranking: Ranking
    belief: Belief
    lead: Lead
    alerts: dict[str, Any]
    divisions: tuple[Division, ...]
    money: Money
    drift: Drifted
    models: Models
    drivers: tuple[Driver, ...]
    report: Report
    comparison: Comparison | None = None
    control: Control | None = None


def figures(
    notes: Notes,
    history: list[Matured],
    report: Report,
    rules: Rules,
    newest_ms: int,
    *,
    compares: bool = False,
    is_control: bool = False,
    tick: Callable[[float], None] = lambda _: None,
) -> Figures:
    """Return the figures of a run that is over.

    Args:
        notes: What was noted on the way.
        history: Every question that matured.
        report: How things stand.
        rules: The business rules.
        newest_ms: The end of the log.
        compares: Whether batch jobs are to be fitted.
        is_control: Whether the log was dealt out by chance.
        tick: Called with the share of the fitting that is done.
    """
    horizon_ms = rules.churn.horizon_ms
    past = past_of(history, since_ms=notes.since_ms, asked_by_ms=newest_ms - horizon_ms)
    silences = notes.silences(newest_ms)
    trace = Trace(silences, *notes.scores)
    alerted, away_ms = _alerted(notes, silences)
    return Figures(
        horizon_ms=horizon_ms,
        ranking=ranking(past, horizon_ms),
        belief=belief(past),
        lead=lead(silences, trace, notes.alerts, rules.alert.backstop_ms, newest_ms),
        alerts=in_short(silences, *notes.alerts),
        divisions=divisions(past, alerted, rules, notes.sources()),
        money=money(
            alerted.people, away_ms, alerted.right,
            currency=rules.currency, minor_units=rules.minor_units,
        ),
        drift=drifted(notes.diary),
        models=_models(past, report, horizon_ms),
        drivers=notes.drivers(),
        report=report,
        comparison=compared(past, horizon_ms, tick) if compares else None,
        control=verdict(past, horizon_ms) if is_control else None,
    )  # fmt: skip


def _alerted(notes: Notes, silences: Silences) -> tuple[Alerted, F64]:
    """Return the first alert of every silence that counts, and how long its user stayed away."""
    people = notes.alerted
    digests = notes.digests()
    order = np.argsort(digests, kind="stable")
    user = order[np.searchsorted(digests, people.users, sorter=order)] if len(digests) else order
    places, first = silences.first_of(user, people.at_ms)
    people = people.picked(first)
    length_ms = silences.length_ms[places]
    away_ms = silences.start_ms[places] + length_ms - people.at_ms
    return Alerted(people, length_ms >= silences.horizon_ms), away_ms


def _models(past: Past, report: Report, horizon_ms: float) -> Models:
    """Return the models on the questions of which all that have learned spoke."""
    said = {"in force": past.said, **past.models}
    spoke = np.ones(past.asked, bool)
    for each in said.values():
        spoke &= ~np.isnan(each)
    left = past.left[spoke]
    if not says_something(left):
        return Models("too few questions were answered by all models")
    what = {standing.name: standing.what for standing in report.models}
    numbers, everybody = past.spans(horizon_ms / 4)[spoke], np.ones(len(left))
    found = []
    for name, each in said.items():
        graded = Graded(each[spoke], left)
        found.append(
            Model(
                name=name,
                what=what.get(name, "prior, champion, calibration"),
                auc=graded.auc(everybody),
                auc_within=auc_within(each[spoke], left, numbers),
                ap=graded.ap(everybody),
                brier=graded.brier(everybody),
                ece=graded.ece(everybody),
            )
        )
    return Models("", len(left), float(past.people.at_ms[np.argmax(spoke)]), tuple(found))
