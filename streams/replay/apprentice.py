"""Learning while a log is replayed: what matures goes in, what is in force comes out."""

from typing import Final

import numpy as np

from models.episodes import Episodes, joined, only
from models.policy import Policy, PolicyLearner
from models.questions import Examples, Openings, Outcomes
from models.roster import Roster
from models.snapshot import Serving
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.lessons import block_of, lesson_of
from streams.replay.guests import NOBODY, Guests
from winback_sender.contract.messages import Output

EPOCHS_PER_PERIOD: Final = 64


class Apprentice:
    """The roster of models, in the event time of a replay.

    Args:
        rules: The business rules.
        keeps_history: Whether every matured question is kept, for a report.
        keeps_records: Whether the roster can be written down, for a learner to go on from.
        guests: Models of somebody else, and when they enter.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        keeps_history: bool = False,
        keeps_records: bool = False,
        guests: Guests = NOBODY,
    ) -> None:
        self.rules = rules
        self._guests = guests
        self._policy = PolicyLearner(rules.hash)
        self._episodes: list[Episodes] = []
        self.roster = Roster(
            rules.churn.horizon_ms,
            columns=rules.columns,
            rules_hash=rules.hash,
            examples_min=rules.alert.examples_min,
            is_automatic=rules.is_promotion_automatic,
            keeps_history=keeps_history,
            keeps_records=keeps_records,
        )

    @property
    def epoch_ms(self) -> int:
        """The model changes at multiples of this event time: Δ/64."""
        return max(1, self.rules.churn.period_ms // EPOCHS_PER_PERIOD)

    def receive(self, records: list[Output]) -> None:
        """Keep what the partitions made until its epoch has come."""
        for record in records:
            lesson = lesson_of(block_of(record.value), self.rules.hash)
            match lesson:
                case Examples():
                    self.roster.receive(examples=lesson)
                case Openings():
                    self.roster.receive(openings=lesson)
                case Outcomes():
                    self.roster.receive(outcomes=lesson)
                case Episodes():
                    self._episodes.append(lesson)

    def learn_before(self, at_ms: int) -> None:
        """Learn what matured before the last epoch that is not after ``at_ms``."""
        epoch = at_ms // self.epoch_ms * self.epoch_ms
        if self._guests.snapshots and epoch >= self._guests.since_ms:
            self.roster.advance(self._guests.since_ms)
            for snapshot in self._guests.snapshots:
                self.roster.enter(snapshot)
            self._guests = NOBODY
        self.roster.advance(epoch)
        self._learn_episodes(epoch)

    def _learn_episodes(self, epoch_ms: int) -> None:
        """Learn the episodes that matured before an epoch, the earliest first."""
        if not self._episodes:
            return
        waiting = joined(self._episodes)
        order = np.lexsort((waiting.exposed_at_ms, waiting.matured_at_ms))
        is_ripe = waiting.matured_at_ms[order] < epoch_ms
        self._policy.learn(only(waiting, order[is_ripe]))
        left = order[~is_ripe]
        self._episodes = [only(waiting, left)] if len(left) else []

    def policy(self) -> Policy | None:
        """Return what was learned of contacts; None while that is nothing."""
        return self._policy.policy() if self._policy.episodes else None

    def serving(self) -> Serving:
        """Return what is in force now."""
        return self.roster.serving()

    def scorer(self) -> Scorer:
        """Return the scorer of now."""
        return self.roster.scorer()
