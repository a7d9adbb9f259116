"""Producers with wrong clocks: which of their events are not applied, and what is said of them."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.decoded import RejectReason
from streams.core.time import HOUR_MS, iso

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

FUTURE_MAX_MS: Final = HOUR_MS
"""A producer's clock may be wrong by this much; more, and the timers would fire too soon."""


class Refused(NamedTuple):
    """An input that is not applied, for its clock is wrong.

    Attributes:
        place: Of the input in its chunk.
    """

    place: int
    reason: RejectReason
    detail: str


def future(at_ms: F64, marks: F64, told_ms: int) -> Flags:
    """Return which inputs lie beyond the present, as told; none of them is a mark any more.

    Args:
        at_ms: Shape (inputs,): event times.
        marks: Shape (inputs,): the mark that each brings; changed.
        told_ms: What time it is; 0 = there is only event time.
    """
    if not told_ms:
        return np.zeros(len(at_ms), np.bool_)
    is_future: Flags = (marks > 0.0) & (at_ms > told_ms + FUTURE_MAX_MS)
    marks[is_future] = 0.0
    return is_future


def too_old(at_ms: F64, heard: F64, limit_ms: int) -> Flags:
    """Return which events are older than the newest of their topic by the limit and its lateness.

    Args:
        at_ms: Shape (inputs,): event times.
        heard: Shape (inputs + 1,): how far the topic had come before each, and after the last.
        limit_ms: 2H.
    """
    is_old: Flags = at_ms < heard[:-1] - limit_ms
    return is_old


def refused(is_future: Flags, is_old: Flags, at_ms: F64, heard: F64, place: int) -> list[Refused]:
    """Say what is wrong with inputs, of which the first stands at a place."""
    found = []
    for at in np.flatnonzero(is_future | is_old).tolist():
        said = f"event time {iso(at_ms[at])}"
        if is_future[at]:
            detail = f"{said}, more than an hour after the present"
            found.append(Refused(place + at, RejectReason.FUTURE, detail))
        else:
            detail = f"{said}, the topic has come to {iso(heard[at])}"
            found.append(Refused(place + at, RejectReason.TOO_OLD, detail))
    return found
