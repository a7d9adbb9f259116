"""Scoring: what a partition asks of a model, and for whom the answer changes something."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm, features
from streams.core.coverage import Coverage
from streams.core.inputs import Cause, Score, Scored
from streams.core.rules import Rules
from streams.core.state import Column
from streams.core.step import HIGH, band_of, may_open
from streams.core.worth import value_at

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]
Reasons = tuple[tuple[str, float], ...]

CAUSES_MAX: Final = 3
"""Feature groups that a score names."""


class Scorer(Protocol):
    """Scores users from the numbers of their state; a row's answer depends on no other row."""

    @property
    def version(self) -> str:
        """Name of the model and what it was trained to."""

    @property
    def examples(self) -> int:
        """Matured examples behind it."""

    @property
    def may_alert(self) -> bool:
        """Whether it knows enough for an alert to rest on it."""

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next period), shape (users,)."""

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (users,)."""

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (users,)."""

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per user (feature group, weight), toward leaving first, and the base at the end.

        The weights add up to the log-odds of no activity within the next period.
        """


class Advisor(Protocol):
    """What was learned of contacts: the odds of variants, and whom contact moves."""

    def odds(self, playbook: str, variants: tuple[str, ...]) -> tuple[float, ...]:
        """Return the probability of each variant; empty = nothing is known."""

    def lift(self, rows: NDArray[np.float32]) -> tuple[F64, F64]:
        """Return what contact does to P(return) and its standard error, shape (users,) both."""


class Observer(Protocol):
    """Watches a partition at work; a back-test writes down what it sees."""

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        """Take note of P(this silence reaches H) of eligible users at a rescore."""

    def alert(self, user_id: str, at_ms: int) -> None:
        """Take note of a case that was opened."""


class Assessed(NamedTuple):
    """What scoring found; every field is about the users that were `seen`.

    Attributes:
        seen: Places of the users whose whole path was computed.
        reach: P(this silence reaches H).
        steps: Who has to take a step.
        opens: For whom a case may open by the score.
        backstop: Who is at the silence backstop.
    """

    seen: Rows
    reach: F64
    steps: Flags
    opens: Flags
    backstop: Flags

    def only(self, picked: Rows) -> "Assessed":
        """Return some of the users."""
        return Assessed(
            self.seen[picked],
            self.reach[picked],
            self.steps[picked],
            self.opens[picked],
            self.backstop[picked],
        )


def scored_before(heads: F64, at_ms: F64, rules: Rules) -> F64:
    """Return when silent users were scored last before an instant, shape (users,).

    That is the check before, or the last activity if none has been since.

    Args:
        heads: Shape (users, WIDTH), moved by what the source missed.
        at_ms: Shape (users,).
        rules: Say how often a silent user is scored.
    """
    check = float(rules.churn.check_ms)
    last = heads[:, Rhythm.LAST]
    shift = last + heads[:, Column.PHASE] % check
    before: F64 = (np.ceil((at_ms - shift) / check) - 1.0) * check + shift
    return np.maximum(before, last)


class Assessor:
    """Scores many users at once and finds the few who have to take a step.

    One step of the hazard, P(no activity within the next period), is a bound of the whole path
    while at least one whole period is left, so the path is computed only where it can matter.
    """

    def __init__(
        self,
        rules: Rules,
        scorer: Scorer,
        counts: Counter[str],
        observer: Observer | None,
        coverage: Coverage,
    ) -> None:
        """Make one.

        Args:
            rules: The business rules.
            scorer: The model in force.
            counts: Where to count.
            observer: Sees every eligible user's path.
            coverage: What the source missed: no silence to the model.
        """
        self.scorer = scorer
        self.advisor: Advisor | None = None
        self._coverage = coverage
        self._rules = rules
        self._counts = counts
        self._observer = observer
        self._bounded_ms = float(rules.churn.horizon_ms - rules.churn.period_ms)

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on."""
        self._rules = rules

    def assess(self, heads: F64, at_ms: F64, backstop: Flags | None = None) -> Assessed:
        """Return whose band moves, or for whom a case may open.

        Args:
            heads: Shape (users, WIDTH); the same user may be there at several instants.
            at_ms: Shape (users,): when they are scored.
            backstop: Shape (users,): who has reached the silence backstop.
        """
        if not len(heads):
            nobody = np.zeros(0, bool)
            return Assessed(np.zeros(0, np.intp), np.zeros(0), nobody, nobody, nobody)
        moved = self._coverage.moved(heads, at_ms)
        seen = np.flatnonzero(self._concerned(moved, at_ms, backstop))
        self._counts["paths"] += len(seen)
        heads, moved, at_ms = heads[seen], moved[seen], at_ms[seen]
        reach = self.scorer.reach(moved, at_ms) if len(seen) else np.empty(0)
        band = band_of(reach, heads[:, Column.BAND], self._rules)
        opens = self._opening(heads, at_ms, band)
        moves = (band != heads[:, Column.BAND]) & self._is_ready
        is_backstop = np.zeros(len(seen), bool) if backstop is None else backstop[seen]
        return Assessed(seen, reach, moves | opens | is_backstop, opens, is_backstop)

    def signals(
        self, names: Sequence[str], heads: F64, at_ms: F64, found: Assessed
    ) -> list[Scored]:
        """Return the steps that users have to take, one for each that was `seen`.

        Args:
            names: Shape (seen,): user ids.
            heads: Shape (seen, WIDTH).
            at_ms: Shape (seen,).
            found: What `assess` found, of the same users.
        """
        explained = np.flatnonzero(found.opens | found.backstop)
        scores = dict(
            zip(
                explained.tolist(),
                self._scores(heads[explained], at_ms[explained], found.reach[explained]),
                strict=True,
            )
        )
        by_silence = found.backstop & ~found.opens
        lost = self._coverage.lost(heads, heads[:, Rhythm.LAST], at_ms)
        return [
            Scored(
                names[place],
                int(at_ms[place]),
                scores.get(place) or Score(said, self.scorer.version, self.scorer.examples),
                is_backstop=bool(by_silence[place]),
                lost_ms=int(lost[place]),
            )
            for place, said in enumerate(found.reach.tolist())
        ]

    def tell(self, names: Sequence[str], at_ms: F64, reach: F64) -> None:
        """Let the observer, if there is one, know of scores."""
        if self._observer is not None and len(names):
            self._observer.risk(list(names), at_ms, reach)

    def lost_ms(self, heads: F64, at_ms: float) -> int:
        """Return how much of one user's silence counts as no time."""
        at = np.full(1, at_ms)
        return int(self._coverage.lost(heads, heads[:, Rhythm.LAST], at)[0])

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H) of users, shape (users,)."""
        return self.scorer.reach(self._coverage.moved(heads, at_ms), at_ms)

    def scores(self, heads: F64, at_ms: F64) -> list[Score]:
        """Return what the model says of users, with its reasons and what contact may do."""
        if not len(heads):
            return []
        return self._scores(heads, at_ms, self.reach(heads, at_ms))

    def _scores(self, heads: F64, at_ms: F64, reach: F64) -> list[Score]:
        if not len(heads):
            return []
        moved, horizon = self._coverage.moved(heads, at_ms), float(self._rules.churn.horizon_ms)
        seen = features(moved, at_ms, horizon).astype(np.float32)
        lifts: list[tuple[float, float] | None] = [None] * len(heads)
        if self.advisor is not None:
            mean, error = self.advisor.lift(seen)
            lifts = list(zip(mean.tolist(), error.tolist(), strict=True))
        version, examples = self.scorer.version, self.scorer.examples
        values = value_at(heads, at_ms, horizon).tolist()
        return [
            Score(said, version, examples, why, value, lift, row.tobytes())
            for said, why, value, lift, row in zip(
                reach.tolist(), self._causes(moved, at_ms), values, lifts, seen, strict=True
            )
        ]

    def _causes(self, heads: F64, at_ms: F64) -> list[tuple[Cause, ...]]:
        """Return what weighs most, and by how much it moved since the score before this one."""
        if not len(heads):
            return []
        now = self.scorer.explain(heads, at_ms)
        then = self.scorer.explain(heads, scored_before(heads, at_ms, self._rules))
        return [
            tuple(Cause(code, weight, weight - before[code]) for code, weight in row[:CAUSES_MAX])
            for row, before in zip(now, map(dict, then), strict=True)
        ]

    def _opening(self, heads: F64, at_ms: F64, band: F64) -> Flags:
        """Return for whom a case opens if they take a step."""
        if not self._is_ready:
            return np.zeros(len(heads), bool)
        case_at, closed_at = heads[:, Column.CASE_AT], heads[:, Column.CLOSED_AT]
        last, bid = heads[:, Rhythm.LAST], heads[:, Column.BID]
        may = may_open(case_at, closed_at, last, bid, at_ms, self._rules)
        opening: Flags = (band == HIGH) & may.astype(bool)
        return opening

    @property
    def _is_ready(self) -> bool:
        """Whether the model knows enough to be listened to."""
        return self.scorer.may_alert and self.scorer.examples >= self._rules.alert.examples_min

    def _concerned(self, heads: F64, at_ms: F64, backstop: Flags | None) -> Flags:
        """Return for whom the whole path has to be known."""
        concerned = heads[:, Rhythm.ACTIVE_DAYS] >= self._rules.alert_days
        if not self._coverage.is_whole:
            concerned &= self._coverage.is_live(heads, at_ms)
        if self._observer is None:
            if concerned.all():
                concerned = self._is_close(heads, at_ms)
            else:
                eligible = np.flatnonzero(concerned)
                concerned[eligible] = self._is_close(heads[eligible], at_ms[eligible])
        return concerned if backstop is None else concerned | backstop

    def _is_close(self, heads: F64, at_ms: F64) -> Flags:
        """Return for whom one step of the hazard does not rule out that a band moves."""
        self._counts["scored"] += len(heads)
        stays_away = 1.0 - self.scorer.hazard(heads, at_ms)
        if not self._is_ready:
            return np.zeros(len(heads), bool)
        close = stays_away >= self._rules.alert.elevated_probability
        close |= heads[:, Column.BAND] > 0.0
        close |= at_ms - heads[:, Rhythm.LAST] > self._bounded_ms
        # While a case is open, its releases ask for the score; between them it changes nothing.
        close &= heads[:, Column.CASE_AT] == 0.0
        return close
