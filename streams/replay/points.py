"""Points of a back-test: who is to be scored when, and what was said."""

import csv
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Final, NamedTuple, Self

import numpy as np

from streams.core.scoring import F64
from streams.errors import UserError
from streams.replay.instants import BadInstantError, instant_ms
from streams.replay.opening import opened

HINT: Final = "points are a csv with the columns user_id,at"


class Point(NamedTuple):
    """One point: a user, an instant, and the instant as it was written."""

    user_id: str
    at_ms: int
    at: str


class Points:
    """The points of a file.

    Attributes:
        rows: In the order of the file.
        instants: All instants, earliest first, each once.
    """

    def __init__(self, rows: list[Point]) -> None:
        self.rows = rows
        self.said: F64 = np.full(len(rows), np.nan)
        self.recency_ms: F64 = np.full(len(rows), np.nan)
        self._at: defaultdict[int, list[int]] = defaultdict(list)
        for place, point in enumerate(rows):
            self._at[point.at_ms].append(place)
        self.instants = sorted(self._at)

    def places_at(self, at_ms: int) -> list[int]:
        """Return the places of the points of one instant."""
        return self._at.get(at_ms, [])

    def after(self, at_ms: int) -> int | None:
        """Return the first instant after another, or None."""
        place = bisect_right(self.instants, at_ms)
        return self.instants[place] if place < len(self.instants) else None

    def write(self, path: str) -> int:
        """Write the scores that were said, as ``user_id,at,probability``; return how many."""
        with Results(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["user_id", "at", "probability"])
            count = 0
            for point, said in zip(self.rows, self.said.tolist(), strict=True):
                if said == said:  # noqa: PLR0124 (only NaN differs from itself)
                    writer.writerow([point.user_id, point.at, repr(said)])
                    count += 1
        return count


def read_points(path: str) -> Points:
    """Read a file of points.

    Raises:
        UserError: It cannot be read, or a row is no point.
    """
    rows: list[Point] = []
    with opened(path) as source:
        reader = csv.reader(source.text)
        header = [name.strip() for name in next(reader, [])]
        if "user_id" not in header or "at" not in header:
            raise UserError(f"{path}, line 1: no columns user_id and at", HINT)
        user, at = header.index("user_id"), header.index("at")
        for row in reader:
            if not row:
                continue
            try:
                rows.append(Point(row[user], instant_ms(row[at]), row[at]))
            except (IndexError, BadInstantError) as error:
                what = f"{path}, line {reader.line_num}: {error}"
                raise UserError(what, HINT) from None
    if not rows:
        raise UserError(f"{path}: there is no point in it", HINT)
    return Points(rows)


class Results:
    """A text file of results, open for writing; whatever goes wrong is said in words.

    Args:
        path: Where it lies.
        mode: As of ``open``.

    Raises:
        UserError: It cannot be written; also later, when the disk is full.
    """

    def __init__(self, path: str, mode: str = "w") -> None:
        self.path = path
        with self._explained():
            self._file: IO[str] = open(path, mode, encoding="utf-8", newline="")  # noqa: PTH123, SIM115 (closed by `__exit__`)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left, and close."""
        with self._explained():
            self._file.close()

    def write(self, text: str) -> int:
        """Write a text."""
        with self._explained():
            return self._file.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts, which bring their line ends."""
        with self._explained():
            self._file.writelines(lines)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = f"{self.path} cannot be written: {error.strerror}"
            raise UserError(said, "choose another place") from None


def check_writable(*paths: str | None) -> None:
    """Find out before a long run whether its results can be written; None is no path.

    Raises:
        UserError: One cannot be written.
    """
    for path in paths:
        if path is not None:
            with Results(path, mode="a"):
                pass
