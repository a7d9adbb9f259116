"""Scorers one after the other: each row is scored by the one that was in force at its instant."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from models.by_turns import ByTurns, by_turns
from streams.core.scoring import F64, Reasons, Rows, Scorer

Answer = TypeVar("Answer", F64, list[Reasons])


class Timeline:
    """A scorer that changes while a slice of a log is run, so that the slice need not be cut.

    Whether alerts may rest on it is the same for all its scorers.

    Args:
        since_ms: Shape (scorers,): when each came into force, epoch ms UTC; the first is -inf.
        scorers: They.
    """

    def __init__(self, since_ms: Sequence[float], scorers: Sequence[Scorer]) -> None:
        assert len(since_ms) == len(scorers), "every scorer came into force once"
        assert since_ms[0] == -np.inf, "some scorer is in force at every instant"
        self.since_ms, self.scorers = list(since_ms), list(scorers)
        self.version, self.examples = scorers[0].version, scorers[0].examples
        self.may_alert = scorers[0].may_alert
        # What is scored at an instant of change is scored by the new one, as instants are whole ms.
        self._edges = np.array(self.since_ms[1:]) - 1.0

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        """Return P(active within the next period), shape (users,)."""
        return self._numbers(lambda scorer, rows: scorer.hazard(heads[rows], at_ms[rows]), at_ms)

    def reach(self, heads: F64, at_ms: F64) -> F64:
        """Return P(this silence reaches H), shape (users,)."""
        if self._at_once is not None:
            return self._at_once.reach(self._places(at_ms), heads, at_ms)
        return self._numbers(lambda scorer, rows: scorer.reach(heads[rows], at_ms[rows]), at_ms)

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        """Return P(no activity within the next H), shape (users,)."""
        return self._numbers(lambda scorer, rows: scorer.quiet(heads[rows], at_ms[rows]), at_ms)

    def explain(self, heads: F64, at_ms: F64) -> list[Reasons]:
        """Return per user (feature group, weight), toward leaving first, and the base."""
        found: list[Reasons] = [()] * len(at_ms)
        for scorer, rows in self._runs(at_ms):
            for row, why in zip(
                rows.tolist(), scorer.explain(heads[rows], at_ms[rows]), strict=True
            ):
                found[row] = why
        return found

    @cached_property
    def _at_once(self) -> ByTurns | None:
        return by_turns(self.scorers)

    def _places(self, at_ms: F64) -> Rows:
        """Return the number of the scorer of each instant."""
        return np.searchsorted(self._edges, at_ms, "left")

    def _numbers(self, ask: Callable[[Scorer, Rows], F64], at_ms: F64) -> F64:
        out = np.empty(len(at_ms))
        for scorer, rows in self._runs(at_ms):
            out[rows] = ask(scorer, rows)
        return out

    def _runs(self, at_ms: F64) -> list[tuple[Scorer, Rows]]:
        """Return each scorer with the rows of its time."""
        if not len(at_ms):
            return []
        place = self._places(at_ms)
        order = np.argsort(place, kind="stable")
        found, starts = np.unique(place[order], return_index=True)
        parts = np.split(order, starts[1:])
        return [(self.scorers[at], rows) for at, rows in zip(found.tolist(), parts, strict=True)]


class Part(NamedTuple):
    """A timeline of which alerts may rest on all scorers or on none.

    Attributes:
        scorer: It.
        until_ms: The first instant at which it is over; None = it is the last.
    """

    scorer: Timeline
    until_ms: int | None


def parts(timeline: Timeline, examples_min: int) -> list[Part]:
    """Cut a timeline where it changes whether alerts may rest on it.

    Args:
        timeline: Scorers of a slice.
        examples_min: From so many examples on a model is listened to.
    """
    ready = [s.may_alert and s.examples >= examples_min for s in timeline.scorers]
    borders = [n for n in range(1, len(ready)) if ready[n] != ready[n - 1]]
    found: list[Part] = []
    for begin, end in zip([0, *borders], [*borders, len(ready)], strict=True):
        since_ms = [-np.inf, *timeline.since_ms[begin + 1 : end]]
        until_ms = None if end == len(ready) else int(timeline.since_ms[end])
        found.append(Part(Timeline(since_ms, timeline.scorers[begin:end]), until_ms))
    return found
