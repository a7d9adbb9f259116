"""Candidates: who waits for a place, and in which order they get what there is."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from models.features import Rhythm
from streams.core.inputs import Score, TurnCame
from streams.core.journey import plan_of
from streams.core.playbook import PlaybookStep
from streams.core.quiet_hours import closed_until
from streams.core.rules import Rules
from streams.core.scoring import Assessor
from streams.core.state import CASE_WAITS, Column, UserState, decode
from streams.core.terms import TermsBook
from streams.core.touch import moment_of
from streams.core.users import Users
from streams.core.worth import expected_loss, value_at


class Candidate(NamedTuple):
    """Somebody who may be contacted now, but for a place."""

    row: int
    step: PlaybookStep


class Candidates:
    """Those of one partition who wait for a place.

    Args:
        rules: The business rules.
        users: Of the partition.
        assessor: Scores them.
        book: What holds for all.
    """

    def __init__(self, rules: Rules, users: Users, assessor: Assessor, book: TermsBook) -> None:
        self._rules, self._users = rules, users
        self._assessor, self._book = assessor, book
        self._held: dict[int, tuple[int, bytes]] = {}

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on."""
        self._rules = rules

    def waiting(
        self, at_ms: int, may_ask: Callable[[PlaybookStep], bool], in_vain: set[str]
    ) -> Iterator[Candidate]:
        """Yield who may be contacted now: the likeliest to be worth it first.

        Args:
            at_ms: The border.
            may_ask: Whether a step finds a place, or needs none.
            in_vain: Takes the classes for which somebody waits without a place.
        """
        users, rules = self._users, self._rules
        self._held = {
            row: held
            for row, held in self._held.items()
            if held[0] > at_ms and row in users.waiting and held[1] is users.values[row]
        }
        rows = np.array(sorted(users.waiting.difference(self._held)), np.intp)
        if not len(rows):
            return
        heads = users.matrix(rows)
        at = np.full(len(rows), float(at_ms))
        stake = rules.stake_least + np.maximum(
            value_at(heads, at, float(rules.churn.horizon_ms)), 0.0
        )
        bid, is_case = heads[:, Column.BID], heads[:, Column.BID] == CASE_WAITS
        order = np.lexsort((heads[:, Column.PHASE], -bid * stake, ~is_case))
        terms = self._book.at(at_ms)
        for place in order[heads[order, Rhythm.LAST] <= at_ms].tolist():
            row = int(rows[place])
            state = decode(users.values[row])
            score = Score(float(bid[place]), "", 0, (), float(value_at(
                heads[place : place + 1], at[:1], float(rules.churn.horizon_ms))[0]))  # fmt: skip
            moment = moment_of(users.names[row], at_ms, score, terms, rules)
            step = plan_of(state, moment, rules)
            if step is None:
                continue
            closed = self._closed_until(state, step, at_ms, terms.lag_ms)
            if closed is not None:
                self._held[row] = (closed, users.values[row])
            elif may_ask(step):
                yield Candidate(row, step)
            else:
                in_vain.add(rules.contact.channel(step.channel).kind)

    def held_until(self) -> list[int]:
        """Return until when the channel of each of those is closed who wait for nothing else."""
        return [until_ms for until_ms, _ in self._held.values()]

    def _closed_until(
        self, state: UserState, step: PlaybookStep, at_ms: int, lag_ms: int
    ) -> int | None:
        channel = self._rules.contact.channel(step.channel)
        zone = state.profile.zone or self._rules.zone
        closed = closed_until(at_ms + lag_ms, zone, channel.closed)
        return None if closed is None else closed[0] - lag_ms

    def ranked(self, found: list[Candidate], at_ms: int) -> list[tuple[float, Candidate, Score]]:
        """Return candidates with a fresh score, unfinished journeys and large losses first."""
        rows = np.array([each.row for each in found], np.intp)
        heads, at = self._users.matrix(rows), np.full(len(rows), float(at_ms))
        scores = self._assessor.scores(heads, at)
        rules = self._rules
        names, terms = self._users.names, self._book.at(at_ms)
        plans: list[PlaybookStep] = []
        for each, score in zip(found, scores, strict=True):
            moment = moment_of(names[each.row], at_ms, score, terms, rules)
            plan = plan_of(decode(self._users.values[each.row]), moment, rules)
            plans.append(plan or each.step)
        losses = [
            expected_loss(score, rules.cost_of(plan.channel), rules)
            for plan, score in zip(plans, scores, strict=True)
        ]
        order = np.lexsort(
            (heads[:, Column.PHASE], -np.array(losses), heads[:, Column.BID] != CASE_WAITS)
        )
        return [
            (losses[place], Candidate(found[place].row, plans[place]), scores[place])
            for place in order.tolist()
        ]

    def turn(self, candidate: Candidate, score: Score, at_ms: int, *, has_place: bool) -> TurnCame:
        """Return the input that it is when the turn of somebody comes."""
        users = self._users
        lost_ms = self._assessor.lost_ms(users.matrix(np.array([candidate.row])), float(at_ms))
        name, terms = users.names[candidate.row], self._book.at(at_ms)
        return TurnCame(name, at_ms, score, terms, lost_ms, has_place)
