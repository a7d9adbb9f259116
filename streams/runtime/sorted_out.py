"""What the records of a chunk came to, sorted: inputs, what was rejected, what was skipped."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from streams.core.decoded import Rejected, Several, Skipped, inputs_of
from streams.core.inputs import Input
from streams.core.signals import Signals, kinds_of, odd_of

NOT_ONE: Final = frozenset({Rejected, Skipped, Several})


def sorted_out(
    decoded: Sequence[Any], reject: Callable[[Rejected, int], object]
) -> tuple[Sequence[Input], Sequence[int], Counter[str]]:
    """Return inputs, the place in the chunk of each, and how many records were skipped, by reason.

    Args:
        decoded: What each record came to.
        reject: Called with what was rejected, and its place.
    """
    skipped: Counter[str] = Counter()
    if NOT_ONE.isdisjoint(kinds_of(decoded)):
        return decoded, range(len(decoded)), skipped
    none: set[int] = set()
    for place, signal in odd_of(decoded):
        if isinstance(signal, Rejected):
            reject(signal, place)
            none.add(place)
        elif isinstance(signal, Skipped):
            skipped[signal.reason] += 1
            none.add(place)
    if isinstance(decoded, Signals) and Several not in decoded.kinds:
        kept = np.delete(np.arange(len(decoded)), list(none))
        return decoded.only(kept), kept.tolist(), skipped
    inputs: list[Input] = []
    places: list[int] = []
    for place, signal in enumerate(decoded):
        if place not in none:
            found = inputs_of(signal)
            inputs += found
            places += [place] * len(found)
    return inputs, places, skipped
