"""Outages: spans of event time in which the source logged nothing, as a set that can be asked.

An outage [from, to) is no time at all: whoever was silent before it is as silent after it, and no
timer fires in between. An instant asks about what lies before it, so the last *live* instant before
an outage is ``from`` itself and the first one after it is ``to + 1``.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Span = tuple[float, float]
"""Begin and end of an outage, epoch ms UTC; the end is not in it and may be infinite."""

NEVER: Final = float("inf")
DAY: Final = len("2017-05-01")
EXACT: Final = 2**53  # Whole milliseconds are exact in a float64 up to here.


class Outages:
    """Spans, sorted and disjoint, whatever they were when they came.

    Attributes:
        starts: Shape (outages + 1,), epoch ms; the last one is infinite and no outage.
        ends: Shape (outages,), epoch ms.
    """

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        """Args: ``spans``: in any order; they may touch, overlap or be empty."""
        joined: list[list[float]] = []
        for start, end in sorted((float(start), float(end)) for start, end in spans):
            if end <= start:
                continue
            if joined and start <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        self.starts: F64 = np.array([*(start for start, _ in joined), NEVER])
        self.ends: F64 = np.array([end for _, end in joined])
        self._resumes = np.append(self.ends + 1.0, NEVER)
        self._lost = np.concatenate(([0.0], np.cumsum(self.ends - self.starts[:-1])))

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return len(self.ends) > 0

    def lost(self, since_ms: F64, until_ms: F64) -> F64:
        """Return the ms of outage from one instant to a later one, 0 where it is not later.

        Args:
            since_ms: Finite.
            until_ms: Finite, of the same shape.
        """
        lost: F64 = np.maximum(self._before(until_ms) - self._before(since_ms), 0.0)
        return lost

    def _before(self, at_ms: F64) -> F64:
        """Return the ms of outage before instants."""
        place = np.searchsorted(self.ends, at_ms, "left")
        before: F64 = self._lost[place] + np.maximum(at_ms - self.starts[place], 0.0)
        return before

    def until(self, at_ms: F64) -> F64:
        """Return the last live instant before the next outage; infinity when none follows.

        Args:
            at_ms: Live instants.
        """
        until: F64 = self.starts[np.searchsorted(self.ends, at_ms, "left")]
        return until

    def resume(self, at_ms: F64) -> F64:
        """Return the first live instant from ``at_ms`` on; infinity when there is none."""
        place = np.searchsorted(self.ends, at_ms, "left")
        is_dead = self.starts[place] < at_ms
        resumed: F64 = np.where(is_dead, self._resumes[place], at_ms)
        return resumed


def edge_ms(edge: object) -> float:
    """Return the begin or end of an outage as epoch ms.

    Args:
        edge: Epoch ms, a day (its midnight UTC), or an ISO 8601 instant with a zone; each as text
            or as what YAML makes of it. None or empty: infinity.

    Raises:
        ValueError: It is none of these; the message says what would be right.
    """
    match edge:
        case None | "":
            return NEVER
        case bool():
            pass
        case int() if abs(edge) < EXACT:
            return float(edge)
        case str() if edge.isdecimal() and len(edge) > DAY:
            return edge_ms(int(edge))
        case str():
            try:
                return edge_ms(
                    date.fromisoformat(edge) if len(edge) == DAY else datetime.fromisoformat(edge)
                )
            except ValueError:
                pass
        case datetime() if edge.tzinfo is not None:
            return float(round(edge.timestamp() * 1_000))
        case date() if not isinstance(edge, datetime):
            return edge_ms(datetime(edge.year, edge.month, edge.day, tzinfo=UTC))
    raise ValueError(
        f"{edge!s} is no instant: write a day as in 2017-05-01, or an instant with a zone as in "
        "2017-05-01T08:00:00Z"
    )
