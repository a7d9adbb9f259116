"""Can the percentages be believed: what was said beside what was seen."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.calibration import ece, ece_floor, reliability
from streams.replay.report.estimates import BINS, Estimate, share
from streams.replay.report.past import Past

ROWS_MIN = 100
"""Fewer questions fill no bins."""


class Bin(msgspec.Struct, frozen=True):
    """A tenth of the questions: mean of what was said, share that left."""

    said: float
    seen: Estimate
    asked: int


class Belief(msgspec.Struct, frozen=True):
    """How far what is said is what happens.

    Attributes:
        cannot_say: Why there are no figures; empty if there are.
        said: Mean of what was said.
        seen: Share that left.
        ece: Mean distance over bins of equal mass.
        ece_floor: What a perfect model would show on as many questions.
        ece_raw: The same before calibration.
        bins: Lowest first.
    """

    cannot_say: str = ""
    said: float | None = None
    seen: float | None = None
    ece: float | None = None
    ece_floor: float | None = None
    ece_raw: float | None = None
    bins: tuple[Bin, ...] = ()


def belief(past: Past) -> Belief:
    """Return how what was in force is calibrated."""
    if past.asked < ROWS_MIN:
        return Belief(
            f"only {past.asked:,} questions were answered, at least {ROWS_MIN} are needed"
        )
    return Belief(
        said=float(past.said.mean()),
        seen=float(past.left.mean()),
        ece=ece(past.said, past.left),
        ece_floor=ece_floor(past.said),
        ece_raw=ece(past.raw, past.left),
        bins=bins(past.said, past.left),
    )


def bins(said: NDArray[np.float64], left: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Return what was said and seen by tenths."""
    found = []
    for part in reliability(said, left, BINS):
        seen = share(round(part.seen * part.rows), part.rows)
        assert seen is not None
        found.append(Bin(part.said, seen, part.rows))
    return tuple(found)
