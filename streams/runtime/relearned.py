"""The topic of examples, learned again, to know what every model said before an answer.

The learner keeps what was said of a user only until the answer is there. But all that it learned
lies on the topic in the order in which it was learned, orders of operators between the blocks; so
the same engine comes to the same words, but for one thing: live, trees are fitted in another thread
and play from a later assembly on. Where Kafka has deleted the topic's beginning, nothing is said
rather than something else.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from models.episodes import Episodes
from models.features import F64, features
from models.questions import Examples, Forget, Matured, Openings, Questions, joined
from streams.core.rules import Rules
from streams.core.teaching import ModelOrder
from streams.lessons import BadLessonError, Lesson, OtherRulesError, input_of, lesson_of
from streams.orders import Action
from streams.runtime.columns import Chunk, Columns
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.topic_reader import Found
from streams.settings import Settings

WORDLESS: Final[dict[str, F64]] = {}


def guests_on(records: Iterable[Found]) -> tuple[str, ...]:
    """Return the names of the guests that operators let in, in the order of the topic."""
    names: dict[str, None] = {}
    for record in records:
        try:
            found = input_of(record.value)
        except BadLessonError:
            continue
        if isinstance(found, ModelOrder) and found.action == Action.ADD:
            names[found.name] = None
    return tuple(names)


class Relearned:
    """One pass over the topic.

    Args:
        settings: Name the key that orders are signed with.
        rules: Under which the blocks must have been made.
        is_whole: Whether the topic still has its beginning.
        asks: Whether questions are wanted; without them nothing is learned, which is quicker.

    Attributes:
        refused: Blocks that are broken, or were made with other features or rules.
    """

    def __init__(self, settings: Settings, rules: Rules, *, is_whole: bool, asks: bool) -> None:
        self.refused = 0
        self._rules = rules
        self._engine: LearnerEngine | None = None
        if asks and is_whole:
            self._engine = LearnerEngine(settings, rules, Metrics(), keeps_history=True)
        self._unscored = Unscored(rules) if asks and not is_whole else None

    @property
    def versions(self) -> dict[str, str]:
        """What the models are now, by name."""
        if self._engine is None:
            return {}
        models = self._engine.roster.models
        return {name: model.snapshot().version for name, model in models.items()}

    def pieces(self, records: Iterable[Found]) -> Iterator[Examples | Matured]:
        """Yield what is ripe, in the order of the topic."""
        for record in records:
            try:
                found = input_of(record.value)
                lesson = (
                    None if isinstance(found, ModelOrder) else lesson_of(found, self._rules.hash)
                )
            except (BadLessonError, OtherRulesError):
                self.refused += 1
                continue
            if isinstance(lesson, Examples):
                yield lesson
            if (matured := self._answered(record, lesson)) is not None:
                yield matured

    def _answered(self, record: Found, lesson: Lesson | None) -> Matured | None:
        if self._unscored is not None and lesson is not None:
            return self._unscored.see(lesson)
        if self._engine is None:
            return None
        self._engine.apply(_chunk(record))
        roster = self._engine.roster
        matured, roster.history = joined(roster.history), []
        return matured


class Unscored:
    """Questions and their answers, of which nobody knows what was said.

    Args:
        rules: Name the horizon.
    """

    def __init__(self, rules: Rules) -> None:
        self._horizon_ms = rules.churn.horizon_ms
        self._questions = Questions(self._horizon_ms, keeps_heads=True)

    def see(self, lesson: Lesson) -> Matured | None:
        """Note the questions of a block, or return those that it answers."""
        if isinstance(lesson, Examples | Episodes | Forget) or not len(lesson.users):
            return None
        if not isinstance(lesson, Openings):
            matured = self._questions.answer(lesson)
            self._questions.forget_before(float(lesson.matured_at_ms.min()))
            return matured
        rows = features(lesson.heads, lesson.at_ms, float(self._horizon_ms)).astype(np.float32)
        nothing = np.full(len(rows), np.nan)
        self._questions.ask(lesson, rows, (nothing, nothing, nothing), WORDLESS)
        self._questions.take()
        return None


def _chunk(record: Found) -> Chunk:
    columns = Columns(record.offset, record.offset + 1, [None], [record.value], [record.offset],
                      [record.timestamp_ms])  # fmt: skip
    return Chunk(record.topic, record.partition, columns, 0)
