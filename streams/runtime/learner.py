"""The learner's engine: blocks of examples, openings and outcomes in, signed records out.

It runs in the same lanes as the pipeline. Its changelog is the topic of models: the state *is* what
lies there, and says how far the blocks were learned. So a restart or another learner goes on
exactly there, and two learners at once are fenced.
"""

from collections.abc import Mapping
from typing import Final

from models import roster_records
from models.catalogue import CHAMPION
from models.questions import Examples, Openings
from models.roster import Roster
from models.snapshot import Serving, SnapshotRefused, load, sign
from streams.core.rules import Rules
from streams.errors import Exit, UserError
from streams.lessons import BadLessonError, Lesson, OtherRulesError, block_of, lesson_of
from streams.runtime.logs import get_logger
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.producer import Commit
from streams.runtime.ticks import Tick
from streams.runtime.transport import Chunk
from streams.settings import Settings

log = get_logger(__name__)

SNAPSHOT_EVERY_S: Final = 1.0
CHUNK_MAX: Final = 16
"""Blocks of examples at once: a block may hold thousands, and learning one takes 40 µs."""


class LearnerEngine:
    """The models of a deployment, learning.

    Args:
        settings: Name the topic and the key that signs models.
        rules: The churn definition that examples must have been made with.
        metrics: Where measures go.
    """

    def __init__(self, settings: Settings, rules: Rules, metrics: Metrics) -> None:
        self.applied: dict[str, int] = {}
        self.roster = Roster(
            rules.churn.horizon_ms,
            columns=rules.columns,
            rules_hash=rules.hash,
            examples_min=rules.alert.examples_min,
        )
        self._key = settings.model_key.encode()
        self._rules = rules
        self._metrics = metrics
        self._has_learned = False

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Go on from the newest records, if there are any.

        Raises:
            UserError: They cannot be gone on from; overwriting them in silence would lose them.
        """
        try:
            found = self._loaded(records)
            roster_records.restore(self.roster, found)
        except SnapshotRefused as refused:
            raise UserError(
                f"the newest model cannot be gone on from: {refused}",
                "Use the WINBACK_MODEL_KEY and the rules it was made with, or name another "
                "WINBACK_TOPIC_MODELS to learn from nothing.",
                Exit.FAILED,
            ) from refused
        serving = found.get(roster_records.SERVING)
        if isinstance(serving, Serving):
            self.applied = {topic: offsets[0] for topic, offsets in serving.applied.items()}
            log.info("model_restored", version=serving.version, examples=serving.examples)

    def _loaded(self, records: Mapping[bytes, bytes]) -> dict[str, roster_records.Record]:
        """Return what the records hold, by key; what an older version wrote is refused.

        Raises:
            SnapshotRefused: One cannot be read.
        """
        found = {}
        for key, data in records.items():
            kind = roster_records.kind_of(key.decode())
            if kind is not None or key == CHAMPION.encode():
                found[key.decode()] = load(data, self._key, kind or Serving)
        return found

    def apply(self, chunk: Chunk) -> None:
        """Learn the blocks of a chunk, in order."""
        for value, offset in zip(chunk.columns.values, chunk.columns.offsets, strict=True):
            lesson = self._lesson(value, offset)
            if lesson is not None:
                self._learn(lesson)
        self._has_learned = True

    def _lesson(self, value: bytes | None, offset: int) -> Lesson | None:
        """Return what a record teaches; what is broken or of other rules is counted and left."""
        count = 1
        try:
            block = block_of(value or b"")
            count = max(block.count, 0)
            return lesson_of(block, self._rules.hash)
        except (BadLessonError, OtherRulesError) as error:
            is_other = isinstance(error, OtherRulesError)
            log.warning("examples_refused", offset=offset, reason=str(error))
        outcome = "other_rules" if is_other else "not_decodable"
        self._metrics.add(Metric.EXAMPLES_LEARNED, count if is_other else 1, outcome=outcome)
        return None

    def _learn(self, lesson: Lesson) -> None:
        roster = self.roster
        match lesson:
            case Examples():
                roster.receive(examples=lesson)
            case Openings():
                roster.receive(openings=lesson)
            case _:
                roster.receive(outcomes=lesson)
        learned = roster.models[CHAMPION].examples
        roster.catch_up()
        learned = roster.models[CHAMPION].examples - learned
        if isinstance(lesson, Examples):
            self._metrics.add(Metric.EXAMPLES_LEARNED, learned, outcome="learned")
            refused = len(lesson.active) - learned
            self._metrics.add(Metric.EXAMPLES_LEARNED, refused, outcome="refused")

    def tick(self, tick: Tick, span_ms: int) -> bool:  # noqa: ARG002 (the lane's signature)
        """Learning follows examples, not the clock."""
        return True

    def take(self) -> Commit:
        """Hand over what changed since the last time."""
        if not self._has_learned:
            return Commit([], {})
        self._has_learned = False
        applied = {topic: {0: offset} for topic, offset in self.applied.items()}
        taken = roster_records.take(self.roster, applied)
        serving = taken[roster_records.SERVING]
        assert isinstance(serving, Serving)
        self._metrics.set(Metric.MODEL_EXAMPLES, serving.examples)
        for measure, value in serving.metrics.items():
            if value is not None:
                self._metrics.set(Metric.MODEL_QUALITY, value, measure=measure)
        changelog = [
            (key.encode(), None if record is None else sign(record, self._key))
            for key, record in taken.items()
        ]
        return Commit(changelog, {})
