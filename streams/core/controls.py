"""What operators order of a running deployment: its mode, the kill switch, and pauses.

An order takes effect at an instant of event time, the same on every partition; a partition that has
passed it already takes it at once, at its watermark. Stop waits for nothing. What is in force at an
instant is a pure function of that instant, so it does not depend on the borders of chunks.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from streams.core.inputs import Directive

MODE: Final = "mode"
STOP: Final = "stop"
PLAYBOOK: Final = "pause/playbook/"
CHANNEL: Final = "pause/channel/"
INPUT: Final = "input/"
"""Keys; those that end in a slash go on with a name. On for an input: what was written to it until
the order was given is read, however much of it is rejected."""

ON: Final = "on"
OFF: Final = "off"
"""Values of what is no mode; off lifts a mode as well, so that the rules say it again."""


class Mode(StrEnum):
    """How far the service goes."""

    OBSERVE = "observe"  # decide and record; nothing goes out, nobody counts as treated
    HOLDOUT_ONLY = "holdout-only"  # exposures of both arms are recorded; nothing goes out
    LIVE = "live"


class Taken(NamedTuple):
    """An order that a partition has taken.

    Attributes:
        key: What is controlled.
        value: What is ordered.
        at_ms: From which instant of event time on it is in force here.
        ordered_ms: When it was given, epoch ms UTC.
        before: What is in force until then.
    """

    key: str
    value: str
    at_ms: int
    ordered_ms: int
    before: str


def values_of(key: str) -> tuple[str, ...]:
    """Return what may be ordered under a key; nothing for a key that there is not."""
    if key == MODE:
        return (*Mode, OFF)
    if key == STOP:
        return (ON, OFF)
    is_named = any(key.startswith(begin) and key != begin for begin in (PLAYBOOK, CHANNEL, INPUT))
    return (ON, OFF) if is_named else ()


class Controls:
    """The orders that a partition has taken."""

    def __init__(self, taken: Iterable[Taken] = ()) -> None:
        self._taken = {order.key: Taken(*order) for order in taken}

    def take(self, directives: Iterable[Directive], watermark_ms: int) -> tuple[Taken, ...]:
        """Take over the whole set of orders; return what is new, by key.

        What is in force and not among them any more is lifted at once. The same order again is
        nothing new.

        Args:
            directives: At most one per key.
            watermark_ms: Of the partition; nothing takes effect before it.
        """
        wanted = {order.key: order for order in directives}
        for key, held in self._taken.items():
            if key not in wanted and held.value != OFF:
                wanted[key] = Directive(key, OFF, watermark_ms, held.ordered_ms)
        new = tuple(
            self._as_taken(order, watermark_ms)
            for key, order in sorted(wanted.items())
            if self._is_new(order)
        )
        self._taken |= {order.key: order for order in new}
        return new

    def _is_new(self, order: Directive) -> bool:
        held = self._taken.get(order.key)
        if held is None:
            return order.value != OFF
        return (held.value, held.ordered_ms) != (order.value, order.ordered_ms)

    def _as_taken(self, order: Directive, watermark_ms: int) -> Taken:
        waits = order.at_ms > watermark_ms and (order.key, order.value) != (STOP, ON)
        at_ms = order.at_ms if waits else watermark_ms
        before = self._value(order.key, watermark_ms) if waits else order.value
        return Taken(order.key, order.value, at_ms, order.ordered_ms, before)

    def _value(self, key: str, at_ms: int) -> str:
        held = self._taken.get(key)
        if held is None:
            return OFF
        return held.value if at_ms >= held.at_ms else held.before

    def mode_at(self, at_ms: int, of_rules: Mode | str) -> Mode:
        """Return the mode at an instant; that of the rules where nobody has ordered another."""
        ordered = self._value(MODE, at_ms)
        return Mode(of_rules if ordered == OFF else ordered)

    def is_stopped(self, at_ms: int) -> bool:
        """Return whether nothing may go out at an instant."""
        return self._value(STOP, at_ms) == ON

    def is_paused(self, at_ms: int, *, playbook: str = "", channel: str = "") -> bool:
        """Return whether a playbook may not begin, or a channel not be used, at an instant."""
        names = ((PLAYBOOK, playbook), (CHANNEL, channel))
        return any(name and self._value(begin + name, at_ms) == ON for begin, name in names)

    def paused_at(self, at_ms: int) -> frozenset[str]:
        """Return the keys of all that is paused at an instant."""
        keys = (key for key in self._taken if key.startswith((PLAYBOOK, CHANNEL)))
        return frozenset(key for key in keys if self._value(key, at_ms) == ON)

    def record(self) -> tuple[Taken, ...]:
        """Return what makes the same controls again."""
        return tuple(order for _, order in sorted(self._taken.items()))
