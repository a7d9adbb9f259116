"""The fuse of an input: a topic of which too much is rejected is not read on.

A broken producer or a wrong mapping would otherwise turn the topic into dead letters, and its users
into people who are silent. What is decided depends on the records alone: they are counted in runs
of a fixed length, and the first one that would be one rejection too many is not taken, nor what
follows it. So it is the same wherever chunks end, and after every restart.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

NEVER: Final = -1


class Limit(NamedTuple):
    """How much may be rejected.

    Attributes:
        share: Of the records of a run; 1 = all of them: there is no fuse.
        records: Of a run.
    """

    share: float
    records: int

    @property
    def rejected_max(self) -> int:
        """Records of a run that may be rejected."""
        return int(self.share * self.records)

    @property
    def is_off(self) -> bool:
        """Whether everything may be rejected."""
        return self.share >= 1.0


class FuseRecord(msgspec.Struct, frozen=True, array_like=True):
    """How a fuse stands; what a partition's record keeps of it.

    Attributes:
        topic: Whose.
        seen: Records of the run so far.
        rejected: How many of them were.
        held_at: Offset from which on nothing is taken; -1 = it is read.
        reason: Why most of them were rejected.
    """

    topic: str
    seen: int = 0
    rejected: int = 0
    held_at: int = NEVER
    reason: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the topic is not read on."""
        return self.held_at != NEVER


class _Run(NamedTuple):
    """A run so far, after some records.

    Attributes:
        taken: Of the records.
        seen: Records of the run.
        rejected: Of these.
        is_over: In one of the runs too many were rejected.
    """

    taken: int
    seen: int
    rejected: int
    is_over: bool


class InputFuses:
    """The fuses of the topics of a partition.

    Args:
        limit: How much may be rejected.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._fuses: dict[str, FuseRecord] = {}
        self._pardoned_ms: dict[str, int] | None = None
        self._reasons: dict[str, Counter[str]] = {}
        self.has_news = False
        """Whether something is to be kept also where nothing else is."""

    @property
    def held(self) -> dict[str, FuseRecord]:
        """The topics that are not read on."""
        return {topic: fuse for topic, fuse in self._fuses.items() if fuse.is_held}

    def room(
        self,
        topic: str,
        offsets: Sequence[int],
        timestamps_ms: Sequence[int],
        rejected: Sequence[tuple[int, str]],
    ) -> int:
        """Return how many records may be taken; where not all, the topic is held from there on.

        Args:
            topic: Whose they are.
            offsets: Of the records, in order.
            timestamps_ms: When they were written.
            rejected: Place and reason of those that cannot be understood, in order.
        """
        fuse = self._fuse(topic)
        if self._limit.is_off or not offsets:
            return len(offsets)
        if fuse.is_held:
            return 0
        if fuse.rejected > self._limit.rejected_max:  # Beyond it already: by what was refused.
            self._hold(fuse, offsets[0], ())
            return 0
        places = self._counted(topic, timestamps_ms, rejected)
        run = self._run(fuse, len(offsets), [place for place, _ in places], stops=True)
        if run.taken == len(offsets):
            return run.taken
        self._hold(fuse, offsets[run.taken], [why for place, why in places if place <= run.taken])
        return run.taken

    def take(
        self, topic: str, timestamps_ms: Sequence[int], rejected: Iterable[tuple[int, str]]
    ) -> None:
        """Count records that were taken, with all that was rejected of them in the end.

        Args:
            topic: Whose they are.
            timestamps_ms: When they were written.
            rejected: Place and reason, in any order; a place counts once.
        """
        fuse = self._fuse(topic)
        if self._limit.is_off:
            return
        places = self._counted(topic, timestamps_ms, sorted(dict(rejected).items()))
        run = self._run(fuse, len(timestamps_ms), [place for place, _ in places], stops=False)
        if places:
            self._reasons.setdefault(topic, Counter()).update(why for _, why in places)
        beyond = self._limit.rejected_max + 1
        rejected_now = beyond if run.is_over else run.rejected
        self.has_news |= rejected_now != fuse.rejected
        self._fuses[topic] = msgspec.structs.replace(fuse, seen=run.seen, rejected=rejected_now)

    def judge_anew(self, topics: Iterable[str] | None = None) -> None:
        """Read held topics on, and count from the beginning: the rules or the orders are others."""
        for topic in list(self._fuses) if topics is None else topics:
            if self._fuses.pop(topic, FuseRecord(topic)) != FuseRecord(topic):
                self.has_news = True
            self._reasons.pop(topic, None)

    def pardon(self, orders: dict[str, int]) -> None:
        """Take over what operators have ordered: topic to the instant up to which nothing counts.

        What was written after it, epoch ms UTC, counts as ever. The first ones that are taken over
        may be old: what was counted stays counted.
        """
        before, self._pardoned_ms = self._pardoned_ms, dict(orders)
        if before is not None:
            self.judge_anew(topic for topic, at_ms in orders.items() if before.get(topic) != at_ms)

    def record(self) -> tuple[FuseRecord, ...]:
        """Return what is to be kept, and take it for kept."""
        self.has_news = False
        return tuple(fuse for _, fuse in sorted(self._fuses.items()))

    def load(self, records: Iterable[FuseRecord]) -> None:
        """Take over what was kept: what is held is looked at again, under the limit of now."""
        for kept in records:
            self._fuses[kept.topic] = msgspec.structs.replace(kept, held_at=NEVER)
            if kept.reason:
                self._reasons[kept.topic] = Counter({kept.reason: kept.rejected})

    def _fuse(self, topic: str) -> FuseRecord:
        return self._fuses.get(topic) or FuseRecord(topic)

    def _hold(self, fuse: FuseRecord, offset: int, reasons: Iterable[str]) -> None:
        counts = self._reasons.setdefault(fuse.topic, Counter())
        told = counts + Counter(reasons)
        reason = max(sorted(told), key=lambda name: told[name], default=fuse.reason)
        self._fuses[fuse.topic] = msgspec.structs.replace(fuse, held_at=offset, reason=reason)
        self.has_news = True

    def _counted(
        self, topic: str, timestamps_ms: Sequence[int], rejected: Sequence[tuple[int, str]]
    ) -> Sequence[tuple[int, str]]:
        """Return the rejections that count."""
        until_ms = (self._pardoned_ms or {}).get(topic)
        if until_ms is None or not rejected:
            return rejected
        return [one for one in rejected if timestamps_ms[one[0]] > until_ms]

    def _run(self, fuse: FuseRecord, count: int, rejected: Sequence[int], *, stops: bool) -> _Run:
        """Go through records; where it stops, before the one that would be too many."""
        size, most = self._limit.records, self._limit.rejected_max
        run, bad, is_over = 0, fuse.rejected, False
        for place in rejected:
            at = (fuse.seen + place) // size
            if at != run:
                run, bad = at, 0
            if bad >= most and stops:
                count = place
                break
            bad += 1
            is_over |= bad > most
        end = fuse.seen + count
        if end // size != run:
            bad = 0
        return _Run(count, end % size, bad, is_over)
