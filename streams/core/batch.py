"""A chunk of inputs as columns, with what each may do to the watermark."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.inputs import (
    Acted,
    Erased,
    FeedbackReceived,
    Input,
    ObservationPaused,
    WatermarkPassed,
)
from streams.core.rhythm_rows import Acts

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

NO_ACT: Final = Acted("", "", 0)
"""Holds the place of an input that is no activity."""


class Sorted(NamedTuple):
    """Inputs sorted out.

    Attributes:
        acts: The activities; what is none has a place there all the same.
        is_act: Which they are.
        marks: Shape (inputs,): the mark that each brings to the clock of its topic, 0 = none.
        words: Place and word of the clocks that the router keeps.
    """

    acts: Sequence[Any]
    is_act: Flags
    marks: F64
    words: Sequence[tuple[int, WatermarkPassed]]


class Batch(NamedTuple):
    """Inputs as columns, each of shape (inputs,).

    Attributes:
        rows: The users' rows; -1 = nobody's.
        is_act: Whether it is an activity.
        bounds: Up to when timers fire before it.
        reached: The watermark before it.
        acts: Activities; what is none has a place there all the same.
    """

    rows: NDArray[np.intp]
    is_act: Flags
    bounds: F64
    reached: F64
    acts: Acts


def sorted_out(inputs: Sequence[Input], at_ms: F64, lateness_ms: int) -> Sorted:
    """Return which inputs are activities, and what each of them says of the clocks.

    Args:
        inputs: In partition order.
        at_ms: Shape (inputs,): their event times, as far as they are believed.
        lateness_ms: How far the mark of their clock stays behind its newest event.
    """
    marks = np.maximum(at_ms - lateness_ms, 0.0)
    if set(map(type, inputs)) == {Acted}:
        return Sorted(inputs, np.ones(len(inputs), np.bool_), marks, ())
    acts = [signal if isinstance(signal, Acted) else NO_ACT for signal in inputs]
    is_act = np.array([act is not NO_ACT for act in acts])
    words: list[tuple[int, WatermarkPassed]] = []
    for place in np.flatnonzero(~is_act).tolist():
        signal = inputs[place]
        if isinstance(signal, WatermarkPassed):
            marks[place] = 0.0 if signal.clock else at_ms[place]
            if signal.clock:
                words.append((place, signal))
        elif isinstance(signal, FeedbackReceived | ObservationPaused | Erased):
            marks[place] = 0.0  # Neither a sender nor an operator is our clock.
    return Sorted(acts, is_act, marks, words)
