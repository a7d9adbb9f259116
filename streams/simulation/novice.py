"""Learning what contact does, without learning who leaves: quick enough for small worlds."""

import numpy as np

from models.episodes import Episodes, joined, only
from models.policy import Policy, PolicyLearner
from streams.core.teaching import EpisodeBlock
from streams.lessons import block_of, lesson_of
from winback_sender.contract.messages import Output


class Novice:
    """Learns the policy of contacts from matured episodes, the earliest first.

    Args:
        rules_hash: Of the rules that they were made under.
    """

    def __init__(self, rules_hash: str) -> None:
        self._rules_hash = rules_hash
        self._learner = PolicyLearner(rules_hash)
        self._waiting: list[Episodes] = []

    def receive(self, records: list[Output]) -> None:
        """Keep the episodes among what the partitions taught."""
        for record in records:
            block = block_of(record.value)
            if isinstance(block, EpisodeBlock):
                lesson = lesson_of(block, self._rules_hash)
                assert isinstance(lesson, Episodes)
                self._waiting.append(lesson)

    def learn_before(self, at_ms: int) -> bool:
        """Learn what matured before an instant; return whether there was anything."""
        if not self._waiting:
            return False
        waiting = joined(self._waiting)
        order = np.lexsort((waiting.exposed_at_ms, waiting.matured_at_ms))
        is_ripe = waiting.matured_at_ms[order] < at_ms
        self._learner.learn(only(waiting, order[is_ripe]))
        self._waiting = [only(waiting, order[~is_ripe])] if not is_ripe.all() else []
        return bool(is_ripe.any())

    def policy(self) -> Policy:
        """Return what was learned so far."""
        return self._learner.policy()
