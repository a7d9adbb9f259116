"""How well those who leave were found: scores and alerts beside what they would have done."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from streams.core.messages import Decision
from streams.core.time import DAY_MS
from streams.simulation.law import instant_ms
from streams.simulation.run import Run
from streams.simulation.watch import Look, auc
from streams.simulation.world import Person


class Detection(msgspec.Struct, frozen=True):
    """How well those who leave were found.

    Attributes:
        auc: Area under the curve among users of the same instant, mean over instants.
        alerts: Cases opened, or that would have been.
        precision: Share of them whose silence, left alone, reaches H.
        leavers: Users who leave for good, or for a horizon at least, and were known.
        recall: Share of their silences that was alerted before it reached H.
        lead_days: Median time from the alert to the end of H, of those.
    """

    auc: float | None
    alerts: int
    precision: float | None
    leavers: int
    recall: float | None
    lead_days: float | None


class _Found(NamedTuple):
    """What is found of one user: alerts that can be judged, right ones, silences, and leads."""

    judged: int
    right: int
    silences: int
    lead_days: list[float]


def detection_of(run: Run, looks: Sequence[Look]) -> Detection:
    """Return how well those who leave were found."""
    areas = [area for look in looks if (area := auc(look.said, look.leaves)) is not None]
    alerts = _alerts(run)
    found = [
        _found(run, person, sorted(alerts[person.user_id]))
        for person in run.world.people
        if person.untouched and not person.is_bot
    ]
    leads = [lead for one in found for lead in one.lead_days]
    silences = sum(one.silences for one in found)
    return Detection(
        auc=round(float(np.mean(areas)), 4) if areas else None,
        alerts=sum(map(len, alerts.values())),
        precision=_share(sum(one.right for one in found), sum(one.judged for one in found)),
        leavers=silences,
        recall=_share(len(leads), silences),
        lead_days=round(float(np.median(leads)), 2) if leads else None,
    )


def _alerts(run: Run) -> defaultdict[str, list[int]]:
    """Return when each user's cases were decided on first."""
    first: dict[str, tuple[str, int]] = {}
    for said in run.said:
        message = said.message
        if isinstance(message, Decision) and message.case_id:
            first.setdefault(message.case_id, (message.user_id, instant_ms(message.decided_at)))
    alerts: defaultdict[str, list[int]] = defaultdict(list)
    for user_id, at_ms in first.values():
        alerts[user_id].append(at_ms)
    return alerts


def _found(run: Run, person: Person, alerts_ms: list[int]) -> _Found:
    """Hold the alerts of one user against the life that the user would have had untouched."""
    horizon_ms, end_ms = run.world.horizon_ms, run.world.end_ms
    times = np.array([event.at_ms for event in person.untouched])
    silences = np.append(times[1:], times[-1] + 10 * horizon_ms) - times
    places = np.searchsorted(times, alerts_ms, "right") - 1
    known = [
        place for place in places.tolist() if place >= 0 and times[place] < end_ms - horizon_ms
    ]
    right = sum(bool(silences[place] >= horizon_ms) for place in known)
    days = np.cumsum(np.diff(times // DAY_MS, prepend=0) > 0)
    leaves = (silences >= horizon_ms) & (days >= run.rules.churn.min_active_days)
    leaves &= times < end_ms - horizon_ms
    leads = []
    for last_ms in times[leaves].tolist():
        over_ms = last_ms + horizon_ms
        first = next((at_ms for at_ms in alerts_ms if last_ms < at_ms < over_ms), None)
        if first is not None:
            leads.append((over_ms - first) / DAY_MS)
    return _Found(len(known), right, int(leaves.sum()), leads)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
