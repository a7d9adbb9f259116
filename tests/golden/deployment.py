"""A deployment in one process, without Kafka: engines of every role, and what lies on its topics.

Its model says what silence says, so that what is decided depends on no model that learned.
"""

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from streams.core.inputs import Directive
from streams.core.partition import Partition
from streams.core.partitioner import partition_of_key
from streams.core.rules import Rules
from streams.intake.bulk import Bulk
from streams.intake.wire.schemas import Schemas
from streams.rule_files import load_rules
from streams.runtime.columns import Chunk, Columns
from streams.runtime.dead_letters import DeadLetters, Notices
from streams.runtime.engine_topics import streams_of
from streams.runtime.in_force import Board, InForce, decoders_of
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.producer import Commit
from streams.runtime.routed_record import Envelope
from streams.runtime.router import RouterEngine, Targets
from streams.runtime.ticks import Tick
from streams.settings import Settings
from tests.golden.stored import Given, Written
from tests.golden.stories import ORDERS, PARTITIONS
from tests.unit.core.stories import F64, ToldScorer
from tests.unit.runtime.routing import tell
from winback_sender.contract.messages import Output

SETTINGS: Final = Settings()
ROUTER_CHANGELOG: Final = "router-changelog"
Contents = dict[bytes, bytes]


def by_silence(silence_days: F64) -> F64:
    """Risk that passes one half after four days."""
    return silence_days / (silence_days + 4.0)


class Deployment:
    """Two partitions, their learner, and the router of one topic.

    Args:
        rules: Path of the rules file.

    Attributes:
        written: Every record that was written, in order.
        changelogs: Topic and partition of what is compacted to its content.
    """

    def __init__(self, rules: Path) -> None:
        self.rules: Rules = load_rules(str(rules))
        self.at_ms = 0
        scorer = ToldScorer(by_silence, self.rules.churn.horizon_ms)
        decoders = decoders_of(SETTINGS, self.rules, Schemas())
        self.board = Board(InForce(self.rules, "golden", decoders, scorer), lambda: None)
        self.metrics, notices = Metrics(), Notices("dead")
        self.engines = [
            PipelineEngine(
                Partition(number, self.rules, scorer, of=PARTITIONS),
                lambda: self.board.now, streams_of(SETTINGS), self.metrics, notices,
                lambda: self.at_ms,
            )
            for number in range(PARTITIONS)
        ]  # fmt: skip
        self.learner = LearnerEngine(SETTINGS, self.rules, self.metrics)
        (source,) = self.rules.sources
        self.router = RouterEngine(
            source, Envelope(ORDERS, 0, "golden"), lambda: Bulk(tell),
            Targets(SETTINGS.topic_activity, SETTINGS.topic_dead_letters),
            DeadLetters(notices, self.metrics), self.metrics, lambda: self.at_ms, is_ticked=True,
        )  # fmt: skip
        self.written: list[Written] = []
        self.changelogs: dict[tuple[str, int], Contents] = {}
        self._waiting: deque[tuple[int, Output]] = deque()

    # -- what happens

    def give(self, each: Given) -> list[Written]:
        """Let one thing happen, and all that follows; return what was written."""
        before, self.at_ms = len(self.written), max(self.at_ms, each.at_ms)
        if each.topic == "$tick":
            for engine in self.engines:
                engine.tick(Tick(each.at_ms), 10**12)
        elif each.topic == "$orders":
            orders = (Directive(*order) for order in msgspec.json.decode(each.value))
            self.board.change(orders=tuple(orders))
        elif each.topic == ORDERS:
            self._drive(self.router, each.topic, 0, None, each)
        else:
            self._drive(self.engines[each.partition], each.topic, each.partition, each.key, each)
        self._post()
        return self.written[before:]

    def settle(self) -> None:
        """Make durable what the learner knows."""
        self._keep(SETTINGS.topic_models, 0, self.learner.take())

    def _drive(
        self,
        engine: PipelineEngine | RouterEngine | LearnerEngine,
        topic: str,
        partition: int,
        key: str | None,
        each: Given | Output,
    ) -> None:
        """Do what a lane does with one record."""
        first = engine.applied.get(topic, 0)
        value = each.value.encode() if isinstance(each, Given) else each.value
        raw = each.key if isinstance(each, Output) else None if key is None else key.encode()
        columns = Columns(first, first + 1, [raw], [value], [first], [self.at_ms])
        engine.apply(Chunk(topic, partition, columns, 1))
        engine.applied[topic] = first + 1

    def _post(self) -> None:
        """Commit, and deliver what roles write for each other, until nothing is under way."""
        while True:
            for number, engine in enumerate(self.engines):
                self._keep(SETTINGS.topic_users_changelog, number, engine.take())
            self._keep(ROUTER_CHANGELOG, 0, self.router.take())
            if not self._waiting:
                return
            while self._waiting:
                number, record = self._waiting.popleft()
                self._drive(self.engines[number], SETTINGS.topic_identity, number, None, record)

    def _keep(self, changelog: str, number: int, commit: Commit) -> None:
        kept = self.changelogs.setdefault((changelog, number), {})
        for key, value in commit.changelog:
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
        for topic, records in commit.outputs.items():
            for record in records:
                self.written.append(Written(topic, number, *record))
                if topic == SETTINGS.topic_examples:
                    self._drive(self.learner, topic, 0, None, record)
        for topic, records in commit.keyed.items():
            for record in records:
                assert record.key is not None
                to = partition_of_key(record.key, PARTITIONS)
                self.written.append(Written(topic, to, *record))
                if topic == SETTINGS.topic_identity:
                    self._waiting.append((to, record))

    # -- what is kept

    def stored(self) -> list[Written]:
        """Return what lies on the compacted topics."""
        return [
            Written(topic, number, key, value, [])
            for (topic, number), content in self.changelogs.items()
            for key, value in content.items()
        ]

    def restore(self, stored: Iterable[Written], at_ms: int) -> None:
        """Go on from what lies on compacted topics.

        Raises:
            UserError: A role refuses what lies there.
        """
        self.at_ms = at_ms
        for record in stored:
            assert record.key is not None
            content = self.changelogs.setdefault((record.topic, record.partition), {})
            content[record.key] = record.value
        for number, engine in enumerate(self.engines):
            engine.restore(self.changelogs[SETTINGS.topic_users_changelog, number])
        self.learner.restore(self.changelogs[SETTINGS.topic_models, 0])
        self.router.restore(self.changelogs[ROUTER_CHANGELOG, 0])
