"""A chunk of inputs as columns, with what each may do to the watermark."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.inputs import Acted, FeedbackReceived, Input, ObservationPaused, WatermarkPassed
from streams.core.rhythm_rows import Acts

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

NO_ACT: Final = Acted("", "", 0)
"""Holds the place of an input that is no activity."""


class Batch(NamedTuple):
    """Inputs as columns, each of shape (inputs,).

    Attributes:
        rows: The users' rows; -1 = nobody's.
        is_act: Whether it is an activity.
        bounds: Up to when timers fire before it.
        acts: Activities; what is none has a place there all the same.
    """

    rows: NDArray[np.intp]
    is_act: Flags
    bounds: F64
    acts: Acts


def sorted_out(
    inputs: Sequence[Input], at_ms: F64, lateness_ms: int
) -> tuple[Sequence[Any], Flags, F64]:
    """Return the activities among inputs, which they are, and the watermark that each brings.

    Args:
        inputs: In partition order.
        at_ms: Shape (inputs,): their event times.
        lateness_ms: How far the watermark stays behind the newest event.
    """
    marks = at_ms - lateness_ms
    if set(map(type, inputs)) == {Acted}:
        return inputs, np.ones(len(inputs), np.bool_), marks
    acts = [signal if isinstance(signal, Acted) else NO_ACT for signal in inputs]
    is_act = np.array([act is not NO_ACT for act in acts])
    for place in np.flatnonzero(~is_act).tolist():
        if isinstance(inputs[place], WatermarkPassed):
            marks[place] = at_ms[place]
        elif isinstance(inputs[place], FeedbackReceived | ObservationPaused):
            marks[place] = 0.0  # Neither a sender nor an operator is our clock.
    return acts, is_act, marks
