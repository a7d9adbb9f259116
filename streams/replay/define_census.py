"""The one pass of ``winback define``: who did what on which day, and what the log looks like."""

from collections import Counter
from itertools import starmap
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.native import FUTURE_MAX_MS
from streams.core.time import DAY_MS, HOUR_MS
from streams.replay.blocks import Block

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

PENDING_ROWS: Final = 1 << 20
"""Events that are gathered before they are counted into days: 40 MB."""


class UserDays(NamedTuple):
    """What users did on their active days (UTC): one row per user, event name and day.

    Attributes:
        users: Number of the user, in the order in which they came.
        names: Number of the event name, likewise.
        first_ms: The first such event of that day, epoch ms UTC.
        last_ms: The last one.
        events: How many there were.
    """

    users: Ints
    names: Ints
    first_ms: Ints
    last_ms: Ints
    events: Ints

    def of_names(self, wanted: Mask) -> "UserDays":
        """Return the rows of some names; ``wanted`` has one element per name."""
        rows = wanted[self.names]
        return UserDays(*(column[rows] for column in self))

    def merged(self) -> "UserDays":
        """Return the same with one row per user, name and day, in this order."""
        order = np.lexsort((self.first_ms, self.names, self.users))
        users, names, first_ms, last_ms, events = (column[order] for column in self)
        if not len(users):
            return self
        days = first_ms // DAY_MS
        is_new = np.ones(len(users), np.bool_)
        is_new[1:] = (np.diff(users) != 0) | (np.diff(names) != 0) | (np.diff(days) != 0)
        begins = np.flatnonzero(is_new)
        return UserDays(
            users=users[begins],
            names=names[begins],
            first_ms=first_ms[begins],
            last_ms=np.maximum.reduceat(last_ms, begins),
            events=np.add.reduceat(events, begins),
        )

    def joined(self) -> "UserDays":
        """Return the same with all names taken for one: one row per user and day."""
        return self._replace(names=np.zeros_like(self.names)).merged()


class NameCount(NamedTuple):
    """How often an event name is there.

    Attributes:
        name: As the log writes it.
        events: How many.
        users: Of how many users.
        amounts: How many carry an amount.
        cents: How many of the amounts are no whole numbers.
    """

    name: str
    events: int
    users: int
    amounts: int
    cents: int


class Facts(NamedTuple):
    """What one pass found.

    Attributes:
        days: Who did what on which day.
        names: The event names; ``days.names`` counts into it.
        events: How many.
        users: How many.
        begin_ms: The first event, epoch ms UTC.
        end_ms: The last one.
        tick_ms: All instants lie so far, or multiples of it, from each other; 0 for one instant.
        hours: Shape (names, 24): events per name and hour of the day, UTC.
        currencies: Events per currency, where the log names one.
        in_future: Events that the service would refuse, because they lie in the future.
    """

    days: UserDays
    names: list[NameCount]
    events: int
    users: int
    begin_ms: int
    end_ms: int
    tick_ms: int
    hours: Ints
    currencies: Counter[str]
    in_future: int

    @property
    def span_ms(self) -> int:
        """From the first event to the last."""
        return self.end_ms - self.begin_ms


class Census:
    """Counts the blocks of a log that is in order of time; memory grows with the active days.

    Args:
        now_ms: Events later than this lie in the future, epoch ms UTC.
    """

    def __init__(self, now_ms: int) -> None:
        self._until_ms = now_ms + FUTURE_MAX_MS
        self._users: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._days = UserDays(*(np.empty(0, np.int64) for _ in UserDays._fields))
        self._pending: list[UserDays] = []
        self._waiting = 0
        self._span: tuple[int, int] | None = None
        self._tick_ms = 0
        self._hours = np.zeros((0, 24), np.int64)
        self._counts = np.zeros((3, 0), np.int64)
        self._currencies: Counter[str] = Counter()
        self._in_future = 0

    def see(self, block: Block) -> None:
        """Count a block."""
        times = np.array(block.times_ms, np.int64)
        if times.max() >= self._until_ms:
            keep = np.flatnonzero(times < self._until_ms)
            self._in_future += len(times) - len(keep)
            block, times = block.picked(keep.tolist()), times[keep]
            if not len(times):
                return
        users, names = (
            np.array([known.setdefault(text, len(known)) for text in texts], np.int64)
            for known, texts in ((self._users, block.user_ids), (self._names, block.events))
        )
        begin_ms = int(times.min()) if self._span is None else self._span[0]
        self._span = (begin_ms, int(times.max()))
        self._tick_ms = int(np.gcd.reduce(times - begin_ms, initial=self._tick_ms))
        hours = np.bincount(names * 24 + times // HOUR_MS % 24, minlength=len(self._names) * 24)
        self._hours = _grown(self._hours, len(self._names), axis=0) + hours.reshape(-1, 24)
        self._count(names, np.array(block.amounts, np.float64))
        if block.extras is not None:
            self._currencies.update(row["currency"] for row in block.extras if "currency" in row)
        self._pending.append(UserDays(users, names, times, times, np.ones_like(times)))
        self._waiting += len(times)
        if self._waiting >= max(PENDING_ROWS, len(self._days.users)):
            self._merge()

    def facts(self) -> Facts | None:
        """Return what was found; None when there was no event, or all lie in the future."""
        if self._span is None:
            return None
        self._merge()
        pairs = np.unique(self._days.names * len(self._users) + self._days.users)
        users = np.bincount(pairs // len(self._users), minlength=len(self._names))
        events, amounts, cents = self._counts.tolist()
        rows = zip(self._names, events, users.tolist(), amounts, cents, strict=True)
        return Facts(
            days=self._days,
            names=list(starmap(NameCount, rows)),
            events=sum(events),
            users=len(self._users),
            begin_ms=self._span[0],
            end_ms=self._span[1],
            tick_ms=self._tick_ms,
            hours=self._hours,
            currencies=self._currencies,
            in_future=self._in_future,
        )

    def _count(self, names: Ints, amounts: NDArray[np.float64]) -> None:
        wide = len(self._names)
        has = ~np.isnan(amounts)
        with np.errstate(invalid="ignore"):
            is_broken = has & (amounts != np.round(amounts))
        counts = [
            np.bincount(picked, minlength=wide) for picked in (names, names[has], names[is_broken])
        ]
        self._counts = _grown(self._counts, wide, axis=1) + np.stack(counts)

    def _merge(self) -> None:
        parts = (self._days, *self._pending)
        self._days = UserDays(*map(np.concatenate, zip(*parts, strict=True))).merged()
        self._pending, self._waiting = [], 0


def _grown(counts: Ints, length: int, axis: int) -> Ints:
    """Return counts with room for more names."""
    room = [(0, 0), (0, 0)]
    room[axis] = (0, length - counts.shape[axis])
    return np.pad(counts, room)
