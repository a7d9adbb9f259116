"""The budget: how many touches a day, and how a partition spends its share of them.

A day is one of the operator's zone. Each partition has a hard share of it, floor(B/N) and a
remainder that rotates, so that together they never spend more than B and know nothing of each
other. The share is handed out in the course of the day, so that who comes late has a chance and a
storm is no burst; a part is kept back for those who must be answered at once.
"""

from datetime import datetime, time, timedelta
from functools import lru_cache
from math import ceil, floor
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from streams.core.time import HOUR_MS

SPENT_BEFORE_QUIET_MS: Final = 2 * HOUR_MS
"""The day's share is handed out whole so long before the operator's quiet hours begin."""


class Budget(msgspec.Struct, frozen=True):
    """How much contact a day is affordable.

    Attributes:
        per_day: Channel class to touches a day over all partitions; a class that is absent is
            unlimited.
        every_ms: How often places are handed out, event time.
        zone: Whose days.
        quiet_from: When quiet hours begin in that zone.
        instant_share: Part of a class kept for those who must be answered at once.
    """

    per_day: dict[str, int]
    every_ms: int
    zone: str
    quiet_from: time
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
        return _day(self.zone, self.quiet_from, _local_day(self.zone, at_ms // HOUR_MS, at_ms))


class Day(NamedTuple):
    """A day of the operator.

    Attributes:
        number: Proleptic ordinal of the date.
        start_ms: Its first instant, epoch ms.
        end_ms: The first instant of the next one.
        spent_ms: From here on all of the day's share may be spent.
    """

    number: int
    start_ms: int
    end_ms: int
    spent_ms: int


@lru_cache(maxsize=4_096)
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


@lru_cache(maxsize=4_096)
def _day(zone: str, quiet_from: time, number: int) -> Day:
    tz, date = ZoneInfo(zone), datetime.fromordinal(number)
    start_ms = round(date.replace(tzinfo=tz).timestamp() * 1_000)
    end_ms = round((date + timedelta(days=1)).replace(tzinfo=tz).timestamp() * 1_000)
    quiet_ms = end_ms
    if quiet_from >= time(12):
        quiet_ms = round(datetime.combine(date, quiet_from, tz).timestamp() * 1_000)
    return Day(number, start_ms, end_ms, quiet_ms - SPENT_BEFORE_QUIET_MS)


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

    def is_limited(self, kind: str) -> bool:
        """Return whether a channel class has a budget."""
        return kind in self.budget.per_day

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

        That is what the share comes to by the next border, in even steps over the day, less what
        was spent; what is kept for instant answers is given away when the day's share must be out.
        """
        day, share, spent = self.budget.day(at_ms), self.share(kind, at_ms), self.spent(kind, at_ms)
        reach_ms = at_ms + self.budget.every_ms
        if reach_ms >= day.spent_ms:
            return share - spent.total
        kept = floor(share * self.budget.instant_share)
        part = (reach_ms - day.start_ms) / (day.spent_ms - day.start_ms)
        allowed = ceil((share - kept) * part)
        return max(0, min(allowed - (spent.total - spent.instant), share - spent.total))

    def next_place_ms(self, kind: str, at_ms: int) -> int:
        """Return an instant before which no further place of a class comes up."""
        day, share, spent = self.budget.day(at_ms), self.share(kind, at_ms), self.spent(kind, at_ms)
        if spent.total >= share:
            return day.end_ms
        paced = share - floor(share * self.budget.instant_share)
        part = (spent.total - spent.instant) / paced if paced else 1.0
        span_ms = day.spent_ms - day.start_ms
        return floor(day.start_ms + min(part, 1.0) * span_ms) - self.budget.every_ms

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
