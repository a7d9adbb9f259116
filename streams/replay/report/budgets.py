"""What a budget of contacts finds: in each unit of time, those at highest risk."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.core.time import DAY_MS
from streams.replay.report.estimates import Estimate, share
from streams.replay.report.past import Past, each_of

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNITS: Final = (
    ("day", 1, 1_000), ("week", 7, 20), ("month", 30, 20), ("quarter", 91, 20), ("year", 365, 1),
)  # fmt: skip
"""Units in which a budget is counted, their days, and how many customers must be looked at in one;
fewer, and the next is taken."""
BUDGETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
BUDGETS_SHOWN: Final = 6
SHARE_MAX: Final = 0.4
"""A budget for more of the customers than that needs no ranking."""


class Budget(msgspec.Struct, frozen=True):
    """What becomes of a budget of contacts.

    Attributes:
        contacts: Per unit of time.
        of: Share of those looked at.
        contacted: In all.
        leavers: Of them, who left.
        precision: Leavers per contact.
        lift: The same beside contacts by chance.
        found: Share of all leavers that was contacted.
        by_silence: Precision when the longest silent are contacted instead.
    """

    contacts: int
    of: float
    contacted: int
    leavers: int
    precision: Estimate
    lift: float
    found: float
    by_silence: float


def unit_of(past: Past) -> tuple[str, int]:
    """Return the unit of time in which a budget is counted, and its days."""
    per_day = past.asked / max(past.span_ms / DAY_MS, 1.0)
    fits = ((unit, days) for unit, days, least in UNITS if per_day * days >= least)
    return next(fits, UNITS[-1][:2])


def budgets(past: Past, unit_ms: float) -> tuple[Budget, ...]:
    """Return what the contacts of a budget find: in each unit of time, those at highest risk."""
    each = each_of(past.spans(unit_ms))
    per_unit = past.asked / max(len(each), 1)
    sizes = [size for size in BUDGETS if size <= SHARE_MAX * per_unit][-BUDGETS_SHOWN:]
    hits = {name: _hits(said, past.left, each) for name, said in _rankings(past).items()}
    base, gone = float(past.left.mean()), int(np.count_nonzero(past.left))
    out = []
    for size in sizes:
        leavers, contacted = _sum(hits["said"], size)
        precision = share(leavers, contacted)
        if precision is None or not gone:
            continue
        by_silence, _ = _sum(hits["silence"], size)
        out.append(
            Budget(
                contacts=size,
                of=contacted / past.asked,
                contacted=contacted,
                leavers=leavers,
                precision=precision,
                lift=precision.value / base,
                found=leavers / gone,
                by_silence=by_silence / contacted,
            )
        )
    return tuple(out)


def _rankings(past: Past) -> dict[str, F64]:
    return {"said": past.said, "silence": past.silence}


def _hits(said: F64, left: Flags, each: list[tuple[int, slice]]) -> list[NDArray[np.intp]]:
    """Return per unit of time how many left among the first 1, 2, … by a ranking."""
    return [
        np.cumsum(left[pick][np.argsort(-said[pick], kind="stable")], dtype=np.intp)
        for _, pick in each
    ]


def _sum(hits: list[NDArray[np.intp]], size: int) -> tuple[int, int]:
    """Return leavers and contacts of a budget."""
    leavers = sum(int(found[min(size, len(found)) - 1]) for found in hits)
    return leavers, sum(min(size, len(found)) for found in hits)
