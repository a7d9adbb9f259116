"""The names of clocks: which a worker waits for, and how late each may be."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from streams.core.routed import router_clocks
from streams.core.rules import Rules
from streams.core.sources import KeyedBy, Source
from streams.core.time import MINUTE_MS

OWN: Final = ""
"""Name of the clock of ``user-activity``."""

IDLE_AFTER_MS: Final = 5 * MINUTE_MS
"""So long without a record, and ``user-activity`` holds nothing back."""

ROUTED: Final = "router/"
"""Begin of the name of a clock that the router keeps; no topic's name has a slash."""


class ClockRecord(msgspec.Struct, frozen=True, array_like=True):
    """What the partition record keeps of a clock.

    Attributes:
        name: ``""`` for user-activity, a topic, or as in `routed.clock_name`.
        mark_ms: Up to here nothing more is expected of it.
        heard_ms: The same by its records alone, without ticks.
        is_idle: It says nothing and holds nothing back.
        lateness_ms: How far its mark stays behind its newest event.
    """

    name: str
    mark_ms: int
    heard_ms: int
    is_idle: bool
    lateness_ms: int


def expected_clocks(sources: Iterable[Source], counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the clocks that a worker has to wait for.

    Args:
        sources: All of the rules.
        counts: Partitions by topic; the routed ones must be there.
    """
    sources = tuple(sources)
    direct = (source.topic for source in sources if source.keyed_by is KeyedBy.USER)
    return (OWN, *direct, *router_clocks(sources, counts))


def topic_of(name: str) -> str:
    """Return the topic of a clock; empty for ``user-activity``."""
    return name.split("/")[1] if name.startswith(ROUTED) else name


def is_named(name: str, rules: Rules) -> bool:
    """Return whether the rules name the topic of a clock, read as the clock says."""
    kept_by = KeyedBy.ANYTHING if name.startswith(ROUTED) else KeyedBy.USER
    topic = topic_of(name)
    return any((each.topic, each.keyed_by) == (topic, kept_by) for each in rules.sources)


def lateness_of(name: str, rules: Rules) -> int:
    """Return how far the mark of a clock stays behind its newest event."""
    late_ms = {source.topic: source.lateness_ms for source in rules.sources}
    return late_ms.get(topic_of(name), rules.lateness_ms)
