"""The users of a partition: bytes by row, and two columns of numbers beside them.

Who has no timer sleeps apart, without a row (`streams.core.sleepers`).
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.core.rounds import blocks
from streams.core.rules import Rules
from streams.core.sleepers import Sleepers, may_sleep
from streams.core.state import (
    CASE_WAITS,
    NEVER,
    BrokenStateError,
    Column,
    blank,
    encode,
    full,
    matrix,
    packed,
)
from streams.core.stored import Part
from streams.core.tiers import Sample

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]

_BID: Final = struct.Struct("<d")
_BID_AT: Final = 8 * Column.BID
_CASE_AT: Final = 8 * Column.CASE_AT

GONE = b""
"""The value of a row that is free."""
SURVEYED: Final = 1_024
"""Users that are surveyed at once: their heads stay in the processor's cache."""


class Users:
    """Rows of users.

    Attributes:
        index: User id to row, of who is awake.
        asleep: Who is not.
        names: Row to user id.
        values: Row to changelog value; `GONE` where the row is free.
        deadlines: Row to the next deadline, epoch ms; infinity = none.
        grid: Row to the latest grid instant not after the last activity; infinity before the first.
        dirty: Rows whose value is not durable yet.
        waiting: Rows of users who bid, or whose case waits, for a place.
        waiting_version: Changes whenever somebody joins them, or one of them is not as before.
        cases: Number of users who have an open case.
        outdated: Key and value of what lies in the changelog as an older version wrote it.
    """

    def __init__(self, rules: Rules) -> None:
        self.index: dict[str, int] = {}
        self.asleep = Sleepers()
        self.names: list[str] = []
        self.values: list[bytes] = []
        self.deadlines = np.full(1_024, NEVER)
        self.grid = np.full(1_024, NEVER)
        self.dirty: set[int] = set()
        self.waiting: set[int] = set()
        self.waiting_version = 0
        self.cases = 0
        self.outdated: dict[bytes, bytes] = {}
        self._bids = 0
        self._sample = Sample()
        self._put: set[int] = set()
        self._still: set[int] = set()
        self._free: list[int] = []
        self._deleted: dict[bytes, None] = {}
        self.adopt(rules)

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on."""
        self._rules = rules
        template = encode(blank(0.0, wakes_at=rules.alert_days))
        start = 8 * Column.PHASE
        self._before, self._after = template[:start], template[start + 8 :]

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.index) + len(self.asleep)

    def __contains__(self, user_id: str) -> bool:
        """Return whether a user is known."""
        return user_id in self.index or user_id in self.asleep

    def admit(self, user_id: str) -> int:
        """Add a user of whom nothing is known and return the row."""
        phase_ms = self._rules.phase_ms(user_id)
        phase = np.float64(phase_ms).tobytes()
        row = self._add(user_id, self._before + phase + self._after)
        self._sample.add(float(phase_ms), user_id)
        self.dirty.add(row)
        self._still.add(row)
        return row

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """Take the users of the changelog into an empty partition."""
        self._take_in([(list(map(bytes.decode, records)), list(records.values()))])

    def resume(self, parts: Iterable[Part], changes: Mapping[bytes, bytes | None]) -> None:
        """Take users that were stored into an empty partition, and what has changed since."""
        self._take_in(parts)
        for user_id in map(bytes.decode, changes):
            row = self.index.pop(user_id, None)
            if row is None:
                self.asleep.pop(user_id, None)
            else:
                self._vacate(row)
        now = {key.decode(): value for key, value in changes.items() if value is not None}
        self._take_in([(list(now), list(now.values()))])

    def _take_in(self, parts: Iterable[Part]) -> None:
        names, values = self.names, self.values
        start = len(names)
        for part in parts:
            user_ids, states = self.asleep.load(*part)
            names += user_ids
            values += states
        rows = range(start, len(names))
        self.index.update(zip(islice(names, start, None), rows, strict=True))
        room = max(len(names), len(self.deadlines))
        self.deadlines, self.grid = np.full(room, NEVER), np.full(room, NEVER)

    def parts(self) -> list[Part]:
        """Return all users as they lie in the changelog after a commit."""
        asleep = self.asleep
        return [
            (self.names.copy(), self.values.copy()),
            (list(asleep), list(asleep.values())),
        ]

    def _add(self, user_id: str, value: bytes) -> int:
        if self._free:
            row = self._free.pop()
            self.names[row], self.values[row] = user_id, value
        else:
            row = len(self.values)
            self.names.append(user_id)
            self.values.append(value)
            if row == len(self.deadlines):
                self.deadlines = np.concatenate([self.deadlines, np.full(row, NEVER)])
                self.grid = np.concatenate([self.grid, np.full(row, NEVER)])
        self.index[user_id] = row
        return row

    def wake(self, user_id: str) -> int:
        """Give a user who sleeps a row, and return it.

        Raises:
            BrokenStateError: Its bytes are no state.
        """
        value = full(self.asleep[user_id])
        if np.isnan(matrix([value])).any():
            raise BrokenStateError("the state of a user has a number that is none")
        row = self._add(user_id, value)
        del self.asleep[user_id]
        self._still.add(row)
        return row

    def schedule(self, rows: Rows, deadlines: F64) -> None:
        """Set deadlines; who has none may sleep after the next commit."""
        self.deadlines[rows] = deadlines
        self._still.update(rows[deadlines == NEVER].tolist())

    def _lull(self, fired_ms: float) -> list[tuple[bytes, bytes]]:
        """Let those sleep who can; return key and value of each."""
        lulled = []
        for row in self._sleepy(fired_ms):
            user_id, value = self.names[row], packed(self.values[row])
            del self.index[user_id]
            self._vacate(row)
            self.asleep[user_id] = value
            lulled.append((user_id.encode(), value))
        self._still.clear()
        return lulled

    def _sleepy(self, fired_ms: float) -> list[int]:
        rows = np.array(sorted(self._still), np.intp)
        rows = rows[self.deadlines[rows] == NEVER]
        rows = rows[[bool(self.values[row]) for row in rows.tolist()]]
        limit_ms, heads = float(self._rules.churn.limit_ms), self.matrix(rows)
        return [
            row
            for row, head in zip(rows.tolist(), heads, strict=True)
            if may_sleep(head, limit_ms, fired_ms)
        ]

    def _vacate(self, row: int) -> None:
        self.names[row], self.values[row] = "", GONE
        self.deadlines[row] = self.grid[row] = NEVER
        self.dirty.discard(row)
        self._free.append(row)

    def put(self, row: int, value: bytes) -> None:
        """Replace a user's value."""
        self.cases += _has_case(value) - _has_case(self.values[row])
        self.values[row] = value
        self.dirty.add(row)
        self._still.add(row)
        self._put.add(row)
        bid = _BID.unpack_from(value, _BID_AT)[0]
        if not bid:
            self.waiting.discard(row)
            return
        self.waiting_version += 1
        if row not in self.waiting:
            self.waiting.add(row)
            self._bids += bid != CASE_WAITS

    def raise_bid(self, row: int, bid: float) -> None:
        """Note what the risk of a user who bids has come to."""
        value, raised = self.values[row], _BID.pack(bid)
        if value[_BID_AT : _BID_AT + 8] != raised:
            self.values[row] = value[:_BID_AT] + raised + value[_BID_AT + 8 :]
            self.dirty.add(row)

    def take_bids(self) -> int:
        """Return how many bids are new since the last call."""
        bids, self._bids = self._bids, 0
        return bids

    def rows(self) -> Rows:
        """Return the rows of all who are awake."""
        if not self._free:
            return np.arange(len(self.values))
        return np.flatnonzero([value != GONE for value in self.values])

    def survey(self, look: Callable[[Rows, F64], None]) -> None:
        """Find out anew who waits, has a case, and is in the sample, from the states.

        Args:
            look: Called with the rows and heads of all who are awake, part by part.

        Raises:
            BrokenStateError: A number is none.
        """
        self.waiting, self.cases, phases = set(), 0, []
        for rows in blocks(self.rows(), SURVEYED):
            heads = self.matrix(rows)
            if np.isnan(heads).any():
                raise BrokenStateError("the state of a user has a number that is none")
            self.cases += int(np.count_nonzero(heads[:, Column.CASE_AT]))
            self.waiting.update(rows[heads[:, Column.BID] > 0.0].tolist())
            phases.append((heads[:, Column.PHASE].copy(), rows))
            look(rows, heads)
        self.waiting_version += 1
        self._resample(phases)

    def _resample(self, phases: Iterable[tuple[F64, Rows]]) -> None:
        """Take the sample anew; ``phases``: those of rows who are awake."""
        awake = ((phase, partial(self._name, rows)) for phase, rows in phases)
        asleep = ((part.phase, part.user_ids.__getitem__) for part in self.asleep.looked_at())
        self._sample.rebuild(chain(awake, asleep))

    def _name(self, rows: Rows, place: int) -> str:
        return self.names[int(rows[place])]

    def sampled(self) -> F64:
        """Return the heads of the users in the sample, shape (sampled, WIDTH)."""
        if not self._sample.is_whole:
            self._resample(
                (self.matrix(rows)[:, Column.PHASE], rows) for rows in blocks(self.rows())
            )
        return self.heads_of(self._sample.user_ids)

    def names_of(self, rows: Rows) -> list[str]:
        """Return the ids of users."""
        names = self.names
        return [names[row] for row in rows.tolist()]

    def heads_of(self, user_ids: Iterable[str]) -> F64:
        """Return the heads of known users, asleep or awake, shape (users, WIDTH).

        Raises:
            KeyError: A user has no state.
        """
        index, asleep, values = self.index, self.asleep, self.values
        return matrix(
            [values[index[one]] if one in index else full(asleep[one]) for one in user_ids]
        )

    def matrix(self, rows: Rows) -> F64:
        """Return the heads of users, shape (users, WIDTH), cut out of their bytes."""
        values = self.values
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return matrix(values[rows[0] : rows[-1] + 1])  # As in a survey of all.
        return matrix([values[row] for row in rows.tolist()])

    def refreshed(self, rows: Rows, heads: F64) -> F64:
        """Return the heads of users with what was `put` since the last call."""
        if not self._put:
            return heads
        places = [place for place, row in enumerate(rows.tolist()) if row in self._put]
        self._put.clear()
        if not places:
            return heads
        heads = heads.copy()
        heads[places] = self.matrix(rows[places])
        return heads

    def forget(self, user_id: str) -> None:
        """Delete a user; the changelog gets a tombstone."""
        row = self.index.pop(user_id)
        phase = _BID.unpack_from(self.values[row], 8 * Column.PHASE)[0]
        self._sample.forget(phase, user_id)
        self.waiting.discard(row)
        self.cases -= _has_case(self.values[row])
        self._vacate(row)
        self._deleted[user_id.encode()] = None

    def first_due_ms(self, at_ms: int) -> int:
        """Return when the first timer of all is due, at most an instant; there must be users."""
        first = float(self.deadlines[: len(self.values)].min(initial=NEVER))
        return int(min(first, float(at_ms)))

    def value(self, user_id: str) -> bytes | None:
        """Return a user's changelog value, or None for an unknown user."""
        row = self.index.get(user_id)
        return self.asleep.get(user_id) if row is None else self.values[row]

    def items(self, fired_ms: float) -> Iterator[tuple[str, bytes]]:
        """Yield user id and value of every user, as they lie in the changelog after a commit."""
        sleepy = set(self._sleepy(fired_ms))
        for user_id, row in self.index.items():
            value = self.values[row]
            yield user_id, packed(value) if row in sleepy else value
        yield from self.asleep.items()

    def take_changed(self, fired_ms: float) -> list[tuple[bytes, bytes | None]]:
        """Return key and value of what changed since the last call; None = deleted.

        Args:
            fired_ms: Every timer up to here has fired; who can sleep does.
        """
        changed: list[tuple[bytes, bytes | None]] = [*self.outdated.items(), *self._deleted.items()]
        changed += self._lull(fired_ms)
        names, values = self.names, self.values
        changed += [(names[row].encode(), values[row]) for row in sorted(self.dirty)]
        self.dirty, self._deleted, self.outdated = set(), {}, {}
        return changed


def _has_case(value: bytes) -> bool:
    return bool(_BID.unpack_from(value, _CASE_AT)[0] > 0.0)
