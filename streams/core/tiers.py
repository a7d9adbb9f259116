"""Value tiers by quantile: who is worth most is relative to the others of the same business.

The quantiles are those of a sample: the users whose salted hash is smallest, at most so many of
each partition. Which users that is depends on nothing but who is known, so a replay and a restart
find the same.

Source:
    Cohen & Kaplan (2007), "Summarizing data using bottom-k sketches", PODC.
"""

from bisect import insort
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_MAX: Final = 2_048
"""Users of a partition in the sample: a quantile of it is right to about 1 %."""

NO_VALUE: Final = "none"
"""Tier of users who brought in nothing."""


class Sample:
    """The users of a partition with the smallest hashes, at most `SAMPLE_MAX`.

    Attributes:
        is_whole: Nobody was taken out whose place somebody else should have now.
    """

    def __init__(self) -> None:
        self._members: list[tuple[float, str]] = []
        self.is_whole = True

    def add(self, phase: float, user_id: str) -> None:
        """Take note of a user; ``phase`` is a salted hash of the user."""
        members = self._members
        if len(members) >= SAMPLE_MAX:
            if (phase, user_id) >= members[-1]:
                return
            members.pop()
        insort(members, (phase, user_id))

    def forget(self, phase: float, user_id: str) -> None:
        """Take a user out."""
        if (phase, user_id) in self._members:
            self.is_whole = len(self._members) < SAMPLE_MAX
            self._members.remove((phase, user_id))

    def rebuild(self, users: Iterable[tuple[NDArray[np.float64], Callable[[int], str]]]) -> None:
        """Take the sample of these users instead, who come in parts: hashes, and the id of each."""
        found: list[tuple[float, str]] = []
        most = float("inf")
        for phases, id_of in users:
            places = np.flatnonzero(phases <= most).tolist()
            found += [(float(phases[place]), id_of(place)) for place in places]
            if len(found) > 4 * SAMPLE_MAX:
                found = sorted(found)[:SAMPLE_MAX]
                most = found[-1][0]
        self._members = sorted(found)[:SAMPLE_MAX]
        self.is_whole = True

    @property
    def user_ids(self) -> list[str]:
        """Who is in it, smallest hash first."""
        return [user_id for _, user_id in self._members]


def edges_of(values: NDArray[np.float64], shares: tuple[float, ...]) -> tuple[float, ...]:
    """Return the least value of each tier, highest tier first; none while nobody has value.

    Args:
        values: Shape (users,): values of a sample; those that are not above 0 count for nothing.
        shares: Share of the users with value that belong to this tier or a higher one, rising.
    """
    paying = np.sort(values[values > 0.0])[::-1]
    if not len(paying):
        return ()
    places = [min(len(paying), max(1, round(share * len(paying)))) - 1 for share in shares]
    return tuple(float(paying[place]) for place in places)


def tier_of(value: float, names: tuple[str, ...], edges: tuple[float, ...]) -> str:
    """Return the tier of a value; before there are edges, the lowest tier of who has value."""
    if value <= 0.0:
        return NO_VALUE
    if not edges:
        return names[-1] if names else NO_VALUE
    return next((name for name, edge in zip(names, edges, strict=True) if value >= edge), names[-1])
