"""The way of events to the topic: what is lost, late, twice, or has the wrong time."""

from heapq import heappop, heappush
from typing import NamedTuple

import msgspec

from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.replay.events import NativeEvent, coverage
from streams.simulation.life import Life
from streams.simulation.world import Event, Person, World, generator

_ENCODE = msgspec.json.Encoder().encode


class Record(NamedTuple):
    """One record on a topic of ours.

    Attributes:
        at_ms: When it arrives, epoch ms UTC.
        number: Order of records that arrive at the same time.
        user_id: Its key; empty = it is for every partition.
        value: What a producer would write.
        is_feedback: Whether it is on the topic of feedback.
        event: What happened, as the producer says; None for what is no event of a user.
    """

    at_ms: int
    number: int
    user_id: str
    value: bytes
    is_feedback: bool = False
    event: Event | None = None


class Source:
    """Everything that writes to the topics which the service reads.

    Args:
        world: The world.
        currency: What money is counted in.
    """

    def __init__(self, world: World, currency: str) -> None:
        self._currency = currency
        self._noise = world.scenario.noise
        self._rng = generator(world.scenario, world.seed, "source")
        self._lives = [(Life(person, world), list(person.said)) for person in world.people]
        self._waiting: list[Record] = []
        self._number = 0
        self._dark = [
            (world.start_ms + round(gap.begin * DAY_MS),
             world.start_ms + round((gap.begin + gap.days) * DAY_MS))
            for gap in world.scenario.outages
        ]  # fmt: skip
        for gap, (begin, end) in zip(world.scenario.outages, self._dark, strict=True):
            if gap.is_announced:
                self._announce(begin, float("inf"), begin + MINUTE_MS)
                self._announce(begin, float(end), end + MINUTE_MS)
        self.lives = {life.person.user_id: life for life, _ in self._lives}

    def put(self, at_ms: int, user_id: str, value: bytes, *, is_feedback: bool = False,
            event: Event | None = None) -> None:  # fmt: skip
        """Let a record arrive at an instant."""
        self._number += 1
        heappush(self._waiting, Record(at_ms, self._number, user_id, value, is_feedback, event))

    def until(self, at_ms: int) -> list[Record]:
        """Return what has arrived since the last call, up to an instant, in order of arrival."""
        for life, said in self._lives:
            for event in life.until(at_ms):
                self._happened(life.person, event)
            while said and said[0].at_ms <= at_ms:
                self._happened(life.person, said.pop(0), is_told=True)
        arrived = []
        while self._waiting and self._waiting[0].at_ms <= at_ms:
            arrived.append(heappop(self._waiting))
        return arrived

    def _announce(self, begin: int, end: float, at_ms: int) -> None:
        self.put(at_ms, "", coverage((begin, end), at_ms)[1])

    def _happened(self, person: Person, event: Event, *, is_told: bool = False) -> None:
        """Log an event, unless the source is out."""
        if not is_told and any(begin <= event.at_ms < end for begin, end in self._dark):
            return
        noise, rng = self._noise, self._rng
        user_id, number = person.user_id, self._number
        if person.skew_ms:
            event = event._replace(at_ms=event.at_ms + person.skew_ms)
        value = _ENCODE(
            NativeEvent(
                f"{user_id}-{number}", user_id, event.name, event.at_ms, event.amount,
                self._currency if event.amount is not None else None, event.properties,
            )
        )  # fmt: skip
        at_ms = event.at_ms - person.skew_ms
        if noise.late and rng.random() < noise.late:
            at_ms += round(rng.exponential(noise.late_hours) * HOUR_MS)
        self.put(at_ms, user_id, value, event=event)
        if noise.twice and rng.random() < noise.twice:
            again_ms = at_ms + round(rng.exponential(noise.late_hours) * HOUR_MS)
            self.put(again_ms, user_id, value, event=event)
