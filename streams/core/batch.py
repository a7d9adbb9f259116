"""A chunk of inputs as columns, with what each may do to the watermark."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.inputs import Erased, FeedbackReceived, ObservationPaused, WatermarkPassed
from streams.core.rhythm_rows import Acts
from streams.core.signals import Signals

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

Words = Sequence[tuple[int, WatermarkPassed]]
"""Place and word of the clocks that the router keeps."""


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


def marks_of(signals: Signals, at_ms: F64, lateness_ms: int) -> tuple[F64, Words]:
    """Return what inputs say of the clocks: the mark that each brings to the clock of its topic.

    Args:
        signals: In partition order.
        at_ms: Shape (inputs,): their event times, as far as they are believed.
        lateness_ms: How far the mark of their clock stays behind its newest event.

    Returns:
        Marks, shape (inputs,), 0 = none; and what is said of other clocks.
    """
    marks = np.maximum(at_ms - lateness_ms, 0.0)
    words: list[tuple[int, WatermarkPassed]] = []
    for place, signal in signals.odd.items():
        if isinstance(signal, WatermarkPassed):
            marks[place] = 0.0 if signal.clock else at_ms[place]
            if signal.clock:
                words.append((place, signal))
        elif isinstance(signal, FeedbackReceived | ObservationPaused | Erased):
            marks[place] = 0.0  # Neither a sender nor an operator is our clock.
    return marks, words
