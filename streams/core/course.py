"""The course of users: what is known of them, and every step that they take.

What makes them take one is said elsewhere: inputs in rounds, time in `streams.core.silence`.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.clocks import Clocks
from streams.core.controls import ON, STOP
from streams.core.coverage import TOO_MANY_OUTAGES, Coverage
from streams.core.effects import Effect, ForgetUser, RecordEpisode
from streams.core.episodes import EpisodeCollector
from streams.core.erasures import Erasures
from streams.core.examples import ExampleCollector
from streams.core.gate import Gate, took_place
from streams.core.inputs import (
    Acted,
    Directive,
    Erased,
    Input,
    OutageAnnounced,
    Score,
    Stopped,
    Terms,
    TimerFired,
    Troubled,
)
from streams.core.outbox import Outbox
from streams.core.outcomes import OutcomeCollector
from streams.core.rounds import blocks
from streams.core.rules import Rules
from streams.core.schedule import Schedule
from streams.core.scoring import Advisor, Assessed, Assessor, Observer, Scorer
from streams.core.state import CASE_WAITS, Column, decode, encode
from streams.core.step import step
from streams.core.teaching import LearnerInput
from streams.core.terms import TermsBook
from streams.core.users import Users
from streams.core.worth import quantised

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]


class Course:
    """Users in time.

    Attributes:
        clocks: How far the sources have come.
        users: Their bytes and deadlines.
        coverage: What the source missed.
        schedule: When each is looked at next.
        assessor: Scores them.
        examples: What they teach, period by period.
        outcomes: What they are asked, horizon by horizon.
        outbox: What they make us say.
        erasures: Whom they made us forget.
        book: What holds for all of them.
        gate: Who gets the places of a budget.
        episodes: What became of those who were exposed.
        counts: What happened, by name.
        acting: Row of who is about to act to the watermark before, and when that is, epoch ms.
    """

    def __init__(
        self,
        rules: Rules,
        scorer: Scorer,
        outbox: Outbox,
        *,
        number: int,
        of: int,
        is_shadow: bool,
        observer: Observer | None,
        clocks: Clocks,
    ) -> None:
        """Args: as those of `Partition`."""
        self._rules = rules
        self._observer = observer
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self.users = Users(rules)
        self.coverage = Coverage(rules.outages)
        self.schedule = Schedule(rules, self.users, self.coverage)
        self.assessor = Assessor(rules, scorer, self.counts, observer, self.coverage)
        self.examples = ExampleCollector(rules, self.coverage, is_shadow=is_shadow)
        self.outcomes = OutcomeCollector(rules, self.coverage, is_shadow=is_shadow)
        self.outbox = outbox
        self.erasures = Erasures(rules.ids, rules.churn.limit_ms)
        self.book = TermsBook(rules, clocks, is_shadow=is_shadow)
        self.acting: dict[int, tuple[float, float]] = {}
        self.gate = Gate(rules, self.users, self.assessor, self.book, number, of)
        self.episodes = EpisodeCollector(rules)

    def advise(self, advisor: Advisor) -> None:
        """Go by what was learned of contacts from now on."""
        self.assessor.advisor = advisor
        self.book.advise(advisor)

    def adopt(self, rules: Rules, watermark_ms: int) -> None:
        """Go by changed rules from an instant on."""
        self._rules = rules
        self.coverage.fix(rules.outages)
        for part in (
            self.users, self.schedule, self.assessor, self.examples, self.outcomes, self.book,
            self.gate,
        ):  # fmt: skip
            part.adopt(rules)
        self.schedule.renew_all(float(watermark_ms))

    def score(self, rows: Rows, at_ms: F64, heads: F64, backstop: Flags | None = None) -> None:
        """Score users; let the few for whom the answer changes something take a step."""
        found = self.assessor.assess(heads, at_ms, backstop)
        self.note(rows, heads, at_ms, found)
        self.take_steps(rows, heads, at_ms, found.only(np.flatnonzero(found.steps)))

    def note(self, rows: Rows, heads: F64, at_ms: F64, found: Assessed) -> None:
        """Tell what users were scored, and what it makes of their bids.

        Args:
            rows: Of the users; one who was scored at several instants stands there several times.
            heads: Theirs.
            at_ms: When each was scored.
            found: Of them.
        """
        seen = found.seen
        self.assessor.tell(self.users.names_of(rows[seen]), at_ms[seen], found.reach)
        self._raise_bids(rows[seen], heads[seen], found)

    def _raise_bids(self, rows: Rows, heads: F64, found: Assessed) -> None:
        """Note what the risk of users who bid has come to; the last of several words counts."""
        bid = heads[:, Column.BID]
        bids = np.flatnonzero((bid > 0.0) & (bid < CASE_WAITS) & ~found.steps)
        for place in bids.tolist():
            raised = float(quantised(found.reach[place : place + 1])[0])
            self.users.raise_bid(int(rows[place]), raised)

    def take_steps(self, rows: Rows, heads: F64, at_ms: F64, found: Assessed) -> None:
        """Let users take the steps that scores ask for; arguments as those of `note`."""
        picked = found.seen
        if not len(picked):
            return
        names = self.users.names_of(rows[picked])
        signals = self.assessor.signals(names, heads[picked], at_ms[picked], found)
        for row, signal in zip(rows[picked].tolist(), signals, strict=True):
            terms = self._terms(row, signal.event_time_ms)
            self.step(row, msgspec.structs.replace(signal, terms=terms))

    def _terms(self, row: int, at_ms: int) -> Terms:
        """Return what holds for a user at an instant, and whether it is about to act."""
        terms = self.book.at(at_ms)
        reached_ms, acts_ms = self.acting.get(row, (at_ms, 0.0))
        if at_ms <= reached_ms:
            return terms
        return msgspec.structs.replace(terms, acts_ms=int(acts_ms))

    def take(self) -> list[LearnerInput]:
        """Return what users taught since the last call, counted."""
        openings, outcomes, forgotten = self.outcomes.take()
        taught: list[LearnerInput] = []
        for name, made in (
            ("examples", self.examples.take()),
            ("openings", openings),
            ("outcomes", outcomes),
            ("", self.episodes.take()),
            ("", forgotten),  # Last: what was asked before is forgotten, too.
        ):
            if made:
                if name:
                    self.counts[name] += sum(block.count for block in made)
                taught += made
        return taught

    def time_out(self, rows: Rows, at_ms: F64) -> None:
        """Let users take the step of a mark of silence or of their case."""
        heads = self.users.matrix(rows)
        due = np.flatnonzero(heads[:, Column.DUE] <= at_ms)
        scores: dict[int, Score] = {}
        if len(due):
            found = self.assessor.scores(heads[due], at_ms[due])
            scores = dict(zip(due.tolist(), found, strict=True))
        names, lost = self.users.names, self.coverage.lost(heads, heads[:, Rhythm.LAST], at_ms)
        for place, row in enumerate(rows.tolist()):
            score, lost_ms = scores.get(place), int(lost[place])
            at, terms = (
                int(at_ms[place]),
                None if score is None else self._terms(row, int(at_ms[place])),
            )
            self.step(row, TimerFired(names[row], at, score, lost_ms, terms))

    def announce(self, outage: OutageAnnounced, watermark_ms: int) -> None:
        """Take note of an outage: it counts from the watermark of now on."""
        if not self.coverage.has_room(outage.from_ms):
            self.counts[TOO_MANY_OUTAGES] += 1
            return
        self.coverage.announce({outage.from_ms: outage.to_ms})
        self.schedule.renew_all(float(watermark_ms))
        self.counts["accepted"] += 1

    def find(self, user_id: str) -> int | None:
        """Return the row of a user, who is awake from now on; None = nobody is known."""
        users = self.users
        row = users.index.get(user_id)
        if row is None and user_id in users.asleep:
            row = users.wake(user_id)
            rows = np.array([row])
            users.grid[rows] = self.schedule.timers.grid_of(users.matrix(rows))
        return row

    def control(self, directives: Iterable[Directive], watermark_ms: int) -> bool:
        """Take over the orders of operators; return whether any is new.

        The kill switch closes every open case at once.
        """
        new = self.book.controls.take(directives, watermark_ms)
        if new:
            self.gate.look_again()
        if any((order.key, order.value) == (STOP, ON) for order in new):
            self._close_all(watermark_ms)
        return bool(new)

    def _close_all(self, at_ms: int) -> None:
        """Close every open case and take back what has not left."""
        users = self.users
        for rows in blocks(users.rows()):
            heads = users.matrix(rows)
            has_case = heads[:, Column.CASE_AT] > 0.0
            picked, heads = rows[has_case], heads[has_case]
            for row in picked.tolist():
                self.step(row, Stopped(users.names[row], at_ms))
            self.schedule.renew(picked, heads, np.full(len(picked), float(at_ms)))

    def answer(self, row: int, signal: Acted, at_ms: int) -> None:
        """Answer what a user is in trouble with, if a playbook is there for it."""
        gate = self.gate
        if not any(signal.trigger in book.match.triggers for book in self._rules.playbooks):
            return
        rows = np.array([row])
        score = self.assessor.scores(self.users.matrix(rows), np.full(1, float(at_ms)))[0]
        terms = self.book.at(at_ms)
        kind = gate.kind_of_answer(
            decode(self.users.values[row]), signal.user_id, signal.trigger, at_ms, score, terms
        )
        has_place = kind is None or gate.ledger.left(kind, at_ms) > 0
        troubled = Troubled(signal.user_id, at_ms, signal.trigger, score, terms, has_place)
        if took_place(self.step(row, troubled)) and kind is not None:
            gate.ledger.spend(kind, at_ms, is_instant=True)

    def admit(self, user_id: str, at_ms: int) -> int:
        """Add a user of whom nothing is known and return the row.

        Whoever comes back under an id that was erased has consented to nothing.
        """
        row = self.users.admit(user_id)
        if self.erasures.asks(user_id, at_ms):
            state = decode(self.users.values[row])
            profile = msgspec.structs.replace(state.profile, is_unasked=True)
            self.users.put(row, encode(state.having(profile)))
        self.counts["users_new"] += 1
        return row

    def forget_id(self, user_id: str, at_ms: int) -> None:
        """Forget an id of somebody who was erased under another one."""
        self.outbox.add((ForgetUser(user_id, at_ms, is_other_id=True),), self.counts)
        self._forget(user_id, at_ms)

    def _forget(self, user_id: str, at_ms: int) -> None:
        self.erasures.add(user_id, at_ms)
        self.outcomes.forget(user_id)

    def pass_border(self, at_ms: int) -> None:
        """Hand out the places of a border; every timer up to it has fired."""
        stepped: list[int] = []

        def take_turn(row: int, signal: Input) -> tuple[Effect, ...]:
            stepped.append(row)
            return self.step(row, signal)

        for status in self.gate.pass_border(at_ms, take_turn):
            self.outbox.status(status)
        if stepped:
            rows = np.array(stepped, np.intp)
            self.schedule.renew(rows, self.users.matrix(rows), np.full(len(rows), float(at_ms)))

    def step(self, row: int, signal: Input) -> tuple[Effect, ...]:
        """Run one input through the reducer; return what it asks for."""
        users = self.users
        before = decode(users.values[row])
        state, effects = step(before, signal, self._rules)
        if isinstance(signal, Erased):
            users.forget(signal.user_id)
            self._forget(signal.user_id, signal.event_time_ms)
        elif state is not before:
            users.put(row, encode(state))
        if self._observer is not None and state[Column.CASE_AT] > before[Column.CASE_AT]:
            self._observer.alert(users.names[row], signal.event_time_ms)
        if effects:
            self.outbox.add(effects, self.counts)
            for effect in effects:
                if isinstance(effect, RecordEpisode):
                    self.episodes.add(effect)
        return effects
