"""The gate: who gets the places that a budget has, at instants of event time.

Whoever is at high risk bids, and whoever has a step due on a rationed channel waits. At every
border the partition hands out the places that the day has come to: unfinished journeys first, then
the users with the largest expected loss, each of them scored afresh and each touch decided anew.
What is handed out depends on the states at the border alone, not on how inputs are cut.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import msgspec
import numpy as np

from streams.core.budget import Ledger, day_name
from streams.core.candidates import Candidates
from streams.core.clocks import CATCH_UP_MS
from streams.core.effects import Effect, RecordDecision
from streams.core.fuse import Fuse
from streams.core.inputs import Score, Terms, TurnCame
from streams.core.journey import book_for
from streams.core.messages import BudgetStatus, GateRecord
from streams.core.playbook import PlaybookStep, pick_variant
from streams.core.rules import Rules
from streams.core.scoring import Assessor
from streams.core.state import UserState
from streams.core.terms import TermsBook
from streams.core.tiers import edges_of
from streams.core.time import FAR_FUTURE_MS, iso
from streams.core.touch import moment_of
from streams.core.users import Users
from streams.core.worth import loss_edges, value_at

Step = Callable[[int, TurnCame], tuple[Effect, ...]]

SPARE: Final = 64
"""So many more users than there are places are scored afresh: not everybody will be contacted."""

WEEK: Final = 7
"""Days: so often tiers are taken anew without a budget. Every time the stream is cut."""

SPENDS: Final = frozenset({"send", "observed", "withheld"})
"""Decisions that take a place: a touch that left, or would have in another mode."""


class Gate:
    """The places of one partition.

    Args:
        rules: The business rules.
        users: Of the partition.
        assessor: Scores them.
        book: What holds for all.
        number: Number of the partition.
        of: How many there are.
    """

    def __init__(
        self, rules: Rules, users: Users, assessor: Assessor, book: TermsBook, number: int, of: int
    ) -> None:
        self.last_ms = 0
        self.threshold = 0.0
        self.fuse = Fuse()
        self._users, self._book = users, book
        self._number, self._of = number, of
        self._idle_until = 0
        self._seen_version = -1
        self._candidates = Candidates(rules, users, assessor, book)
        self.ledger = Ledger(rules.budget, number, of)
        self._rules = rules

    @property
    def _is_idle(self) -> bool:
        """Whether nobody asks for tiers or places: a back-test without a budget."""
        return self._book.is_shadow and not self._rules.budget.per_day

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on; what was spent stays spent."""
        spent = self.ledger.record()
        self._rules, self.ledger = rules, Ledger(rules.budget, self._number, self._of)
        self.ledger.load(spent)
        self._candidates.adopt(rules)
        self.look_again()

    def look_again(self) -> None:
        """Look at everybody who waits at the next border: what holds for all has changed."""
        self._seen_version = -1

    # -- borders

    def begin(self, at_ms: int) -> None:
        """Take the first instant that the partition hears of for the first border."""
        self.last_ms = self.last_ms or max(at_ms, 0)

    def border(self, at_ms: int) -> int:
        """Return the first border after an instant; far away where there is nothing to hand out."""
        budget = self._rules.budget
        if self._is_idle:
            return FAR_FUTURE_MS
        return budget.border_after(at_ms) if budget.per_day else self._weigh_ms(at_ms)

    def _weigh_ms(self, at_ms: int) -> int:
        """Return when tiers are taken anew where nothing else is: daily at first, then weekly."""
        day = self._rules.budget.day(at_ms)
        while self.fuse.days >= WEEK and (day.number + 1) % WEEK:
            day = self._rules.budget.day(day.end_ms)
        return day.end_ms

    def next_ms(self, fired_ms: int) -> int:
        """Return the next border at which something may happen; none before an instant is left.

        Args:
            fired_ms: Every timer up to here has fired: who began to wait since the border before
                it waits for the one behind it, however late somebody looks.
        """
        if self._is_idle:
            return FAR_FUTURE_MS
        if not self._rules.budget.per_day:
            return self._weigh_ms(self.last_ms)
        passed_ms, users = max(self.last_ms, fired_ms), self._users
        day_end = self._rules.budget.day(self.last_ms).end_ms
        next_ms = self.border(passed_ms)
        if users.waiting and users.waiting_version != self._seen_version:
            return min(next_ms, day_end)
        # Nobody new waits: not before the next timer, and who waits has no place until then.
        due_ms = users.first_due_ms(day_end)
        first_ms = self.border(max(due_ms - 1, passed_ms))
        if users.waiting:
            first_ms = min(first_ms, max(self._idle_until, next_ms))
        return min(first_ms, day_end)

    def pass_border(self, at_ms: int, step: Step) -> Iterator[BudgetStatus]:
        """Hand out the places of a border; yield what is to be told of the budget.

        Every timer up to the border has fired.
        """
        budget, users = self._rules.budget, self._users
        is_new_day = budget.day(at_ms).number != budget.day(self.last_ms).number
        self.fuse.entered += users.take_bids()
        has_changed = self.fuse.look()
        if is_new_day:
            if budget.per_day:
                yield self._status(self.last_ms, at_ms)
            self.fuse.close_day()
            has_changed |= self.fuse.look()
            self._weigh(at_ms)
            self.ledger.forget_before(at_ms)
        self._book.is_fused = self.fuse.is_blown
        terms = self._book.at(at_ms)
        if terms.put_off_ms:  # The places of a day that is over are of use to nobody.
            self._idle_until = self._rest_until(terms.put_off_ms)
        elif self._has_news(at_ms) and not terms.is_stopped:
            self._hand_out(at_ms, step)
        self.last_ms, self._seen_version = at_ms, users.waiting_version
        if has_changed and budget.per_day:
            yield self._status(at_ms, at_ms)

    def _has_news(self, at_ms: int) -> bool:
        """Whether somebody waits who was not seen yet, or for whom a place may have come up."""
        users = self._users
        is_new = users.waiting_version != self._seen_version
        return bool(users.waiting) and (is_new or at_ms >= self._idle_until)

    def _rest_until(self, put_off_ms: int) -> int:
        """Return the first border that is not put off; whoever restarts before it finds the same.

        0.1.0 rested until the present itself, of which a restart knew nothing.
        """
        return self.border(put_off_ms - CATCH_UP_MS - 1)

    def _weigh(self, at_ms: int) -> None:
        """Take the value tiers, and the ranks of losses, anew."""
        heads = self._users.sampled()
        if len(heads):
            at = np.full(len(heads), float(at_ms))
            values = value_at(heads, at, float(self._rules.churn.horizon_ms))
            self._book.tier_edges = edges_of(values, self._rules.tier_shares)
            self._book.loss_edges = loss_edges(heads, at, self._rules)

    # -- places

    def _hand_out(self, at_ms: int, step: Step) -> None:
        ledger, candidates = self.ledger, self._candidates
        places = {kind: ledger.places(kind, at_ms) for kind in self._rules.budget.per_day}
        lowest = 0.0
        in_vain: set[str] = set()
        may_ask = partial(self._may_ask, places=places, at_ms=at_ms)
        waiting = candidates.waiting(at_ms, may_ask, in_vain)
        while any(places.values()):
            wanted = 4 * sum(places.values()) + SPARE
            found = [each for _, each in zip(range(wanted), waiting, strict=False)]
            if not found:
                break
            for loss, candidate, score in candidates.ranked(found, at_ms):
                kind = self._rules.contact.channel(candidate.step.channel).kind
                if not may_ask(candidate.step):
                    in_vain.add(kind)
                    continue
                has_place = places.get(kind, 1) > 0
                turn = candidates.turn(candidate, score, at_ms, has_place=has_place)
                took = step(candidate.row, turn)
                if kind in places and took_place(took):
                    ledger.spend(kind, at_ms)
                    places[kind] -= 1
                    lowest = min(lowest or loss, loss)
                if not any(places.values()):
                    break
        if not any(places.values()):
            in_vain.update(places)
        self.threshold = lowest or self.threshold
        later = [ledger.next_place_ms(kind, at_ms) for kind in sorted(in_vain)]
        later += candidates.held_until()
        self._idle_until = min(later, default=self.border(at_ms))

    def _may_ask(self, step: PlaybookStep, places: dict[str, int], at_ms: int) -> bool:
        """Return whether a step finds a place, needs none, or is given up for want of one."""
        kind = self._rules.contact.channel(step.channel).kind
        return places.get(kind, 1) > 0 or self._gives_up(step, kind, at_ms)

    def _gives_up(self, step: PlaybookStep, kind: str, at_ms: int) -> bool:
        """Return whether a step is skipped because the day has no place left for it."""
        return step.on_full == "skip" and self.ledger.left(kind, at_ms) <= 0

    def kind_of_answer(
        self,
        state: UserState,
        user_id: str,
        trigger: str,
        at_ms: int,
        score: Score,
        terms: Terms,
    ) -> str | None:
        """Return the rationed class of channel that an answer at once goes out on, or None."""
        moment = moment_of(user_id, at_ms, score, terms, self._rules)
        book = book_for(state, moment, trigger, self._rules)
        if book is None:
            return None
        odds = terms.odds.get(book.name, ())
        variant, _ = pick_variant(book, user_id, at_ms, odds)
        kind = self._rules.contact.channel(variant.steps[0].channel).kind
        return kind if kind in self._rules.budget.per_day else None

    def places_left(self, from_ms: int, to_ms: int) -> int:
        """Return how many answers at once are sure to find a place between two instants."""
        budget = self._rules.budget
        days = {budget.day(at_ms).number: at_ms for at_ms in (from_ms, to_ms)}
        left = [self.ledger.left(kind, at_ms) for kind in budget.per_day for at_ms in days.values()]
        return min(left, default=1 << 30)

    # -- what is told and kept

    def _status(self, of_ms: int, at_ms: int) -> BudgetStatus:
        """Return how the day of an instant stands, as of another."""
        day = self._rules.budget.day(of_ms)
        kinds = self._rules.budget.per_day
        return BudgetStatus(
            partition=self._number,
            day=day_name(day.number),
            used={kind: self.ledger.spent(kind, of_ms).total for kind in kinds},
            share={kind: self.ledger.share(kind, of_ms) for kind in kinds},
            waiting=len(self._users.waiting),
            threshold=round(self.threshold, 2),
            is_fused=self.fuse.is_blown,
            at=iso(at_ms),
        )

    def status(self) -> BudgetStatus:
        """Return how the budget stands."""
        return self._status(self.last_ms, self.last_ms)

    def record(self) -> GateRecord:
        """Return what the partition record keeps."""
        fuse = msgspec.structs.replace(self.fuse)
        book, spent = self._book, self.ledger.record()
        return GateRecord(
            self.last_ms, spent, book.tier_edges, fuse, self.threshold, book.loss_edges
        )

    def load(self, record: GateRecord) -> None:
        """Take over what the partition record kept."""
        self.last_ms, self.threshold = record.last_ms, record.threshold
        self.fuse = record.fuse
        self.ledger.load(record.spent)
        self._book.tier_edges, self._book.is_fused = record.tier_edges, record.fuse.is_blown
        self._book.loss_edges = record.loss_edges


def took_place(effects: tuple[Effect, ...]) -> bool:
    """Return whether a decision used up a place."""
    return any(
        isinstance(effect, RecordDecision) and effect.decision.reason in SPENDS
        for effect in effects
    )
