"""Days in the operator's zone: what a report counts in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

WEEK: Final = 7
MINUTES: Final = len("2017-06-01T01:00")


class Span(NamedTuple):
    """Days from the first to the last, both included, as ordinals of the calendar."""

    first: int
    last: int

    @property
    def days(self) -> int:
        """How many."""
        return max(self.last - self.first + 1, 0)

    def holds(self, day: int) -> bool:
        """Return whether a day lies within."""
        return self.first <= day <= self.last

    def before(self) -> "Span":
        """Return as many days, just before."""
        return Span(self.first - self.days, self.first - 1)


def iso_day(day: int) -> str:
    """Return ``2017-06-01``."""
    return date.fromordinal(day).isoformat()


def day_numbers(zone: tzinfo) -> Callable[[str], int]:
    """Return what tells the day of an instant that a message of ours carries.

    Raises:
        ValueError: Of what is returned: the text is no instant.
    """

    @lru_cache(maxsize=100_000)  # a year of minutes is 525,600; neighbours are often equal
    def of_minute(text: str) -> int:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return moment.astimezone(zone).date().toordinal()

    def of(text: str) -> int:
        if not text.endswith("Z"):
            raise ValueError(f"{text!r} is no instant in UTC")
        return of_minute(text[:MINUTES])

    return of


def week_to(last: int) -> Span:
    """Return the seven days up to one."""
    return Span(last - WEEK + 1, last)


def last_full_week(newest: int) -> Span:
    """Return the seven days before the day that is not over yet."""
    return week_to(newest - 1)
