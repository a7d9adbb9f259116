"""A person's life as it goes on: what was drawn beforehand, bent by the touches that arrive."""

from bisect import bisect_right
from typing import NamedTuple

import msgspec

from streams.simulation.kinds import response
from streams.simulation.world import Event, Person, World

MONEY = {"purchase": 1, "refund": -1}


class Prospect(NamedTuple):
    """What is true of a user at an instant, though nobody can know it.

    Attributes:
        returns: Whether the user comes back within the window when left alone.
        pull: Probability that a touch brings the user back.
        push: Probability that a touch drives the user away.
    """

    returns: bool
    pull: float
    push: float

    @property
    def effect(self) -> float:
        """By how much a touch changes the probability of a return within the window."""
        return -self.push if self.returns else (1.0 - self.push) * self.pull


class Life:
    """One person in a world, up to now and as it would go on from here.

    Attributes:
        person: Who it is.
        touches: Touches that have arrived.
    """

    def __init__(self, person: Person, world: World) -> None:
        self.person = person
        self.touches = 0
        self._effect = world.scenario.effect
        self._horizon_ms = world.horizon_ms
        self._events = list(person.untouched)
        self._times = [event.at_ms for event in self._events]
        self._place = 0

    def until(self, at_ms: int) -> list[Event]:
        """Return what happened since the last call, up to an instant."""
        begin, times = self._place, self._times
        if begin >= len(times) or times[begin] > at_ms:
            return []
        self._place = bisect_right(times, at_ms, begin)
        return self._events[begin : self._place]

    def prospect(self, at_ms: int, channel: str, window_ms: int) -> Prospect:
        """Return the truth about a touch at an instant, of a person who is left alone since."""
        place = bisect_right(self._times, at_ms)
        returns = place < len(self._times) and self._times[place] <= at_ms + window_ms
        last_ms = self._times[place - 1] if place else at_ms
        silence = (at_ms - last_ms) / self._horizon_ms
        return Prospect(returns, *response(self.person.kind, channel, silence, self._effect))

    def touched(self, at_ms: int, channel: str) -> str:
        """Let a touch arrive, not before now; return ``pulled``, ``pushed`` or ``nothing``."""
        person = self.person
        draw = min(self.touches, len(person.draws) - 1)
        self.touches += 1
        _, pull, push = self.prospect(at_ms, channel, 0)
        place = max(self._place, bisect_right(self._times, at_ms))
        chance = person.draws[draw]
        if chance < push:
            del self._events[place:], self._times[place:]
            return "pushed"
        if chance >= push + (1.0 - push) * pull:
            return "nothing"
        back_ms = at_ms + person.delays_ms[draw]
        next_ms = self._times[place] if place < len(self._times) else None
        if next_ms is not None and next_ms <= back_ms:
            return "nothing"  # The user was about to come in any case.
        new = [event._replace(at_ms=event.at_ms + back_ms) for event in person.reserve]
        if next_ms is not None:
            new = [event for event in new if event.at_ms < next_ms]
        self._events[place:place] = new
        self._times[place:place] = [event.at_ms for event in new]
        return "pulled"

    def figures(self, world: World) -> "Figures":
        """Return what came of this life, and what would have come of it untouched."""
        return Figures(
            value_minor=_value(self._events, world),
            untouched_minor=_value(self.person.untouched, world),
            is_there=_is_there(self._events, world),
            was_to_be_there=_is_there(self.person.untouched, world),
        )


class Figures(msgspec.Struct, frozen=True):
    """A life in numbers, beside the same life untouched.

    Attributes:
        value_minor: Purchases less refunds, minor units.
        untouched_minor: The same if nobody had touched the user.
        is_there: Whether the user was active within the last H of the world.
        was_to_be_there: The same if nobody had touched the user.
    """

    value_minor: int
    untouched_minor: int
    is_there: bool
    was_to_be_there: bool


def _value(events: list[Event] | tuple[Event, ...], world: World) -> int:
    made = sum(
        MONEY.get(event.name, 0) * (event.amount or 0.0)
        for event in events
        if event.at_ms < world.end_ms
    )
    return round(100 * made)


def _is_there(events: list[Event] | tuple[Event, ...], world: World) -> bool:
    since = world.end_ms - world.horizon_ms
    return any(since <= event.at_ms < world.end_ms for event in events)
