"""Who holds the watermark of a partition back, how far, and why: in words for people."""

from typing import Final

import msgspec

from streams.core.clock_names import ROUTED, ClockRecord
from streams.core.clocks import CATCH_UP_MS
from streams.core.messages import PartitionRecord
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, iso
from streams.runtime.doctor_seen import Seen

_UNITS: Final = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))


class ClockView(msgspec.Struct, frozen=True):
    """A clock of a partition.

    Attributes:
        clock: The topic, or the partition of a topic that the router reads.
        mark: Up to here nothing more is expected of it; empty = it has not spoken.
        behind_s: How far that is before the present; None in event time, or before its first word.
        lateness_s: By how much it may be late.
        is_idle: It holds nothing back.
        unread: Records of it that are not applied yet; None = the router counts them.
        aged_s: How far its newest event is before the present; None as with ``behind_s``.
    """

    clock: str
    mark: str
    behind_s: int | None
    lateness_s: int
    is_idle: bool
    unread: int | None
    aged_s: int | None


class PartitionView(msgspec.Struct, frozen=True):
    """A partition, and what its timers wait for.

    Attributes:
        partition: Its number.
        watermark: Event time that it has reached; empty = none yet.
        behind_s: How far that is before the present; None in event time.
        held_by: The clock that is furthest behind; empty = nothing is known.
        why: What is the matter with that clock, in a sentence.
        is_sick: Whether it is further behind than its lateness allows.
        clocks: All of them.
    """

    partition: int
    watermark: str
    behind_s: int | None
    held_by: str
    why: str
    is_sick: bool
    clocks: tuple[ClockView, ...]


def span(ms: float) -> str:
    """Return a span of time in its two largest units, as in ``6 h 02 min``."""
    left = max(0, round(ms / SECOND_MS)) * SECOND_MS
    for place, (size, name) in enumerate(_UNITS):
        if left >= size or size == SECOND_MS:
            text = f"{left // size} {name}"
            rest = left % size // _UNITS[place + 1][0] if size > SECOND_MS else 0
            return f"{text} {rest:02d} {_UNITS[place + 1][1]}" if rest else text
    return ""


def shown(clock: str, activity: str) -> str:
    """Return the name of a clock for people."""
    return clock.removeprefix(ROUTED) or activity


def view_of(number: int, record: PartitionRecord, seen: Seen) -> PartitionView:
    """Return how a partition stands, and what holds it."""
    kept = {clock.name: clock for clock in record.clocks}
    clocks = [kept.get(name, ClockRecord(name, 0, 0, False, 0)) for name in seen.clocks]  # noqa: FBT003 (columns)
    unread = _unread(number, record, seen)
    views = tuple(
        ClockView(
            shown(clock.name, seen.activity),
            iso(clock.mark_ms) if clock.mark_ms else "",
            _behind_s(clock.mark_ms, seen),
            clock.lateness_ms // SECOND_MS,
            clock.is_idle,
            None if clock.name.startswith(ROUTED) else unread.get(clock.name or seen.activity, 0),
            _behind_s(clock.heard_ms and clock.heard_ms + clock.lateness_ms, seen),
        )
        for clock in clocks
    )
    awake = [clock for clock in clocks if not clock.is_idle]
    watermark = iso(record.watermark_ms) if record.watermark_ms else ""
    behind_s = _behind_s(record.watermark_ms, seen)
    if not awake:
        return PartitionView(number, watermark, behind_s, "", "every topic is idle", False, views)  # noqa: FBT003 (columns)
    held = min(awake, key=lambda clock: clock.mark_ms)
    left = unread.get(held.name or seen.activity, 0)
    why, is_sick = _why(held, left, number, seen)
    name = shown(held.name, seen.activity)
    return PartitionView(number, watermark, behind_s, name, why, is_sick, views)


def _unread(number: int, record: PartitionRecord, seen: Seen) -> dict[str, int]:
    """Return how many records of each topic are not applied yet."""
    return {
        part.topic: max(0, part.end - record.applied.get(part.topic, part.begin))
        for part in seen.stretches
        if part.partition == number
    }


def _behind_s(mark_ms: int, seen: Seen) -> int | None:
    return (seen.now_ms - mark_ms) // SECOND_MS if seen.is_live and mark_ms else None


def _why(clock: ClockRecord, unread: int, number: int, seen: Seen) -> tuple[str, bool]:
    """Return what is the matter with the clock that is furthest behind, and whether it is sick."""
    name = shown(clock.name, seen.activity)
    holds = f"it holds the timers of partition {number}"
    if not clock.mark_ms:
        return _unspoken(clock, name, holds, seen)
    if not seen.is_live:
        waits = f"{unread:,} of its records are unread" if unread else "its next event moves it"
        return f"{name} has come to {iso(clock.mark_ms)}: {holds}; {waits}", False
    behind_ms = seen.now_ms - clock.mark_ms
    is_sick = behind_ms > clock.lateness_ms + CATCH_UP_MS
    said = f"{name} is {span(behind_ms)} behind: {holds}"
    if clock.name.startswith(ROUTED):
        return f"{said}; only the router moves it", is_sick
    if unread:
        return f"{said}; {unread:,} of its records are unread", is_sick
    if is_sick:
        return f"{said}, though all of it is read: no worker lets time pass there", True
    return f"{said}; its lateness is {span(clock.lateness_ms)}", False


def _unspoken(clock: ClockRecord, name: str, holds: str, seen: Seen) -> tuple[str, bool]:
    """Return what is to be said of a clock that was never heard of."""
    if clock.name.startswith(ROUTED):
        return f"the router has not told of {name} yet: {holds}", True
    patience = span(seen.idle_after_ms.get(clock.name, 0))
    said = f"{name} has said nothing yet: {holds} until it does"
    return f"{said}, or until it has been silent for {patience}", False
