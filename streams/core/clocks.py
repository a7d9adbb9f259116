"""Clocks: how far each source of a partition has come, and the watermark that follows for all.

A clock is a topic that is read directly, or one that the router keeps for us: a partition of a
topic that it reads. Each has a mark: up to here nothing more is expected of it. The watermark is
the least mark of those that are not idle, and it never moves back.

Source:
    Akidau et al. (2021), "Watermarks in Stream Processing Systems", VLDB 14(12), section 3:
    the watermark of several inputs is their minimum, and idle ones are left out of it.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.clock_names import (
    IDLE_AFTER_MS,
    OWN,
    ROUTED,
    ClockRecord,
    is_named,
    lateness_of,
    topic_of,
)
from streams.core.inputs import WatermarkPassed
from streams.core.rules import Rules
from streams.core.time import MINUTE_MS

F64 = NDArray[np.float64]

CLOCKS_MAX: Final = 4_096
"""Clocks of a partition; one for each partition of a routed topic."""
CATCH_UP_MS: Final = 15 * MINUTE_MS
"""A touch that is due by more than this before the present is put off until we are there."""


class _Clock:
    """One clock, as it stands."""

    __slots__ = ("heard", "is_idle", "is_routed", "lateness", "mark", "name")

    def __init__(self, name: str, lateness_ms: int) -> None:
        self.name, self.lateness = name, lateness_ms
        self.is_routed = name.startswith(ROUTED)
        self.mark = self.heard = 0.0
        self.is_idle = False


class Reached(NamedTuple):
    """What a chunk does to the clocks, before its first input and after each: (inputs + 1,).

    Attributes:
        watermark: Of the partition.
        heard: How far the events of the chunk's own clock have come, lateness taken off; where the
            router writes what several topics say, the watermark stands for it.
    """

    watermark: F64
    heard: F64


class Clocks:
    """The clocks of a partition.

    Args:
        rules: They say how late each may be.
        names: Those that are waited for before they have spoken.

    Attributes:
        told_ms: Latest instant of the wall clock that was told; 0 = there is only event time.
        present_ms: Watermark of then, if everything had been read.
    """

    def __init__(self, rules: Rules, names: Iterable[str] = (OWN,)) -> None:
        self._rules = rules
        self._clocks: dict[str, _Clock] = {}
        self.told_ms = self.present_ms = 0
        for name in names:
            self._clock(name)
        if self._has_router:
            self._clock(OWN).is_idle = True

    def _clock(self, name: str) -> _Clock:
        """Return a clock; one that nobody expected is waited for from now on."""
        clock = self._clocks.get(name)
        if clock is None:
            clock = self._clocks[name] = _Clock(name, lateness_of(name, self._rules))
        return clock

    def _is_read(self, name: str) -> bool:
        """Return whether somebody waits for a clock, or the rules name it."""
        return name in self._clocks or is_named(name, self._rules)

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on; no mark goes back."""
        self._rules = rules
        for clock in self._clocks.values():
            clock.lateness = lateness_of(clock.name, rules)

    def lateness(self, name: str | None) -> int:
        """Return how far the mark of a clock stays behind its newest event."""
        return self._rules.lateness_ms if name is None else self._clock(name).lateness

    # -- records

    def reach(
        self,
        name: str | None,
        marks: F64,
        words: Sequence[tuple[int, WatermarkPassed]],
        watermark_ms: int,
    ) -> Reached:
        """Take note of a chunk of one topic.

        Args:
            name: Its clock; None = it has none.
            marks: Shape (inputs,): the mark that each input brings, 0 = none.
            words: Of other clocks, with their places, in order.
            watermark_ms: Reached before it.
        """
        count, start = len(marks) + 1, float(watermark_ms)
        if name is None:
            return Reached(np.full(count, start), np.zeros(count))
        own, is_fed_by_router = self._clock(name), name == OWN and self._has_router
        if is_fed_by_router:  # Events of several topics; the router says how far each has come.
            marks, own.is_idle = np.zeros(len(marks)), True
        heard = np.maximum.accumulate(np.concatenate(([own.heard], marks)))
        mine = np.maximum(np.minimum(heard, self._ceiling(own)), own.mark)
        own.heard, own.mark = heard.item(-1), mine.item(-1)
        bound = mine.copy()
        if own.is_idle:
            spoken = np.flatnonzero(marks)
            wakes = int(spoken[0]) + 1 if len(spoken) else count
            bound[:wakes] = np.inf
            own.is_idle = wakes == count
        least, most = np.full(count, self._least(own)), mine
        if words or len(self._clocks) > 1:
            most = np.maximum(mine, self._most(own))
            for place, word in words:
                self._hear(word)
                least[place + 1 :] = self._least(own)
                most[place + 1 :] = np.maximum(mine[place + 1 :], self._most(own))
        bound = np.minimum(bound, least)
        # Where all are idle, that which has come furthest was the last to hold it.
        bound = np.where(bound == np.inf, most, bound)
        watermark = np.maximum.accumulate(np.maximum(bound, start))
        return Reached(watermark, watermark if is_fed_by_router else heard)

    @property
    def are_several(self) -> bool:
        """Whether what is known of a user stands on more than one topic."""
        has_router = self._has_router
        return len({topic_of(name) for name in self._clocks if name or not has_router}) > 1

    @property
    def _has_router(self) -> bool:
        return any(clock.is_routed for clock in self._clocks.values())

    def _ceiling(self, clock: _Clock) -> float:
        """Return up to where the events of a clock may move it: nobody lives after the present."""
        return float(self.told_ms - clock.lateness) if self.told_ms else np.inf

    def _least(self, own: _Clock) -> float:
        others = (clock for clock in self._clocks.values() if clock is not own)
        return min((clock.mark for clock in others if not clock.is_idle), default=np.inf)

    def _most(self, own: _Clock) -> float:
        others = (clock.mark for clock in self._clocks.values() if clock is not own)
        return max(others, default=0.0)

    def _hear(self, word: WatermarkPassed) -> None:
        """Take the router's word on a clock that it keeps; not of a topic that is read no more."""
        is_more = word.clock not in self._clocks and len(self._clocks) >= CLOCKS_MAX
        if is_more or not self._is_read(word.clock):
            return
        clock = self._clock(word.clock)
        clock.heard = max(clock.heard, float(word.event_time_ms))
        # The router takes the lateness off itself, and does not for a topic that rests.
        ceiling = float(self.told_ms) if self.told_ms else np.inf
        clock.mark = max(clock.mark, min(clock.heard, ceiling))
        clock.is_idle = word.is_idle

    # -- the wall clock

    def tell(self, at_ms: int) -> None:
        """Take note of what time it is, whatever has been read by now; 0 = nobody says it now."""
        if not at_ms:
            self.told_ms = self.present_ms = 0
            return
        self.told_ms = max(self.told_ms, at_ms)
        late_ms = max((clock.lateness for clock in self._held()), default=0)
        self.present_ms = max(self.present_ms, self.told_ms - late_ms)

    def tick(self, at_ms: int) -> None:
        """Take note that everything before an instant has been read, of what is read directly."""
        for clock in self._clocks.values():
            if not clock.is_routed:
                clock.mark = max(clock.mark, float(at_ms - clock.lateness))
        self.tell(at_ms)

    def tick_to(self, at_ms: int, reach_ms: int) -> int:
        """Return an instant, or the one before it whose tick brings the watermark to ``reach_ms``.

        It is the first where the tick itself would move it no further: the router holds it.
        """
        held = self._held()
        ticked = [
            clock.mark if clock.is_routed else max(clock.mark, float(at_ms - clock.lateness))
            for clock in held
        ]
        late_ms = [clock.lateness for clock in held if not clock.is_routed]
        if _agreed(held, ticked) <= reach_ms or not late_ms:
            return at_ms
        return min(at_ms, reach_ms + max(late_ms))

    def _held(self) -> list[_Clock]:
        """Return the clocks that hold the watermark: those that are not idle, or all of them."""
        awake = [clock for clock in self._clocks.values() if not clock.is_idle]
        return awake or list(self._clocks.values())

    def fall_idle(self, name: str) -> None:
        """Let a clock hold nothing back until it speaks again."""
        self._clock(name).is_idle = True

    def wake(self, name: str) -> bool:
        """Let an idle clock hold the others back although it has not spoken; whether it was idle.

        Nobody waits for our own topic where the router writes to it alone.
        """
        clock = self._clock(name)
        is_own = name == OWN and self._has_router
        was_idle, clock.is_idle = clock.is_idle, clock.is_idle and is_own
        return was_idle and not clock.is_idle

    def patience_ms(self, name: str) -> int | None:
        """Return how long the others wait for a clock that says nothing; None = for ever.

        Our own topic may be there for what the router writes alone: until somebody writes to it,
        nobody waits for it.
        """
        clock = self._clock(name)
        if clock.is_idle or clock.is_routed or len(self._clocks) == 1:
            return None
        if name == OWN:
            return IDLE_AFTER_MS if clock.heard else 0
        patience = {source.topic: source.idle_after_ms for source in self._rules.sources}
        return patience.get(name, IDLE_AFTER_MS)

    @property
    def watermark_ms(self) -> int:
        """The least mark of those that are not idle; where all are, their greatest."""
        held = self._held()
        return int(_agreed(held, [clock.mark for clock in held]))

    def put_off_until(self, at_ms: int) -> int:
        """Return until when a touch that is due at an instant has to wait; 0 = it need not."""
        return self.present_ms if at_ms < self.present_ms - CATCH_UP_MS else 0

    def lag_ms(self, at_ms: int) -> int:
        """Return by how much later than an instant it is by the wall clock; 0 = hardly any."""
        lag_ms = self.told_ms - at_ms
        return lag_ms if lag_ms > CATCH_UP_MS else 0

    # -- what is kept

    def record(self) -> tuple[ClockRecord, ...]:
        """Return what the partition record keeps."""
        return tuple(
            ClockRecord(name, int(clock.mark), int(clock.heard), clock.is_idle, clock.lateness)
            for name, clock in self._clocks.items()
        )

    def load(self, records: Iterable[ClockRecord], told_ms: int, present_ms: int) -> None:
        """Take over what the partition record kept; topics that are read no more are forgotten."""
        self.told_ms, self.present_ms = told_ms, present_ms
        for kept in records:
            if self._is_read(kept.name):
                clock = self._clock(kept.name)
                clock.mark, clock.heard = float(kept.mark_ms), float(kept.heard_ms)
                clock.is_idle = kept.is_idle


def _agreed(held: Sequence[_Clock], marks: Sequence[float]) -> float:
    """Return the least of marks; the greatest where all clocks are idle."""
    return max(marks) if held[0].is_idle else min(marks)
