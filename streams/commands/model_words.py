"""How the models stand, as text for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.board import SERVED
from models.calibration import IDENTITY
from models.catalogue import GUEST
from models.evidence import Interval
from models.prequential import Grades
from models.snapshot import Phase
from models.standing import Report, Standing
from streams.core.time import iso
from streams.orders import Handled

ORDERS_SHOWN: Final = 5

_PHASES = {
    Phase.PRIOR: "too little is learned; the prior speaks, and only a long silence alerts",
    Phase.BLENDED: "the prior still speaks beside it",
    Phase.LEARNED: "it speaks alone",
    Phase.FALLEN_BACK: "it errs more than silence alone; the prior speaks until it is better",
}
_HEAD = f"  {'model':<20} {'examples':>9} {'outcomes':>8}  {'AUC':>4}  {'AP':>4}  {'Brier':>5}"
_HEAD += f"  {'ECE (floor)':<11}  better by (Brier, 1e-4)"


def listed(report: Report, orders: Sequence[Handled] = ()) -> str:
    """Return all models, what is in force, alarms, promotions, and what came of orders."""
    lines = [_HEAD, *(_row(found, report.champion) for found in report.models)]
    lines.append(f"  {SERVED:<20} {'':>9} {_graded(report.served)}")
    lines += ["", *_in_force(report)]
    lines += [
        f"ordered {found.ordered_at}: {found.action} {found.name}".rstrip()
        + f": {'' if found.is_done else 'refused: '}{found.said}"
        for found in orders[-ORDERS_SHOWN:]
    ]
    lines += ["", "models:"]
    lines += [f"  {found.name:<20} {found.what}" for found in report.models]
    return "\n".join(lines)


def shown(report: Report, standing: Standing) -> str:
    """Return all that is known of one model."""
    grades, is_champion = standing.grades, standing.name == report.champion
    lines = [
        f"{standing.name}: {standing.what}",
        f"  {'in force' if is_champion else 'not in force'}, {standing.examples:,} examples",
        f"  on the newest {grades.outcomes:,} outcomes, said before they were known:",
    ]
    lines += [f"    {name:<24} {_number(value)}" for name, value in _measures(grades)]
    if standing.advantage is not None:
        lines.append(f"  Brier score better than {report.champion} by {_interval(standing)}")
    elif not is_champion:
        lines.append(f"  compared with {report.champion}: not known yet")
    if is_champion:
        lines += ["", *_in_force(report), "", "  as it was in force, by tenths of what it said:"]
        lines += [
            f"    said {found.said:6.1%}  seen {found.seen:6.1%}  of {found.rows:,}"
            for found in report.reliability
        ]
    return "\n".join(lines)


def _in_force(report: Report) -> Iterator[str]:
    yield f"in force: {report.champion}, phase {report.phase.value}: {_PHASES[report.phase]}"
    alerts = "alerts rest on it" if report.may_alert else "no alerts rest on it"
    yield f"  {alerts}; share of the prior {report.prior_weight:.0%}; {_calibration(report)}"
    questions = f"{report.questions:,} questions open"
    yield f"  learned to {iso(report.trained_to_ms)}, {report.examples:,} examples; {questions}"
    if not report.alarms:
        yield "alarms: none"
    for alarm in report.alarms:
        yield f"alarm: {alarm.name} since {iso(alarm.since_ms)}: {alarm.value:g} > {alarm.limit:g}"
    if not report.promotions:
        yield "promotions: none"
    for found in report.promotions:
        yield f"promoted {iso(found.at_ms)}: {found.name} instead of {found.over}: {found.why}"


def _calibration(report: Report) -> str:
    if report.platt == IDENTITY:
        return "not recalibrated"
    return f"recalibrated by {report.platt.shift:+.2f} and ×{report.platt.slope:.2f}"


def _row(found: Standing, champion: str) -> str:
    mark = "*" if found.name == champion else " "
    examples = f"{found.examples:>9,}" if found.examples or found.name.startswith(GUEST) else ""
    better = "" if found.advantage is None else f"  {_tenthousandths(found.advantage)}"
    return f"{mark} {found.name:<20} {examples:>9} {_graded(found.grades)}{better}".rstrip()


def _graded(grades: Grades) -> str:
    ece = "–"
    if grades.ece is not None and grades.ece_floor is not None:
        ece = f"{_short(grades.ece, 3)} ({_short(grades.ece_floor, 3)})"
    numbers = (_short(grades.auc, 3), _short(grades.ap, 3), _short(grades.brier, 4))
    auc, ap, brier = numbers
    return f"{grades.outcomes:>8,}  {auc:>4}  {ap:>4}  {brier:>5}  {ece:<11}"


def _short(value: float | None, digits: int) -> str:
    """Return a share without the nought before its point: .853."""
    return "–" if value is None else f"{value:.{digits}f}".removeprefix("0")


def _tenthousandths(interval: Interval) -> str:
    mean, low, high = (value * 1e4 for value in (interval.mean, interval.low, interval.high))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _interval(standing: Standing) -> str:
    found = standing.advantage
    assert found is not None
    return f"{found.mean:+.5f} [{found.low:+.5f}, {found.high:+.5f}]"


def _measures(grades: Grades) -> Iterator[tuple[str, float | None]]:
    yield from (
        ("share that left", grades.base_rate),
        ("mean said", grades.mean),
        ("AUC", grades.auc),
        ("average precision", grades.ap),
        ("Brier score", grades.brier),
        ("log loss, nats", grades.log_loss),
        ("calibration error", grades.ece),
        ("the same by chance alone", grades.ece_floor),
    )


def _number(value: float | None) -> str:
    return "not known yet" if value is None else f"{value:.4f}"
