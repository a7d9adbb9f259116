"""The router's engine: one partition of somebody else's topic, told as native events.

The records become events on ``user-activity``, keyed by user, in the transaction that also carries
the lane's own record: how far it has read, and how far its clock has come. So an event is there
once, whoever dies when. Events of one partition keep their order.

The lane's clock goes to every partition of ``user-activity``: there topics of different progress
mix, and what a user has not done yet must be known from the slowest of them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from streams.core.decoded import Rejected
from streams.core.input_fuse import FuseRecord
from streams.core.interpret import COVERAGE_EVENT, NativeEvent
from streams.core.native import FUTURE_MAX_MS
from streams.core.sources import Source
from streams.core.time import SECOND_MS
from streams.intake.bulk import Bulk
from streams.intake.told import Told
from streams.runtime.columns import Chunk
from streams.runtime.dead_letters import DeadLetters
from streams.runtime.input_fuse import InputFuse, no_fuse
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.producer import Commit
from streams.runtime.routed_record import Envelope, LaneRecord, lane_record
from streams.runtime.ticks import Tick
from winback_sender.contract.messages import Output

CLOCK_SHARE: Final = 20
"""A clock that is a twentieth of its lateness behind is as good, and fills the topic less."""
RESTING_SHARE: Final = 2
"""At rest it goes without its lateness: half of that behind, it still is far ahead."""
CLOCK_EVERY_MIN_MS: Final = SECOND_MS
CLOCK_EVERY_MAX_MS: Final = 30 * SECOND_MS


class Targets(msgspec.Struct, frozen=True):
    """Topics that a router writes to."""

    activity: str
    dead_letters: str


class RouterEngine:
    """One partition of a routed topic, driven by a lane.

    Args:
        source: The topic, and how its clock goes.
        envelope: Makes the records.
        tell: Returns what tells the records as events, as the rules now say.
        targets: Where records go.
        letters: Records that were put aside.
        metrics: Where measures go.
        now_ms: The wall clock; only for how often the lane's clock is told, and for its silence.
        is_ticked: The wall clock moves the lane's clock too.
        fuse: Says how much of a chunk may be taken; None = all of it.

    Attributes:
        applied: Next offset by source topic.
        watermark_ms: How far the lane's clock has come; 0 = nothing was read yet.
        is_idle: No record came for long. Then the clock follows the wall clock without lateness, as
            long as somebody is here to see that none comes; without ticks it says that it is idle.
    """

    def __init__(
        self,
        source: Source,
        envelope: Envelope,
        tell: Callable[[], Bulk[Told]],
        targets: Targets,
        letters: DeadLetters,
        metrics: Metrics,
        now_ms: Callable[[], int],
        *,
        is_ticked: bool,
        fuse: InputFuse | None = None,
    ) -> None:
        self.applied: dict[str, int] = {}
        self.fuse = fuse or no_fuse(0)
        self.watermark_ms = 0
        self.is_idle = False
        self._source = source
        self._envelope = envelope
        self._tell = tell
        self._targets = targets
        self._letters = letters
        self._metrics = metrics
        self._now_ms = now_ms
        self._is_ticked = is_ticked
        self._key = source.topic.encode()
        self._durable: dict[str, int] = {}
        self._told = (0, False)
        self._told_at_ms = 0
        self._heard_at_ms = now_ms()
        self._events: list[Output] = []
        self._announcements: list[Output] = []

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Go on where the last owner of the partition stood; its clock is told once more.

        Raises:
            UserError: A newer version has owned it.
        """
        if found := records.get(self._key):
            record = lane_record(found)
            present_ms = self._now_ms() if self._is_ticked else record.watermark_ms
            self.watermark_ms = min(record.watermark_ms, present_ms)
            self.applied = {self._source.topic: record.next_offset}
            self._durable = dict(self.applied)
            self.fuse.load(() if record.fuse is None else (record.fuse,))

    @property
    def held(self) -> dict[str, FuseRecord]:
        """The topic, if it is not read on."""
        return self.fuse.held

    def adopt(self, source: Source) -> None:
        """Go by changed rules from now on; the clock does not go back."""
        self._source = source
        self.fuse.judge_anew()

    def apply(self, chunk: Chunk) -> int | None:
        """Tell the records of a chunk as events, in order, as far as the fuse lets them in."""
        found = chunk.columns.read(self._tell())
        self._heard_at_ms, self.is_idle = self._now_ms(), False
        part, stopped = self.fuse.part(chunk, found)
        self._take(part, found[: len(part)])
        return stopped

    def _take(self, chunk: Chunk, found: Sequence[Told]) -> None:
        columns, newest_ms = chunk.columns, 0
        skipped: Counter[str] = Counter()
        for place, told in enumerate(found):
            if isinstance(told, tuple):
                try:
                    event_ms = self._route(told, columns.offsets[place])
                except _RefusedError as error:
                    self.fuse.refuse(place, error.rejected)
                    self._letters.put(error.rejected, chunk, place)
                    continue
                # A clock that goes ahead of the broker's is wrong, and would make others late.
                newest_ms = max(newest_ms, self._mark(event_ms, columns.timestamps_ms[place]))
            elif isinstance(told, Rejected):
                self._letters.put(told, chunk, place)
            else:
                skipped[told.reason] += 1
        self._observe(newest_ms - self._source.lateness_ms)
        for reason, count in skipped.items():
            self._metrics.add(Metric.RECORDS_SKIPPED, count, topic=chunk.topic, reason=reason)
        self.fuse.settle(chunk)

    def _route(self, told: tuple[NativeEvent, ...], offset: int) -> int:
        """Take the events of one record, all or none; return when the last of them happened.

        Raises:
            _RefusedError: One of them would not be read as a native event.
        """
        events: list[Output] = []
        announcements: list[Output] = []
        newest_ms = 0
        for event in told:
            at_ms = _instant_ms(event)
            output = self._envelope.wrap(event, at_ms, offset)
            if isinstance(output, Rejected):
                raise _RefusedError(output)
            is_of_all = event.user_id == COVERAGE_EVENT
            (announcements if is_of_all else events).append(output)
            if not is_of_all:
                newest_ms = max(newest_ms, at_ms)
        self._events += events
        self._announcements += announcements
        return newest_ms

    def _mark(self, event_ms: int, written_ms: int) -> int:
        """Return up to when an event moves the clock; 0 = a producer lives in another year.

        A clock that were once ahead of the present would not be told again before it has come.
        """
        if not self._is_ticked:
            return min(event_ms, written_ms)
        now_ms = self._now_ms()
        return 0 if event_ms > now_ms + FUTURE_MAX_MS else min(event_ms, written_ms, now_ms)

    def _observe(self, watermark_ms: int) -> None:
        self.watermark_ms = max(self.watermark_ms, watermark_ms)

    def tick(self, tick: Tick, span_ms: int) -> bool:  # noqa: ARG002 (the lane's signature)
        """Everything before this instant has been read: silence is silence."""
        self._observe(tick.at_ms - (0 if self.is_idle else self._source.lateness_ms))
        return True

    def rest(self) -> None:
        """Everything has been read; after a long silence the clock waits for nothing more."""
        if self._now_ms() - self._heard_at_ms >= self._source.idle_after_ms:
            self.is_idle = True

    def is_clock_due(self) -> bool:
        """Whether the lane's clock is to be told: it fell idle, or woke, or moved for a while."""
        told_ms, was_idle = self._told
        if self._says_idle or was_idle:
            return self._says_idle is not was_idle
        if self.watermark_ms <= told_ms:
            return False
        share = RESTING_SHARE if self.is_idle else CLOCK_SHARE
        every_ms = _every_ms(self._source.lateness_ms // share)
        return self._now_ms() - self._told_at_ms >= every_ms

    @property
    def _says_idle(self) -> bool:
        return self.is_idle and not self._is_ticked

    def take(self) -> Commit:
        """Hand over what is not durable yet."""
        everywhere, self._announcements = self._announcements, []
        if self.is_clock_due():
            at_ms, is_idle = max(self.watermark_ms, 1), self._says_idle
            everywhere.append(self._envelope.watermark(at_ms, is_idle=is_idle))
            self._told, self._told_at_ms = (at_ms, is_idle), self._now_ms()
        events, self._events = self._events, []
        letters = self._letters.take()
        has_news = self.applied != self._durable or self.fuse.has_news
        if not (events or everywhere or letters or has_news):
            return Commit([], {})
        self._durable = dict(self.applied)
        record = LaneRecord(
            self.applied.get(self._source.topic, 0), self.watermark_ms,
            fuse=next(iter(self.fuse.record()), None),
        )  # fmt: skip
        return Commit(
            [(self._key, msgspec.json.encode(record))],
            {self._targets.dead_letters: letters},
            {self._targets.activity: events},
            {self._targets.activity: everywhere},
        )


class _RefusedError(Exception):
    """An event of a record cannot be written."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(rejected.detail)
        self.rejected = rejected


def _every_ms(wanted_ms: int) -> int:
    return min(max(wanted_ms, CLOCK_EVERY_MIN_MS), CLOCK_EVERY_MAX_MS)


def _instant_ms(event: NativeEvent) -> int:
    moment = event.event_time
    return moment if isinstance(moment, int) else round(moment.timestamp() * 1_000)
