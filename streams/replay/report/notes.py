"""Notes of a run: what is seen while a log goes by and would be gone afterwards."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.reasons import BASE
from streams.core.rules import Rules
from streams.core.scoring import F64
from streams.replay.blocks import Block
from streams.replay.define_calendar import Outage
from streams.replay.gaps import NO_GAPS, Gaps
from streams.replay.gathering import Acts, Scores
from streams.replay.report.diary import Diary
from streams.replay.report.past import People, people_of
from streams.replay.report.silences import Activities, Names, Sightings, Silences
from streams.replay.told import Alert


class Driver(msgspec.Struct, frozen=True):
    """A group of features, and what it did to the scores of the alerted.

    Attributes:
        code: Of the reason.
        weight: What it added on average: log-odds toward leaving in the next H/4.
        first: Share of the alerts of which it was the foremost reason.
    """

    code: str
    weight: float
    first: float


class Notes:
    """Everything that a report needs beyond the questions that the roster keeps.

    Args:
        rules: The business rules.
        since_ms: Alerts and scores before this do not count.
        gaps: What is known to be missing in the log: a silence it falls into does not count.

    Attributes:
        diary: What was in force when.
        explained: How many alerts were explained.
        names: Of the users, by number.
        since_ms: As it was given.
        first_ms: The first event of the log, epoch ms UTC.
    """

    def __init__(self, rules: Rules, since_ms: int, gaps: Gaps = NO_GAPS) -> None:
        self.diary = Diary()
        self.explained = 0
        self.first_ms = np.inf
        self._reasons: dict[str, list[float]] = {}
        self._rules, self._gaps = rules, gaps
        self.since_ms = since_ms
        self.names = Names()
        self._activities = Activities(self.names)
        self._alerts, self._risk = Sightings(self.names), Sightings(self.names)
        self._reach: list[F64] = []
        self._sources: dict[str, str] = {}
        self._alerted: list[People] = []

    # -- seen on the way

    def follow(self, given_up: Mapping[str, str]) -> None:
        """Take ids that are one person for one, as they become known."""
        self.names.given_up = given_up

    def risk(self, scores: Scores) -> None:
        """Note P(this silence reaches H) of users at rescores."""
        late = scores.at_ms >= self.since_ms
        self._risk.add_all(scores.users[late], scores.at_ms[late])
        self._reach.append(scores.reach[late])

    def alert(self, alerts: list[Alert]) -> None:
        """Note cases that were opened, in what states, and what spoke for them."""
        alerts = [alert for alert in alerts if alert.at_ms >= self.since_ms]
        if not alerts:
            return
        users = [alert.user_id for alert in alerts]
        at = [float(alert.at_ms) for alert in alerts]
        self._alerts.add(self.names.numbers(users), at)
        heads = np.stack([alert.head for alert in alerts])
        self._alerted.append(people_of(_digests(self._rules, users), np.array(at), heads))
        for alert in alerts:
            for place, (code, weight) in enumerate(alert.reasons):
                sums = self._reasons.setdefault(code, [0.0, 0.0])
                sums[0] += weight
                sums[1] += place == 0 and weight > 0.0
        self.explained += len(alerts)

    def begin(self, block: Block) -> None:
        """Note with what the users of a block began who were never seen before."""
        self.first_ms = min(self.first_ms, float(block.times_ms[0]))
        news = set(block.user_ids).difference(self._sources)
        if news:
            first = dict(zip(reversed(block.user_ids), reversed(block.events), strict=True))
            self._sources.update((user_id, first[user_id]) for user_id in news)

    def see(self, acts: Acts) -> None:
        """Note what users did."""
        self._activities.see_all(acts.users, acts.at_ms)

    def come_from(self, user_id: str, source: str) -> None:
        """Note where a user says to come from."""
        self._sources[user_id] = source

    # -- known at the end

    def silences(self, newest_ms: int) -> Silences:
        """Return every silence of the log."""
        churn = self._rules.churn
        found = self._activities.silences(
            horizon_ms=churn.horizon_ms,
            min_active_days=churn.min_active_days,
            since_ms=self.since_ms,
            newest_ms=newest_ms,
        )
        if self._gaps == NO_GAPS:
            return found
        names = self.names.all()
        users = [names[number] for number in found.user.tolist()]
        ends_ms = found.start_ms + np.minimum(found.length_ms, found.horizon_ms)
        seen = self._gaps.is_seen(users, found.start_ms, ends_ms)
        return found._replace(inside=found.inside & seen)

    def blind(self) -> list[Outage]:
        """Return the days of which the source may have failed to log, and nobody was told."""
        return [
            outage
            for outage in self._activities.blind()
            if not any(a < outage.end_ms and outage.begin_ms < b for a, b in self._gaps.outages)
        ]

    @property
    def alerts(self) -> tuple[NDArray[np.intp], F64]:
        """Number of the user, and instant, of every alert, in order of time."""
        users, at_ms = self._alerts.users, self._alerts.at_ms
        order = np.lexsort((users, at_ms))
        return users[order], at_ms[order]

    @property
    def scores(self) -> tuple[NDArray[np.intp], F64, F64]:
        """Number of the user, instant and P(this silence reaches H) of every rescore."""
        reach = np.concatenate(self._reach) if self._reach else np.empty(0)
        return self._risk.users, self._risk.at_ms, reach

    @property
    def alerted(self) -> People:
        """Who was alerted, in the state of then."""
        if not self._alerted:
            nobody: Any = (np.empty(0, np.uint64), *(np.empty(0) for _ in People._fields[1:]))
            return People(*nobody)
        return People(*(np.concatenate(column) for column in zip(*self._alerted, strict=True)))

    def digests(self) -> NDArray[np.uint64]:
        """Return the digest of every user, by number."""
        return _digests(self._rules, self.names.all())

    def sources(self) -> dict[int, str]:
        """Return the digest of every user to where it came from, or with what it began."""
        users = list(self._sources)
        digests = _digests(self._rules, users).tolist()
        return {digest: self._sources[user] for digest, user in zip(digests, users, strict=True)}

    def drivers(self) -> tuple[Driver, ...]:
        """Return what made the risk of the alerted, the most frequent first reason first."""
        found = [
            Driver(code, total / self.explained, first / self.explained)
            for code, (total, first) in self._reasons.items()
            if code != BASE
        ]
        return tuple(sorted(found, key=lambda driver: (-driver.first, -driver.weight)))


def _digests(rules: Rules, users: list[str]) -> NDArray[np.uint64]:
    """Return what users are called; a report is made with the newest key alone."""
    assert not rules.ids.former, "a user who is called two things is two users"
    return np.frombuffer(b"".join([rules.ids.token(user, 0.0) for user in users]), "<u8")
