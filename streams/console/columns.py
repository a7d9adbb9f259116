"""Who is at risk, as columns in memory: any filter and any page of a million users at once.

SQLite keeps the rows; a filter over several of its columns would read most of a million of them.
Here each is one number in an array, so a filter is a few passes over some megabytes.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

DIMENSIONS: Final = ("band", "tier", "quadrant", "source", "cohort", "reason", "playbook")
"""What can be filtered by."""
QUADRANTS: Final = ("important_urgent", "important_calm", "ordinary_urgent", "ordinary_calm")
GROW: Final = 4_096
PART: Final = 20_000
"""Rows that are loaded together."""
LOSS_MAX: Final = 1 << 40
"""Above so many minor units nobody comes before anybody else."""
IDS_MAX: Final = 500
"""Users that one statement asks for."""

_QUERY: Final = (
    "SELECT id, band, tier, quadrant, source, cohort, "
    "CASE instr(reasons, ',') WHEN 0 THEN reasons ELSE substr(reasons, 1, instr(reasons, ',') - 1) "
    "END, playbook, loss, COALESCE(probability, risk), user_id FROM users"
)


class Cell(NamedTuple):
    """Users of a quadrant: how many, and the sum of what is expected to be lost, minor units."""

    users: int
    loss: int


class Found(NamedTuple):
    """A page of those whom a filter finds.

    Attributes:
        ids: Numbers of the users, the largest expected loss first.
        users: How many the filter finds in all.
        loss: What is expected to be lost with them, minor units.
        quadrants: The same by quadrant.
    """

    ids: list[int]
    users: int
    loss: int
    quadrants: dict[str, Cell]


class AtRisk:
    """The columns of all users whose risk is not calm."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._clear()

    def _clear(self) -> None:
        self._size = 0
        self._places: dict[int, int] = {}
        self._free: list[int] = []
        self._ids = np.zeros(0, np.int64)
        self._loss = np.zeros(0, np.int64)
        self._probability = np.zeros(0, np.float32)
        self._codes = {name: np.zeros(0, np.uint16) for name in DIMENSIONS}
        self._words: dict[str, dict[str, int]] = {name: {} for name in DIMENSIONS}
        self._counts: dict[str, dict[int, int]] = {name: {} for name in DIMENSIONS}

    def __len__(self) -> int:
        """Return how many users are at risk."""
        return len(self._places)

    def load(self, db: sqlite3.Connection) -> None:
        """Take all users at risk from the read model."""
        rows = db.execute(f"{_QUERY} WHERE band > 0")
        with self._lock:
            self._clear()
            while part := rows.fetchmany(PART):
                self._append(part)
            for name in DIMENSIONS:
                found = np.bincount(self._codes[name][: self._size])
                self._counts[name] = {code: count for code, count in enumerate(found.tolist())
                                      if count}  # fmt: skip

    def refresh(self, db: sqlite3.Connection, user_ids: Iterable[str]) -> None:
        """Take the newest of some users; who is gone, or calm, is taken out."""
        wanted = list(user_ids)
        for begin in range(0, len(wanted), IDS_MAX):
            part = wanted[begin : begin + IDS_MAX]
            marks = ",".join("?" * len(part))
            rows = db.execute(f"{_QUERY} WHERE user_id IN ({marks})", part).fetchall()
            with self._lock:
                for row in rows:
                    self._put(row) if row[1] else self._take_out(row[0])

    def forget(self, ids: Iterable[int]) -> None:
        """Take users out whose rows are gone."""
        with self._lock:
            for number in ids:
                self._take_out(number)

    def missing(self, db: sqlite3.Connection) -> list[int]:
        """Return the numbers of users who stand here and have no row any more."""
        left = {row[0] for row in db.execute("SELECT id FROM users WHERE band > 0")}
        with self._lock:
            return [number for number in self._places if number not in left]

    def words(self, dimension: str) -> list[str]:
        """Return the values of a dimension that somebody at risk has, most frequent first."""
        with self._lock:
            counts = self._counts[dimension]
            known = [(counts.get(code, 0), word) for word, code in self._words[dimension].items()]
        return [word for count, word in sorted(known, key=lambda it: (-it[0], it[1])) if count]

    def find(self, chosen: Mapping[str, Sequence[str]], begin: int, limit: int) -> Found:
        """Return a page of those who have one of the chosen values in every dimension.

        Args:
            chosen: Dimension to values; one without values does not choose.
            begin: So many users stand before the page.
            limit: Users on the page.
        """
        with self._lock:
            size = self._size
            mask = self._codes["band"][:size] > 0
            for name, values in chosen.items():
                if values:
                    mask &= self._chosen(name, values)
            rows = np.flatnonzero(mask)
            loss = self._loss[rows]
            page = _largest(loss, begin, limit)
            cells = self._cells(rows, loss)
            ids = self._ids[rows[page]].tolist()
        total = int(loss.sum()) if len(loss) else 0
        return Found(ids, len(rows), total, cells)

    def probabilities(self) -> tuple[NDArray[np.float32], I64]:
        """Return probability and expected loss of all users at risk, shape (users,) both."""
        with self._lock:
            rows = np.flatnonzero(self._codes["band"][: self._size] > 0)
            return self._probability[rows], self._loss[rows]

    def _chosen(self, name: str, values: Sequence[str]) -> NDArray[np.bool_]:
        codes = self._codes[name][: self._size]
        known = [self._words[name][value] for value in values if value in self._words[name]]
        if len(known) == 1:
            return np.equal(codes, known[0])
        return np.isin(codes, np.array(known, np.uint16))

    def _cells(self, rows: NDArray[np.intp], loss: I64) -> dict[str, Cell]:
        codes = self._codes["quadrant"][rows]
        found = {}
        for name in QUADRANTS:
            code = self._words["quadrant"].get(name)
            mine = np.equal(codes, -1 if code is None else code)
            found[name] = Cell(int(np.count_nonzero(mine)), int(loss[mine].sum()))
        return found

    def _put(self, row: tuple[Any, ...]) -> None:
        number = row[0]
        place = self._places.get(number)
        if place is None:
            place = self._room()
            self._places[number] = place
            self._ids[place] = number
        else:
            self._count(place, -1)
        for name, value in zip(DIMENSIONS, row[1:8], strict=True):
            words = self._words[name]
            # The code 0 is nobody's, so that a place that is free has no band.
            self._codes[name][place] = words.setdefault(str(value), len(words) + 1)
        self._loss[place], self._probability[place] = row[8], row[9]
        self._count(place, 1)

    def _append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Take users who are not there yet, all at once; they are not counted."""
        begin, end = self._size, self._size + len(rows)
        self._grow(end)
        columns = list(zip(*rows, strict=True))
        self._ids[begin:end], self._loss[begin:end] = columns[0], columns[8]
        self._probability[begin:end] = columns[9]
        for name, values in zip(DIMENSIONS, columns[1:8], strict=True):
            words = self._words[name]
            for value in set(values):
                words.setdefault(str(value), len(words) + 1)
            codes = {value: words[str(value)] for value in set(values)}
            self._codes[name][begin:end] = [codes[value] for value in values]
        self._places |= {number: begin + place for place, number in enumerate(columns[0])}
        self._size = end

    def _take_out(self, number: int) -> None:
        place = self._places.pop(number, None)
        if place is not None:
            self._count(place, -1)
            self._codes["band"][place] = 0
            self._loss[place] = 0
            self._free.append(place)

    def _count(self, place: int, by: int) -> None:
        for name in DIMENSIONS:
            code, counts = int(self._codes[name][place]), self._counts[name]
            counts[code] = counts.get(code, 0) + by

    def _room(self) -> int:
        if self._free:
            return self._free.pop()
        self._grow(self._size + 1)
        self._size += 1
        return self._size - 1

    def _grow(self, least: int) -> None:
        if least <= len(self._ids):
            return
        more = least + max(GROW, least // 4)
        self._ids = np.resize(self._ids, more)
        self._loss = np.resize(self._loss, more)
        self._probability = np.resize(self._probability, more)
        self._codes = {name: np.resize(codes, more) for name, codes in self._codes.items()}


def _largest(loss: I64, begin: int, limit: int) -> NDArray[np.intp]:
    """Return the places of a page in falling order; equal losses stay in the order of the rows.

    Only the page is sorted, so a late one costs what the first does.
    """
    count = len(loss)
    end = min(begin + limit, count)
    if begin >= end:
        return np.zeros(0, np.intp)
    keys = np.minimum(loss, LOSS_MAX) * -count + np.arange(count)  # No two are equal.
    page = np.argpartition(keys, (begin, end - 1))[begin:end]
    return page[np.argsort(keys[page])]
