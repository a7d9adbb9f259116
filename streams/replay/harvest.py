"""What a log teaches: examples, and questions with what every model said before the answer.

The production core runs over the log in shadow, as in a back-test, and the models learn on the way;
so whatever is said of an instant rests on outcomes that were known by then.
"""

from collections.abc import Callable, Iterator

import msgspec

from models.questions import Examples, Matured, joined
from models.queue import Queue
from streams.core.outbox import EXAMPLES
from streams.core.rules import Rules
from streams.lessons import block_of, lesson_of
from streams.replay.apprentice import Apprentice
from streams.replay.blocks import Block
from streams.replay.fleet import Fleet, drive
from streams.replay.gaps import NO_GAPS, Gaps
from streams.replay.guests import NOBODY, Guests
from streams.replay.mute import Mute, muted


class Harvest:
    """One pass over a log. It is the ``Cuts`` of its run.

    Args:
        rules: The business rules.
        sink: Takes what is ripe, in the order of time.
        now_ms: Record timestamp of all events, epoch ms UTC.
        asks: Whether questions are wanted; without them nothing is learned, which is quicker.
        guests: Models of somebody else that play.
        gaps: What is known to be missing in the log.
    """

    def __init__(
        self,
        rules: Rules,
        sink: Callable[[Examples | Matured], None],
        now_ms: int,
        *,
        asks: bool,
        guests: Guests = NOBODY,
        gaps: Gaps = NO_GAPS,
    ) -> None:
        outages = (*rules.outages, *gaps.outages)
        rules = msgspec.structs.replace(rules, outages=outages)
        self._rules, self._sink = rules, sink
        self._apprentice = Apprentice(rules, keeps_history=True, guests=guests) if asks else None
        self._fleet = Fleet(
            muted(rules), Mute(), partitions=1, now_ms=now_ms, is_shadow=True, pauses=gaps.pauses
        )
        self._span_ms = max(1, rules.churn.period_ms // 4)
        self._examples = Queue()

    def run(self, blocks: Iterator[Block]) -> None:
        """Run the log to its end."""
        drive(self._fleet, blocks, self, self._cut, lambda _: self._collect())
        self._fleet.close()
        self._collect()
        if self._apprentice is not None:
            self._apprentice.roster.catch_up()
        self._hand_over(self._examples.newest_ms + 1)

    @property
    def events(self) -> int:
        """Events of the log that were taken."""
        return self._fleet.counts["accepted"]

    @property
    def versions(self) -> dict[str, str]:
        """What the models are now, by name."""
        if self._apprentice is None:
            return {}
        models = self._apprentice.roster.models
        return {name: model.snapshot().version for name, model in models.items()}

    def after(self, at_ms: int, *, is_over: bool = False) -> int | None:
        """Return the next instant at which what is ripe is handed over."""
        return None if is_over else (at_ms // self._span_ms + 1) * self._span_ms

    def _cut(self, at_ms: int) -> None:
        self._collect()
        if self._apprentice is not None:
            self._apprentice.learn_before(at_ms)
        self._hand_over(at_ms)

    def _collect(self) -> None:
        for stream, _, records in self._fleet.take():
            if stream != EXAMPLES:
                continue
            for record in records:
                lesson = lesson_of(block_of(record.value), self._rules.hash)
                if isinstance(lesson, Examples):
                    self._examples.put(lesson, None, None)
            if self._apprentice is not None:
                self._apprentice.receive(records)

    def _hand_over(self, until_ms: int) -> None:
        """Give away what matured before an instant, examples in the order of learning."""
        examples = self._examples.examples_before(until_ms)
        if examples is not None:
            self._sink(examples)
        if self._apprentice is None:
            return
        roster = self._apprentice.roster
        matured, roster.history = joined(roster.history), []
        if matured is not None:
            self._sink(matured)
