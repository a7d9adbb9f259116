"""The fuse of an input at work: how much of a chunk may be taken, and what is said of it."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from streams.core.controls import INPUT, ON
from streams.core.decoded import Rejected
from streams.core.input_fuse import FuseRecord, InputFuses, Limit
from streams.core.inputs import Directive
from streams.core.signals import kinds_of, odd_of
from streams.runtime.columns import Chunk
from streams.settings import Settings
from winback_sender.logs import get_logger

log = get_logger(__name__)


def limit_of(settings: Settings) -> Limit:
    """Return how much of an input may be rejected."""
    return Limit(settings.fuse_share, settings.fuse_records)


def no_fuse(partition: int) -> "InputFuse":
    """Return what lets everything in."""
    return InputFuse(Limit(1.0, 1), partition, FuseNotices())


def pardons(orders: Iterable[Directive]) -> dict[str, int]:
    """Return up to when what was written to a topic is read whatever it is, by topic."""
    return {
        order.key.removeprefix(INPUT): order.ordered_ms
        for order in orders
        if order.key.startswith(INPUT) and order.value == ON
    }


class FuseNotices:
    """Says of each topic once, for a whole worker, that it is not read on, and that it is again."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def held(self, fuse: FuseRecord, partition: int, limit: Limit) -> None:
        """Say why a topic is not read on."""
        if fuse.topic in self._said:
            return
        self._said.add(fuse.topic)
        log.error(
            "input_held", topic=fuse.topic, partition=partition, offset=fuse.held_at,
            reason=fuse.reason, share=limit.share, of_records=limit.records,
            next="mend the rules or the producer; what is behind it waits. To read on in spite of "
            f"it: winback control resume-input {fuse.topic}",
        )  # fmt: skip

    def read_on(self, topics: Iterable[str]) -> None:
        """Say that topics are looked at again."""
        for topic in self._said.intersection(topics):
            self._said.discard(topic)
            log.info("input_judged_anew", topic=topic)


class InputFuse:
    """The fuses of the topics of one lane.

    Args:
        limit: How much may be rejected.
        partition: Of the lane.
        notices: What the worker has said of held topics so far.
        unguarded: Topics that are read whatever they hold.
    """

    def __init__(
        self,
        limit: Limit,
        partition: int,
        notices: FuseNotices,
        unguarded: Container[str] = frozenset(),
    ) -> None:
        self._fuses = InputFuses(limit)
        self._limit, self._partition = limit, partition
        self._notices, self._unguarded = notices, unguarded
        self._rejected: list[tuple[int, str]] = []

    @property
    def held(self) -> dict[str, FuseRecord]:
        """Topics that are not read on."""
        return self._fuses.held

    @property
    def has_news(self) -> bool:
        """Whether something is to be kept also where nothing else is."""
        return self._fuses.has_news

    def part(self, chunk: Chunk, decoded: Sequence[Any]) -> tuple[Chunk, int | None]:
        """Return how much of a chunk may be taken, and from which offset on nothing; None = all.

        Args:
            chunk: Records in order.
            decoded: What each came to; `Rejected` is what counts.
        """
        self._rejected = []
        if Rejected in kinds_of(decoded):
            self._rejected = [
                (place, told.reason.value)
                for place, told in odd_of(decoded) if isinstance(told, Rejected)
            ]  # fmt: skip
        if chunk.topic in self._unguarded:
            return chunk, None
        columns = chunk.columns
        room = self._fuses.room(chunk.topic, columns.offsets, columns.timestamps_ms, self._rejected)
        if room == len(columns):
            return chunk, None
        self._rejected = [one for one in self._rejected if one[0] < room]
        self._notices.held(self._fuses.held[chunk.topic], self._partition, self._limit)
        return replace(chunk, columns=columns.head(room)), columns.offsets[room]

    def refuse(self, place: int, rejected: Rejected) -> None:
        """Note that a record of the part could not be taken after all."""
        self._rejected.append((place, rejected.reason.value))

    def settle(self, chunk: Chunk) -> None:
        """Count what was taken of the part, and what was not."""
        if chunk.topic not in self._unguarded:
            self._fuses.take(chunk.topic, chunk.columns.timestamps_ms, self._rejected)

    def judge_anew(self) -> None:
        """Look at everything again: the rules are others."""
        self._notices.read_on(self.held)
        self._fuses.judge_anew()

    def pardon(self, orders: Mapping[str, int]) -> None:
        """Take over what operators have ordered."""
        held = set(self.held)
        self._fuses.pardon(dict(orders))
        self._notices.read_on(held - self.held.keys())

    def record(self) -> tuple[FuseRecord, ...]:
        """Return what is to be kept."""
        return self._fuses.record()

    def load(self, records: Iterable[FuseRecord]) -> None:
        """Take over what was kept."""
        self._fuses.load(records)
