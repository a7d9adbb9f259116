"""Every silence of the log, and which of them an alert, a score or a rule falls into.

A silence begins with an activity and ends with the next; it is lost when it reaches H. It counts
when its user had enough active days, and the log goes on for H after its beginning.
"""

from array import array
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.inputs import Acted
from streams.core.time import DAY_MS
from streams.replay.define_calendar import Outage, outages
from streams.replay.define_census import UserDays
from streams.replay.fleet import Accepted
from streams.replay.ties import person

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

TIME_BITS: Final = 42
"""Epoch milliseconds until 2109; what is left of 63 bits numbers two million users."""


class Sightings:
    """Users at instants, in the order in which they were seen; 12 bytes each."""

    def __init__(self, names: "Names") -> None:
        self._names = names
        self._users, self._at_ms = array("i"), array("d")

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._users)

    def add(self, users: list[int], at_ms: list[float]) -> None:
        """Add sightings: numbers of users, epoch ms UTC."""
        self._users.extend(users)
        self._at_ms.extend(at_ms)

    def add_all(self, users: Rows, at_ms: F64) -> None:
        """Add sightings as columns of shape (n,)."""
        self._users.frombytes(users.astype(np.intc).tobytes())
        self._at_ms.frombytes(at_ms.astype(np.float64).tobytes())

    @property
    def users(self) -> Rows:
        """Numbers of the users, shape (n,): one for all ids of a person, as is known by now."""
        return self._names.people(np.frombuffer(self._users, np.intc).astype(np.intp))

    @property
    def at_ms(self) -> F64:
        """Instants, shape (n,)."""
        return np.frombuffer(self._at_ms, np.float64).copy()


class Names:
    """Users by number, in the order in which they were first met.

    Attributes:
        given_up: Each id that was given up to the one that took it over.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.given_up: Mapping[str, str] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._numbers)

    def numbers(self, user_ids: list[str]) -> list[int]:
        """Return the numbers of users; who has none gets the next."""
        known = self._numbers
        return [known.setdefault(user_id, len(known)) for user_id in user_ids]

    def people(self, users: Rows) -> Rows:
        """Return numbers with one for all ids of a person, shape (n,)."""
        if not self.given_up:
            return users
        people = [person(user_id, self.given_up) for user_id in self._numbers]
        return np.array(self.numbers(people), np.intp)[users]

    def all(self) -> list[str]:
        """Return every user, by number."""
        return list(self._numbers)


class Activities:
    """What users did, noted as the log goes by."""

    def __init__(self, names: Names) -> None:
        self._names, self._seen = names, Sightings(names)

    def see(self, accepted: Accepted) -> None:
        """Note the activities of a block; what else users say does not end a silence."""
        is_act = [type(signal) is Acted for signal in accepted.inputs]
        users, times = accepted.user_ids, accepted.times_ms
        if not all(is_act):
            acts = [place for place, is_it in enumerate(is_act) if is_it]
            users, times = [users[place] for place in acts], [times[place] for place in acts]
        self._seen.add(self._names.numbers(users), [float(at_ms) for at_ms in times])

    def see_all(self, users: Rows, at_ms: F64) -> None:
        """Note activities as columns of shape (n,): numbers of users, epoch ms UTC."""
        self._seen.add_all(users, at_ms)

    def blind(self) -> list[Outage]:
        """Return the days on which nobody did anything, though many were expected."""
        user, day = self._seen.users, (self._seen.at_ms // DAY_MS).astype(np.int64)
        rows = np.unique(np.stack((user, day)), axis=1)
        none, first_ms = np.zeros_like(rows[0]), rows[1] * DAY_MS
        return outages(UserDays(rows[0], none, first_ms, first_ms, none))

    def silences(self, *, horizon_ms: int, min_active_days: int, since_ms: int,
                 newest_ms: int) -> "Silences":  # fmt: skip
        """Return the silences between the activities seen so far.

        Args:
            horizon_ms: H, ms.
            min_active_days: Active days that a user needs.
            since_ms: Silences that begin earlier do not count.
            newest_ms: The end of the log.
        """
        user, at_ms = self._seen.users, self._seen.at_ms
        order = np.lexsort((at_ms, user))
        user, at_ms = user[order], at_ms[order]
        is_last = np.append(user[1:] != user[:-1], True)[: len(user)]
        length = np.where(is_last, np.inf, np.append(at_ms[1:], np.inf)[: len(user)] - at_ms)
        day = at_ms // DAY_MS
        is_first = np.append(True, is_last)[: len(user)]
        is_new_day = np.append(True, day[1:] != day[:-1])[: len(user)] | is_first
        days = np.cumsum(is_new_day)
        days -= np.maximum.accumulate(np.where(is_first, days - 1, 0))
        inside = (days >= min_active_days) & (at_ms >= since_ms) & (at_ms <= newest_ms - horizon_ms)
        return Silences(user, at_ms, length, inside, float(horizon_ms))


class Silences(NamedTuple):
    """Silences in order of user and time, columns of shape (n,).

    Attributes:
        user: Number of the user.
        start_ms: When it began.
        length_ms: How long it was; infinity if the log ends in it.
        inside: Whether it counts.
        horizon_ms: H, ms.
    """

    user: Rows
    start_ms: F64
    length_ms: F64
    inside: Flags
    horizon_ms: float

    @property
    def lost(self) -> Flags:
        """Which of those that count reached H, shape (n,)."""
        return self.inside & (self.length_ms >= self.horizon_ms)

    def places(self, user: Rows, at_ms: F64) -> Rows:
        """Return the silence that each sighting (n,) falls into; -1 = none that counts."""
        if not len(self.user):
            return np.full(len(user), -1)
        keys = _keys(self.user, self.start_ms)
        found = np.searchsorted(keys, _keys(user, at_ms), "right") - 1
        near = np.maximum(found, 0)
        delay = at_ms - self.start_ms[near]
        fits = (
            (found >= 0)
            & (self.user[near] == user)
            & self.inside[near]
            & (delay < np.minimum(self.length_ms[near], self.horizon_ms))
        )
        return np.where(fits, near, -1)

    def first_of(self, user: Rows, at_ms: F64) -> tuple[Rows, Rows]:
        """Return the silences that sightings (n,) fall into, and the first sighting in each."""
        place = self.places(user, at_ms)
        known = np.flatnonzero(place >= 0)
        known = known[np.lexsort((at_ms[known], place[known]))]
        places, first = np.unique(place[known], return_index=True)
        return places, known[first]


def _keys(user: Rows, at_ms: F64) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = (user.astype(np.int64) << TIME_BITS) | at_ms.astype(np.int64)
    return keys
