"""What came in and whose time has not come: examples, questions, outcomes, in order of event time.

What happens at the same millisecond is ordered by its content, so the order is the only one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.questions import Examples, Openings, Outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.features import F64


class Queue:
    """Three queues.

    Attributes:
        newest_ms: Latest time of what ever came in, epoch ms UTC.
    """

    def __init__(self) -> None:
        self._examples: list[Examples] = []
        self._openings: list[Openings] = []
        self._outcomes: list[Outcomes] = []
        self._earliest: dict[str, float] = {}
        self._in_order: set[str] = set()  # Queues of which the first part is in order of time.
        self.newest_ms = 0

    def put(
        self, examples: Examples | None, openings: Openings | None, outcomes: Outcomes | None
    ) -> None:
        """Add what came in."""
        if examples is not None and len(examples.active):
            self._examples.append(examples)
            self._note("examples", examples.matured_at_ms)
        if openings is not None and len(openings.users):
            self._openings.append(openings)
            self._note("openings", openings.at_ms)
        if outcomes is not None and len(outcomes.users):
            self._outcomes.append(outcomes)
            self._note("outcomes", outcomes.matured_at_ms)

    def _note(self, name: str, at_ms: F64) -> None:
        self._earliest[name] = min(self._earliest.get(name, np.inf), float(at_ms.min()))
        self.newest_ms = max(self.newest_ms, int(at_ms.max()))

    @property
    def earliest_ms(self) -> float | None:
        """When the first of them is; None = nothing waits."""
        return min(self._earliest.values(), default=None)

    def examples_before(self, until_ms: int) -> Examples | None:
        """Return and forget the examples that matured before an instant."""
        found = self._before("examples", self._examples, 1, until_ms)
        if found is None:
            return None
        examples = Examples(*found)
        order = _order(examples)
        return Examples._make(column[order] for column in examples)

    def openings_before(self, until_ms: int) -> Openings | None:
        """Return and forget the questions that were opened before an instant."""
        found = self._before("openings", self._openings, 1, until_ms)
        if found is None:
            return None
        openings = Openings(*found)
        order = np.lexsort((openings.users, openings.at_ms))
        return Openings._make(column[order] for column in openings)

    def outcomes_before(self, until_ms: int) -> Outcomes | None:
        """Return and forget the outcomes that matured before an instant."""
        found = self._before("outcomes", self._outcomes, 2, until_ms)
        if found is None:
            return None
        outcomes = Outcomes(*found)
        order = np.lexsort((outcomes.users, outcomes.matured_at_ms))
        return Outcomes._make(column[order] for column in outcomes)

    def _before(
        self, name: str, queue: list[Any], time: int, until_ms: int
    ) -> list[NDArray[Any]] | None:
        """Split the columns of a queue at an instant; return the earlier part, keep the later.

        What is kept is in order of time, so that it is sorted once however often a part is taken.
        """
        if self._earliest.get(name, np.inf) >= until_ms:
            return None
        if len(queue) > 1 or name not in self._in_order:
            columns = [np.concatenate(parts) for parts in zip(*queue, strict=True)]
            order = np.argsort(columns[time], kind="stable")
            columns = [column[order] for column in columns]
            self._in_order.add(name)
        else:
            columns = list(queue[0])
        at_ms: F64 = columns[time]
        end = int(np.searchsorted(at_ms, until_ms, "left"))
        if end < len(at_ms):
            queue[:] = [type(queue[0])(*(column[end:] for column in columns))]
            self._earliest[name] = float(at_ms[end])
        else:
            queue.clear()
            self._in_order.discard(name)
            del self._earliest[name]
        return [column[:end] for column in columns]


def _order(examples: Examples) -> NDArray[np.intp]:
    """Return the order in which examples mature; those of one millisecond by their content."""
    matured = examples.matured_at_ms
    order = np.argsort(matured, kind="stable")
    equal = np.flatnonzero(np.diff(matured[order]) == 0)
    if len(equal):
        places = np.union1d(equal, equal + 1)
        tied = Examples._make(column[order[places]] for column in examples)
        content = (*tied.rows.T, tied.weight, tied.active, tied.opened_at_ms)
        order[places] = order[places][np.lexsort((*content, tied.matured_at_ms))]
    return order
