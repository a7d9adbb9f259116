"""The models: how good they are, how they stand, and what a threshold would mean."""

from typing import Final, TypeVar

import msgspec
import numpy as np

from models.board import SERVED
from models.roster_records import ANSWERS, SERVING, Answers
from models.snapshot import Serving, SnapshotRefused, load
from models.standing import REPORT, Report
from streams.console.views.asked import Book
from streams.console.views.recall import contact_cost
from streams.core.time import DAY_MS

Kind = TypeVar("Kind", bound=msgspec.Struct)

STEPS: Final = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Thresholds that are shown."""
ROWS_MIN: Final = 50
"""Of fewer outcomes nothing is said."""


class Threshold(msgspec.Struct, frozen=True):
    """What alerting from a probability on would mean.

    Attributes:
        at: The probability.
        precision: Share of those above it that left; None = nobody was above it.
        recall: Share of those who left that were above it.
        users: At risk now, at or above it.
        loss: Expected loss with them, minor units.
        cost: Of contacting each of them as users are contacted now, minor units.
        per_day: Users that would come above it a day, as of the last days.
    """

    at: float
    precision: float | None
    recall: float | None
    users: int
    loss: int
    cost: int
    per_day: float


class Quality(msgspec.Struct, frozen=True):
    """The page.

    Attributes:
        report: How the models stand, as the learner says; None = it has not said anything.
        refused: Why what it wrote is not believed; empty = it is, or there is nothing.
        written_ms: When it said so, epoch ms UTC.
        thresholds: What each would mean; empty = too few outcomes are known.
        in_force: The threshold of the rules.
        outcomes: Behind precision and recall.
    """

    report: Report | None
    refused: str
    written_ms: int
    thresholds: tuple[Threshold, ...]
    in_force: float
    outcomes: int


def quality(book: Book) -> Quality:
    """Return the page."""
    refused, report, at_ms = "", None, 0
    try:
        report = _read(book, REPORT, Report)
        row = book.db.execute("SELECT at_ms FROM models WHERE key = ?", (REPORT,)).fetchone()
        at_ms = row[0] if row else 0
    except SnapshotRefused as error:
        refused = error.reason.value
    thresholds, outcomes = _thresholds(book)
    return Quality(report, refused, at_ms, thresholds, book.rules.alert.probability, outcomes)


def serving_of(book: Book) -> Serving | None:
    """Return what is in force; None = nothing is yet.

    Raises:
        SnapshotRefused: It was signed by somebody else.
    """
    return _read(book, SERVING, Serving)


def _read(book: Book, key: str, kind: type[Kind]) -> Kind | None:
    row = book.db.execute("SELECT value FROM models WHERE key = ?", (key,)).fetchone()
    return None if row is None else load(row[0], book.model_keys, kind)


def _thresholds(book: Book) -> tuple[tuple[Threshold, ...], int]:
    try:
        answers = _read(book, ANSWERS, Answers)
    except SnapshotRefused:
        answers = None
    if answers is None or SERVED not in answers.said:
        return (), 0
    said = np.frombuffer(answers.said[SERVED], "<f8")
    left = np.frombuffer(answers.happened, "u1") != 0
    weight = np.frombuffer(answers.weight, "<f8")
    if not len(said) == len(left) == len(weight) or len(said) < ROWS_MIN:
        return (), len(said)
    risk, loss = book.at_risk.probabilities()
    since_ms = book.since_ms(28)
    peaks = np.array([row[0] for row in book.db.execute(
        "SELECT max(probability) FROM moves WHERE at_ms > ? AND band != 'calm' "
        "GROUP BY user_id", (since_ms,))])  # fmt: skip
    days = max(1.0, (book.now_ms() - since_ms) / DAY_MS)
    cost = contact_cost(book).get(("", ""), 0.0)
    gone = float(weight[left].sum())
    found = []
    for at in STEPS:
        above, now_above = said >= at, risk >= at
        alerted = float(weight[above].sum())
        hits = float(weight[above & left].sum())
        users = int(np.count_nonzero(now_above))
        found.append(Threshold(
            at=at, precision=hits / alerted if alerted else None,
            recall=hits / gone if gone else None, users=users,
            loss=int(loss[now_above].sum()), cost=round(users * cost),
            per_day=float(np.count_nonzero(peaks >= at)) / days,
        ))  # fmt: skip
    return tuple(found), len(said)
