"""The budget: how many touches a day, and how a partition spends its share of them.

A day is one of the operator's zone. Each partition has a hard share of it, floor(B/N) and a
remainder that rotates, so that together they never spend more than B and know nothing of each
other. The share is handed out in the course of the hours in which most users may be disturbed, so
that who comes late has a chance and a storm is no burst; a small part of it comes up in the night
too, for users who live elsewhere. A part is kept back for those who must be answered at once.
"""

from datetime import datetime, time, timedelta
from functools import lru_cache
from math import ceil, floor
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from streams.core.time import HOUR_MS

SPARE_PART: Final = 1 / 6
"""The day's share is out when this part of the open hours is left: two hours of twelve."""

ANY_HOUR: Final = 0.2
"""Part of the share that comes up evenly, whatever the hour."""


class Budget(msgspec.Struct, frozen=True):
    """How much contact a day is affordable.

    Attributes:
        per_day: Channel class to touches a day over all partitions; a class that is absent is
            unlimited.
        every_ms: How often places are handed out, event time.
        zone: Whose days.
        open_zone: Where most users live.
        open_from: When quiet hours end there.
        open_to: When they begin; equal = there are none.
        instant_share: Part of a class kept for those who must be answered at once.
    """

    per_day: dict[str, int]
    every_ms: int
    zone: str
    open_zone: str
    open_from: time
    open_to: time
    instant_share: float = 0.0

    def share(self, kind: str, day: int, number: int, of: int) -> int:
        """Return what partition ``number`` of ``of`` may spend of a class on a day."""
        total = self.per_day[kind]
        return total // of + ((number + day) % of < total % of)

    def border_after(self, at_ms: int) -> int:
        """Return the first instant after ``at_ms`` at which places are handed out."""
        return min((at_ms // self.every_ms + 1) * self.every_ms, self.day(at_ms).end_ms)

    def day(self, at_ms: int) -> "Day":
        """Return the day that an instant lies in."""
        number = _local_day(self.zone, at_ms // HOUR_MS, at_ms)
        return _day(self.zone, self.open_zone, self.open_from, self.open_to, number)


class Day(NamedTuple):
    """A day of the operator.

    Attributes:
        number: Proleptic ordinal of the date.
        start_ms: Its first instant, epoch ms.
        end_ms: The first instant of the next one.
        spans: Begin and end of the open hours in it, in order; at least one.
        spent_ms: From here on all of the day's share may be spent.
    """

    number: int
    start_ms: int
    end_ms: int
    spans: tuple[tuple[int, int], ...]
    spent_ms: int

    def part(self, at_ms: int) -> float:
        """Return which part of the share may be spent by an instant, 0 … 1."""
        if at_ms >= self.spent_ms:
            return 1.0
        even = (at_ms - self.start_ms) / (self.spent_ms - self.start_ms)
        opened = _length(self.spans, at_ms) / _length(self.spans, self.spent_ms)
        return ANY_HOUR * even + (1.0 - ANY_HOUR) * opened


def _length(spans: tuple[tuple[int, int], ...], until_ms: int) -> int:
    """Return how long it was open until an instant."""
    return sum(max(0, min(end_ms, until_ms) - start_ms) for start_ms, end_ms in spans)


@lru_cache(maxsize=512)
def _local_hour(zone: str, hour: int) -> tuple[int, int]:
    """Return the local dates at the first and the last instant of an hour since the epoch."""
    tz = ZoneInfo(zone)
    first = datetime.fromtimestamp(hour * 3_600, tz).toordinal()
    last = datetime.fromtimestamp(hour * 3_600 + 3_599.999, tz).toordinal()
    return first, last


def _local_day(zone: str, hour: int, at_ms: int) -> int:
    first, last = _local_hour(zone, hour)
    if first == last:
        return first
    return datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(zone)).toordinal()


@lru_cache(maxsize=512)
def _day(zone: str, open_zone: str, open_from: time, open_to: time, number: int) -> Day:
    date = datetime.fromordinal(number)
    start_ms, end_ms = _midnight_ms(zone, date), _midnight_ms(zone, date + timedelta(days=1))
    spans = _open_spans(open_zone, open_from, open_to, date) if open_from != open_to else []
    spans = [
        (max(begin_ms, start_ms), min(stop_ms, end_ms))
        for begin_ms, stop_ms in spans
        if begin_ms < end_ms and start_ms < stop_ms
    ] or [(start_ms, end_ms)]
    spare = SPARE_PART * _length(tuple(spans), end_ms)
    spent_ms = end_ms
    for begin_ms, stop_ms in reversed(spans):
        if stop_ms - begin_ms > spare:
            spent_ms = round(stop_ms - spare)
            break
        spare -= stop_ms - begin_ms
    return Day(number, start_ms, end_ms, tuple(spans), spent_ms)


def _midnight_ms(zone: str, date: datetime) -> int:
    return round(date.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000)


def _open_spans(zone: str, since: time, until: time, date: datetime) -> list[tuple[int, int]]:
    """Return the open hours of the days around a date, in order."""
    tz, found = ZoneInfo(zone), []
    for offset in (-1, 0, 1):
        first = (date + timedelta(days=offset)).date()
        last = first if since < until else first + timedelta(days=1)
        begin, stop = datetime.combine(first, since, tz), datetime.combine(last, until, tz)
        found.append((round(begin.timestamp() * 1_000), round(stop.timestamp() * 1_000)))
    return found


class Spent(msgspec.Struct, array_like=True):
    """What a partition spent of a class on a day: in all, and of it at once."""

    total: int = 0
    instant: int = 0


class Ledger:
    """What a partition has spent of its shares, by day.

    Args:
        budget: The budget of the deployment.
        number: Number of the partition.
        of: How many partitions there are.
    """

    def __init__(self, budget: Budget, number: int, of: int) -> None:
        self.budget, self._number, self._of = budget, number, of
        self._days: dict[int, dict[str, Spent]] = {}

    def share(self, kind: str, at_ms: int) -> int:
        """Return the partition's share of a class on the day of an instant."""
        return self.budget.share(kind, self.budget.day(at_ms).number, self._number, self._of)

    def spent(self, kind: str, at_ms: int) -> Spent:
        """Return what was spent of a class on the day of an instant."""
        return self._days.get(self.budget.day(at_ms).number, {}).get(kind, Spent())

    def left(self, kind: str, at_ms: int) -> int:
        """Return how many touches of a class the day has left."""
        return self.share(kind, at_ms) - self.spent(kind, at_ms).total

    def places(self, kind: str, at_ms: int) -> int:
        """Return how many places of a class may be handed out at a border.

        That is what the share comes to by the next border less what was spent; what is kept for
        instant answers is given away when the day's share must be out.
        """
        day, share, spent = self.budget.day(at_ms), self.share(kind, at_ms), self.spent(kind, at_ms)
        part = day.part(at_ms + self.budget.every_ms)
        if part >= 1.0:
            return share - spent.total
        allowed = ceil((share - floor(share * self.budget.instant_share)) * part)
        return max(0, min(allowed - (spent.total - spent.instant), share - spent.total))

    def next_place_ms(self, kind: str, at_ms: int) -> int:
        """Return the next border at which a further place of a class comes up."""
        day, border_ms = self.budget.day(at_ms), self.budget.border_after(at_ms)
        if self.left(kind, at_ms) <= 0:
            return day.end_ms
        while border_ms < day.end_ms and not self.places(kind, border_ms):
            border_ms = self.budget.border_after(border_ms)
        return border_ms

    def spend(self, kind: str, at_ms: int, *, is_instant: bool = False) -> None:
        """Note a touch."""
        day = self._days.setdefault(self.budget.day(at_ms).number, {})
        spent = day.setdefault(kind, Spent())
        spent.total += 1
        spent.instant += is_instant

    def forget_before(self, at_ms: int) -> None:
        """Forget the days that were over a day before an instant."""
        oldest = self.budget.day(at_ms).number - 1
        self._days = {number: day for number, day in self._days.items() if number >= oldest}

    def record(self) -> dict[int, dict[str, Spent]]:
        """Return what the partition record keeps."""
        return {number: dict(day) for number, day in self._days.items()}

    def load(self, days: dict[int, dict[str, Spent]]) -> None:
        """Take over what the partition record kept."""
        self._days = {number: dict(day) for number, day in days.items()}


def day_name(number: int) -> str:
    """Return the date of a day, ISO 8601."""
    return datetime.fromordinal(number).date().isoformat()
