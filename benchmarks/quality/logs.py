"""Event logs as the grader sees them: read, cut, dealt out by chance. No code of the product."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

DAY_MS = 86_400_000


class Log(NamedTuple):
    """Events in the order of the file, which is that of time.

    Attributes:
        names: User ids, in the order in which they came.
        users: Shape (n,), places in ``names``.
        at_ms: Shape (n,), epoch ms UTC.
    """

    names: list[str]
    users: np.ndarray
    at_ms: np.ndarray


class Days(NamedTuple):
    """Active days of users, sorted by user and day; day 0 is the first of the log.

    Attributes:
        names: User ids.
        users: Shape (n,).
        days: Shape (n,).
        events: Shape (n,): events of the user on the day.
        first_day: Day 0 as days since 1970.
    """

    names: list[str]
    users: np.ndarray
    days: np.ndarray
    events: np.ndarray
    first_day: int


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a text that may be compressed."""
    with (
        gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file
    ):
        yield file


def read_log(path: Path) -> Log:
    """Read a log of user_id,ts,event,amount."""
    names: dict[str, int] = {}
    users, stamps = [], []
    with opened(path) as lines:
        rows = csv.reader(lines)
        head = next(rows)
        user, ts = head.index("user_id"), head.index("ts")
        for row in rows:
            users.append(names.setdefault(row[user], len(names)))
            stamps.append(row[ts])
    return Log(list(names), np.array(users), instants_ms(stamps))


def instants_ms(texts: list[str]) -> np.ndarray:
    """Return instants like ``2017-01-31T18:30:00Z`` as epoch ms."""
    return np.array([text.rstrip("Z") for text in texts], "datetime64[ms]").astype(np.int64)


def stamp(at_ms: int) -> str:
    """Return an instant as text, whole seconds."""
    return f"{np.datetime64(at_ms // 1_000, 's')}Z"


def days_of(log: Log) -> Days:
    """Return the active days of the users of a log."""
    day = log.at_ms // DAY_MS
    first = int(day.min())
    stride = int(day.max()) - first + 1
    keys, events = np.unique(log.users * stride + (day - first), return_counts=True)
    return Days(log.names, keys // stride, keys % stride, events, first)


def cut(path: Path, until: str, out: Path) -> None:
    """Write the rows of a log that lie before an instant (text order is that of time)."""
    with opened(path) as lines, out.open("w", newline="") as file:
        rows, writer = csv.reader(lines), csv.writer(file)
        head = next(rows)
        writer.writerow(head)
        ts = head.index("ts")
        writer.writerows(row for row in rows if row[ts] < until)


def deal(path: Path, out: Path) -> None:
    """Write a log with the same times and amounts, its users drawn by chance: nothing is in it."""
    with opened(path) as lines:
        head, *body = csv.reader(lines)
    column = head.index("user_id")
    users = list(dict.fromkeys(row[column] for row in body))
    drawn = np.random.default_rng(1).integers(0, len(users), len(body)).tolist()
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row, place in zip(body, drawn, strict=True):
            row[column] = users[place]
            writer.writerow(row)
