"""A share of the users of a back-test: what they teach, and then what was thought of them.

What users teach does not depend on what is thought of them, for in shadow nobody is treated. So
each slice of a log is run twice. The first time nobody is scored: the users teach, and from that
the learner makes the scorers of the slice. The second time every user is scored, by the one that
was in force at its instant. Users are independent, so it does not matter who runs which of them.
"""

from bisect import bisect_left
from collections import deque
from itertools import islice
from typing import Final

import numpy as np

from streams.core.inputs import Acted, ControlSet, Linked, OutageAnnounced, TraitsSet
from streams.core.inputs import WatermarkPassed as Watermark
from streams.core.outbox import EXAMPLES
from streams.core.partitioner import Partitioner
from streams.core.scoring import F64
from streams.replay.fleet import Accepted, Fleet
from streams.replay.mute import Mute, muted
from streams.replay.outcomes import PointOutcomes
from streams.replay.timeline import Timeline, parts
from streams.replay.told import Alert, Asked, Ended, Judged, OneShareError, Setup, Task, Taught
from winback_sender.contract.messages import Output

ALL: Final = (Linked, OutageAnnounced, ControlSet, Watermark)
"""Inputs that concern users of other shares as well."""


class Share:
    """Runs the users of one share. It is the ``Observer`` of those who are judged."""

    def __init__(self, setup: Setup) -> None:
        """Begin with nobody."""
        self._setup = setup
        own, number_of = frozenset(setup.own), Partitioner(setup.partitions)
        pauses = [each for each in setup.gaps.pauses if number_of[each.user_id] in own]
        self.teachers = Fleet(
            muted(setup.rules), Mute(), partitions=setup.partitions, own=setup.own,
            now_ms=setup.now_ms, is_shadow=True, pauses=pauses,
        )  # fmt: skip
        self._judged: Fleet | None = None
        if setup.is_live:
            self._judged = Fleet(
                setup.rules, Mute(), partitions=setup.partitions, own=setup.own,
                now_ms=setup.now_ms, is_shadow=True, observer=self, pauses=pauses,
            )  # fmt: skip
        self._points = PointOutcomes(setup.points, setup.rules.churn.horizon_ms, setup.gaps)
        self._waiting: deque[tuple[Accepted, Task]] = deque()
        self._numbers: dict[str, int] = {}
        self._named = 0
        self._scores: list[tuple[list[int], F64, F64]] = []
        self._alerts: list[tuple[str, int, F64]] = []

    # -- what they teach

    def teach(self, task: Task) -> Taught:
        """Run a slice in which nobody is scored.

        Raises:
            OneShareError: A row concerns users of other shares, and there are others.
        """
        fleet = self.teachers
        accepted = fleet.accept(task.block)
        if not self._setup.is_whole and any(isinstance(each, ALL) for each in accepted.inputs):
            raise OneShareError
        fleet.newest_ms = task.newest_ms
        if self._judged is not None:
            self._waiting.append((accepted, task))
        asked, begin = [], 0
        for cut in task.cuts:
            end = bisect_left(accepted.times_ms, cut, begin)
            if cut > (task.newest_ms or 0):
                fleet.apply(accepted, begin, end)
                fleet.advance(cut - 1)
            else:
                fleet.apply(accepted, begin, end, cut - 1)
            asked.append(self._ask(cut))
            begin = end
        until_ms = None if task.until_ms is None else task.until_ms - 1
        fleet.apply(accepted, begin, len(accepted.inputs), until_ms)
        if task.is_last:
            fleet.close()
        lessons = [record for name, _, told in fleet.take() if name == EXAMPLES for record in told]
        self._points.see(accepted, fleet.given_up)
        return self._taught(accepted, lessons, asked)

    def _ask(self, at_ms: int) -> Asked:
        points = self._setup.points
        assert points is not None, "only points make cuts"
        own = self._own_points(at_ms)
        at = np.full(len(own), float(at_ms))
        users = [points.rows[place].user_id for place in own]
        heads, known = self.teachers.heads(users, at)
        places = [own[place] for place in known]
        self._points.wait(places)
        return Asked(at_ms, places, heads)

    def _own_points(self, at_ms: int) -> list[int]:
        points = self._setup.points
        assert points is not None, "only points make cuts"
        return [
            place for place in points.places_at(at_ms)
            if self.teachers.has(points.rows[place].user_id)
        ]  # fmt: skip

    def _taught(self, accepted: Accepted, lessons: list[Output], asked: list[Asked]) -> Taught:
        users = self._numbered(accepted.user_ids)
        return Taught(
            lessons=lessons,
            asked=asked,
            names=self._new_names(),
            rows=np.array(accepted.rows, np.int64),
            users=np.array(users, np.intc),
            at_ms=np.array(accepted.times_ms, np.float64),
            is_act=np.array([type(each) is Acted for each in accepted.inputs], np.bool_),
            sources=[
                (row, each.user_id, each.source)
                for row, each in zip(accepted.rows, accepted.inputs, strict=True)
                if type(each) is TraitsSet and each.source
            ],
        )

    # -- what is thought of them

    def judge(self, timeline: Timeline) -> Judged:
        """Run the slice that was taught longest ago again, and score by its scorers."""
        fleet = self._judged
        assert fleet is not None, "there is nobody to be judged"
        accepted, task = self._waiting.popleft()
        fleet.newest_ms = task.newest_ms
        begin, alerts = 0, []
        for scorer, ends_ms in parts(timeline, self._setup.rules.alert.examples_min):
            fleet.use(scorer)
            until_ms = task.until_ms if ends_ms is None else ends_ms
            end = len(accepted.inputs)
            if ends_ms is not None:
                end = bisect_left(accepted.times_ms, ends_ms, begin)
            fleet.apply(accepted, begin, end, None if until_ms is None else until_ms - 1)
            begin = end
            if task.is_last and ends_ms is None:
                fleet.close()
            alerts += self._explained(scorer)
        for _ in fleet.take():  # What the partitions say is nobody's here.
            pass
        scores, self._scores = self._scores, []
        users = [number for numbers, _, _ in scores for number in numbers]
        nothing = [np.empty(0)]
        return Judged(
            names=self._new_names(),
            users=np.array(users, np.intc),
            at_ms=np.concatenate([at_ms for _, at_ms, _ in scores] or nothing),
            reach=np.concatenate([reach for _, _, reach in scores] or nothing),
            alerts=alerts,
        )

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        """Take note of P(this silence reaches H) of eligible users at a rescore."""
        self._scores.append((self._numbered(user_ids), at_ms, reach))

    def alert(self, user_id: str, at_ms: int) -> None:
        """Take note of a case that was opened, in the state of then."""
        assert self._judged is not None, "only who is judged has cases"
        heads, _ = self._judged.heads([user_id], np.full(1, float(at_ms)))
        self._alerts.append((user_id, at_ms, heads))

    def _explained(self, scorer: Timeline) -> list[Alert]:
        alerts, self._alerts = self._alerts, []
        if not alerts:
            return []
        heads = np.concatenate([head for _, _, head in alerts])
        at_ms = np.array([float(at_ms) for _, at_ms, _ in alerts])
        reasons = scorer.explain(heads, at_ms)
        return [
            Alert(user_id, at, head[0], why)
            for (user_id, at, head), why in zip(alerts, reasons, strict=True)
        ]

    # -- both

    def end(self) -> Ended:
        """Return what it all came to."""
        users = sum(partition.users for partition in self.teachers.partitions)
        return Ended(self.teachers.counts, users, self._points.next_ms)

    def _numbered(self, user_ids: list[str]) -> list[int]:
        known = self._numbers
        return [known.setdefault(user_id, len(known)) for user_id in user_ids]

    def _new_names(self) -> list[str]:
        names = list(islice(self._numbers, self._named, None))
        self._named += len(names)
        return names
