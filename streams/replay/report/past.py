"""Every question that matured, as columns in order of time: what all figures are made of."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.feature_list import FEATURES, PLAIN_WIDTH
from models.features import Rhythm
from models.questions import Matured
from streams.core.state import Column
from streams.core.time import DAY_MS

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

KEPT: Final = (Rhythm.FIRST, Rhythm.LAST, Rhythm.GAP_MEAN, Rhythm.ACTIVE_DAYS, Column.VALUE_NET)
"""Columns of a head that figures need."""
SILENCE: Final = [feature.name for feature in FEATURES].index("lrec")
"""The feature that the rule "the longest silence first" goes by."""


class People(NamedTuple):
    """Users at instants, each column of shape (n,).

    Attributes:
        users: Digests of the users.
        at_ms: When they were looked at, epoch ms UTC.
        first_ms: First activity.
        last_ms: Last activity.
        gap: Own mean gap between active days, in units of H/4.
        active_days: Active days so far.
        value_minor: Net value so far, minor units.
    """

    users: NDArray[np.uint64]
    at_ms: F64
    first_ms: F64
    last_ms: F64
    gap: F64
    active_days: F64
    value_minor: F64

    def picked(self, rows: NDArray[np.intp] | Flags) -> "People":
        """Return some of them."""
        columns: Any = (column[rows] for column in self)
        return People(*columns)


class Past(NamedTuple):
    """Matured questions in order of time, each of shape (n,).

    Attributes:
        people: Who was asked about, and when.
        left: Whether there was no activity within H.
        said: P(no activity within H) as it was in force.
        raw: The same before calibration.
        rows: Shape (n, 31): features when they were asked.
        models: Name to what that model said; NaN where it said nothing.
    """

    people: People
    left: Flags
    said: F64
    raw: F64
    rows: NDArray[np.float32]
    models: dict[str, F64]

    @property
    def asked(self) -> int:
        """How many questions there are."""
        return len(self.left)

    @property
    def silence(self) -> F64:
        """How long each user had been silent, on the scale of the feature."""
        return self.rows[:, SILENCE].astype(np.float64)

    @property
    def span_ms(self) -> float:
        """The time from the first question to the last."""
        at_ms = self.people.at_ms
        return float(at_ms[-1] - at_ms[0]) if len(at_ms) else 0.0

    def spans(self, span_ms: float) -> NDArray[np.intp]:
        """Return the number of the period that each question lies in; the first has 0."""
        at_ms = self.people.at_ms
        first = at_ms[0] if len(at_ms) else 0.0
        return ((at_ms - first) // span_ms).astype(np.intp)


def each_of(numbers: NDArray[np.intp]) -> list[tuple[int, slice]]:
    """Return the runs of equal numbers in a sorted array."""
    if not len(numbers):
        return []
    found, starts = np.unique(numbers, return_index=True)
    ends = np.append(starts[1:], len(numbers))
    return [
        (int(number), slice(int(start), int(end)))
        for number, start, end in zip(found, starts, ends, strict=True)
    ]


def people_of(users: NDArray[np.uint64], at_ms: F64, heads: F64) -> People:
    """Return users (n,) in the states of heads (n, >= WIDTH) at instants (n,)."""
    return People(users, at_ms, *(np.ascontiguousarray(heads[:, column]) for column in KEPT))


def past_of(
    history: Sequence[Matured], *, since_ms: float = 0.0, asked_by_ms: float = np.inf
) -> Past:
    """Return the history of a roster that kept it, in order of time.

    Args:
        history: Questions that were answered.
        since_ms: What was asked before is left out.
        asked_by_ms: What was asked later is left out: its answer is not in the log.
    """
    names = list(dict.fromkeys(name for part in history for name in part.models))
    users = _joined([part.users for part in history], np.uint64)
    at_ms = _joined([part.opened_at_ms for part in history])
    order = np.lexsort((users, at_ms))
    order = order[(since_ms <= at_ms[order]) & (at_ms[order] <= asked_by_ms)]
    heads = []
    for part in history:
        assert part.heads is not None, "the roster keeps its history"
        heads.append(part.heads[:, KEPT])
    kept = _joined(heads, width=len(KEPT))[order]
    return Past(
        people=People(users[order], at_ms[order], *np.ascontiguousarray(kept.T)),
        left=_joined([part.churned for part in history], np.bool_)[order],
        said=_joined([part.said for part in history])[order],
        raw=_joined([part.raw for part in history])[order],
        rows=_joined([part.rows[:, :PLAIN_WIDTH] for part in history], np.float32, PLAIN_WIDTH)[
            order
        ],
        models={name: _joined([_said(part, name) for part in history])[order] for name in names},
    )


def _said(part: Matured, name: str) -> F64:
    said = part.models.get(name)
    return np.full(len(part.users), np.nan) if said is None else said


def _joined(parts: Sequence[NDArray], kind: type = np.float64, width: int = 0) -> NDArray:  # type: ignore[type-arg]  # of any kind
    """Return parts as one; nothing, in the right shape, of no part."""
    if not parts:
        return np.empty((0, width) if width else 0, kind)
    return np.concatenate(parts)


def days(ms: float) -> float:
    """Return a span in days."""
    return ms / DAY_MS
