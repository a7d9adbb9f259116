"""Which inputs of a chunk are applied, and how far they bring the clocks of their partition."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core import wrong_clocks
from streams.core.batch import marks_of
from streams.core.clocks import Clocks
from streams.core.signals import Signals
from streams.core.wrong_clocks import Refused

F64 = NDArray[np.float64]


class Admitted(NamedTuple):
    """Inputs that are applied, in order.

    Attributes:
        signals: They.
        reached: Shape (inputs + 1,): the watermark before the first, and after each.
        refused: Those that are not applied: their clocks are wrong.
    """

    signals: Signals
    reached: F64
    refused: list[Refused]


def admitted(
    signals: Signals,
    arrived_ms: Sequence[int],
    clocks: Clocks,
    clock: str | None,
    watermark_ms: int,
    *,
    limit_ms: int,
    place: int,
) -> Admitted:
    """Move the clocks by inputs, and leave out those whose own are wrong.

    Args:
        signals: A part of the inputs of a chunk.
        arrived_ms: Record timestamp of each, beyond which it moves no clock; empty = not known.
        clocks: Of the partition; changed.
        clock: The clock of the topic; None = it has none.
        watermark_ms: Reached before.
        limit_ms: So far behind its topic an event may be.
        place: Of the first of them in the chunk.
    """
    at_ms = signals.acts.at_ms
    clock_ms = np.minimum(at_ms, arrived_ms) if arrived_ms else at_ms
    marks, words = marks_of(signals, clock_ms, clocks.lateness(clock))
    if clock is None:
        marks[:] = 0.0
    is_future = wrong_clocks.future(at_ms, marks, clocks.told_ms)
    reached, heard = clocks.reach(clock, marks, words, watermark_ms)
    is_old = signals.is_act & wrong_clocks.too_old(at_ms, heard, limit_ms)
    is_wrong = is_future | is_old
    if not is_wrong.any():
        return Admitted(signals, reached, [])
    refused = wrong_clocks.refused(is_future, is_old, at_ms, heard, place)
    kept = np.flatnonzero(~is_wrong)
    reached = reached[np.concatenate(([0], kept + 1))]
    return Admitted(signals.only(kept), reached, refused)
