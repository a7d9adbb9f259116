"""A rehearsal: what playbooks would do with the users of a log, counted from its decisions."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from streams.core.messages import Decision
from winback_sender.contract.messages import (
    OfWinBack,
    TouchRequested,
    TouchRevoked,
    UserErased,
)

NOBODY: Final = "(no playbook fits)"
"""Under this name stand the users whom no playbook fits."""


class StepCount(msgspec.Struct):
    """Touches of one step, on its channel."""

    variant: str
    step: int
    channel: str
    template_key: str
    touches: int


class Rehearsed(msgspec.Struct):
    """What one playbook would do.

    Attributes:
        playbook: Its name.
        users: Users whom it fits.
        cases: Cases that it runs.
        touches: Touches requested.
        revoked: Of them, taken back before they left.
        returned: Cases that ended because the user came back.
        withheld: Touches that the holdout withheld.
        steps: Touches by step.
        refused: Reason to touches that were refused for it.
        put_off: Reason to how often a touch was put off for it.
        days: Day in the zone of the rules to touches.
        peak_day: The day with most touches, empty = there were none.
        peak: Touches of that day.
    """

    playbook: str
    users: int
    cases: int
    touches: int
    revoked: int
    returned: int
    withheld: int
    steps: list[StepCount]
    refused: dict[str, int]
    put_off: dict[str, int]
    days: dict[str, int]
    peak_day: str
    peak: int


class _Count:
    """What is counted of one playbook."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.cases: set[str] = set()
        self.revoked = self.returned = self.withheld = 0
        self.steps: Counter[tuple[str, int, str, str]] = Counter()
        self.refused: Counter[str] = Counter()
        self.put_off: Counter[str] = Counter()
        self.days: Counter[str] = Counter()

    def rehearsed(self, name: str) -> Rehearsed:
        peak_day, peak = max(self.days.items(), key=lambda day: (day[1], day[0]), default=("", 0))
        return Rehearsed(
            playbook=name,
            users=len(self.users),
            cases=len(self.cases),
            touches=sum(self.steps.values()),
            revoked=self.revoked,
            returned=self.returned,
            withheld=self.withheld,
            steps=[StepCount(*step, count) for step, count in sorted(self.steps.items())],
            refused=dict(self.refused.most_common()),
            put_off=dict(self.put_off.most_common()),
            days=dict(sorted(self.days.items())),
            peak_day=peak_day,
            peak=peak,
        )


def rehearsed(
    names: Iterable[str], zone: str, decisions: Iterable[bytes], touches: Iterable[bytes]
) -> list[Rehearsed]:
    """Return what each playbook would do, in the order of the names, and at last who fits none.

    Args:
        names: Of the playbooks.
        zone: In which a day is a day.
        decisions: Records of the stream of decisions.
        touches: Records of the stream of touches.
    """
    counts = {name: _Count() for name in (*names, NOBODY)}
    book_of = _count_decisions(decisions, counts)
    _count_touches(touches, counts, book_of, ZoneInfo(zone))
    found = [count.rehearsed(name) for name, count in counts.items()]
    return [one for one in found if one.users or one.playbook != NOBODY]


def _count_decisions(decisions: Iterable[bytes], counts: dict[str, _Count]) -> dict[str, str]:
    """Count decisions; return the playbook of every case."""
    book_of: dict[str, str] = {}
    for record in decisions:
        try:
            decision = msgspec.json.decode(record, type=Decision)
        except msgspec.ValidationError:
            continue  # Another kind of message of the same stream.
        name = NOBODY if decision.reason == "no_playbook" else decision.playbook
        if name not in counts:
            continue
        count = counts[name]
        count.users.add(decision.user_id)
        if decision.case_id:
            count.cases.add(decision.case_id)
            book_of[decision.case_id] = name
        if decision.verdict == "defer":
            count.put_off[decision.reason] += 1
        elif decision.verdict == "withhold":
            count.withheld += 1
        elif decision.verdict == "refuse" and name != NOBODY:
            count.refused[decision.reason] += 1
    return book_of


def _count_touches(
    touches: Iterable[bytes], counts: dict[str, _Count], book_of: dict[str, str], zone: ZoneInfo
) -> None:
    for record in touches:
        message = msgspec.json.decode(record, type=OfWinBack)
        if isinstance(message, TouchRequested):
            experiment = message.experiment
            count = counts[experiment.playbook]
            step = (experiment.variant, message.step, message.channel, message.template_key)
            count.steps[step] += 1
            at = datetime.fromisoformat(message.not_before).astimezone(zone)
            count.days[at.date().isoformat()] += 1
            continue
        if isinstance(message, UserErased):
            continue
        name = book_of.get(message.case_id)
        if name is None:
            continue
        if isinstance(message, TouchRevoked):
            counts[name].revoked += 1
        elif message.outcome == "returned":
            counts[name].returned += 1
