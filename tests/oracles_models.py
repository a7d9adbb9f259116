"""Slow twins of the models: the same formulas, one user at a time, in plain Python."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from models.features import Rhythm

if TYPE_CHECKING:
    from collections.abc import Sequence

EDGES: Final = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 32.0)
PRIOR: Final = (0.45, 0.12, 0.12, 0.10, 0.08, 0.06, 0.07)


def gaps_longer(head: Sequence[float], silence: float) -> float:
    """Return S(silence): the weight of gaps longer than a silence in units of U."""
    total = 0.0
    for j in range(7):
        weight = head[Rhythm.GAP_0 + j] + 2 * PRIOR[j]
        low, high = EDGES[j], EDGES[j + 1]
        if silence <= low:
            total += weight
        elif silence < high:
            total += weight * (high - silence) / (high - low)
    return total


def features_of(head: Sequence[float], at_ms: float, horizon_ms: float) -> list[float]:
    """Return the 31 features of one user, formula by formula."""
    unit_ms = horizon_ms / 4
    recency_ms = max(at_ms - head[Rhythm.LAST], 0.0)
    rec, ten = recency_ms / unit_ms, (at_ms - head[Rhythm.FIRST]) / unit_ms
    span = (head[Rhythm.LAST] - head[Rhythm.FIRST]) / unit_ms
    nd = head[Rhythm.ACTIVE_DAYS]

    def decayed(column: int, of_horizon: float) -> float:
        return head[column] * math.exp(-math.log(2) * recency_ms / (of_horizon * horizon_ms))

    day_sums = {
        h: decayed(c, h) for c, h in zip(range(3, 10), (1 / 30, 0.1, 0.5, 1, 2, 4, 8), strict=True)
    }
    mlg, mg = head[Rhythm.GAP_LOG_MEAN], head[Rhythm.GAP_MEAN]
    slg = math.sqrt(max(head[Rhythm.GAP_LOG_SQUARE] - mlg**2, 0.05))
    z = min(6.0, (math.log(max(rec, 0.02)) - mlg) / slg)
    pr = 1 - (gaps_longer(head, rec + 1) + 0.1) / (gaps_longer(head, rec) + 0.15)
    lpr = math.log((pr + 0.01) / (1.01 - pr))
    slot_ms = horizon_ms / 32
    passed = max(0, math.floor(at_ms / slot_ms) - math.floor(head[Rhythm.LAST] / slot_ms))
    mask = (int(head[Rhythm.SLOTS]) << min(passed, 64)) & 0xFFFF
    lg4, lg6 = math.log(day_sums[1] + 0.02), math.log(day_sums[4] + 0.02)
    lrec, lten = math.log1p(8 * rec), math.log1p(8 * min(ten, 16.0))
    b16 = math.log1p(mask.bit_count())
    lnd = math.log(min(nd, 256.0))
    ew = math.log1p(head[Rhythm.DAY_EVENTS]) if nd == 1 else head[Rhythm.DAY_LOG_MEAN]
    x = min(nd - 1, 60.0)
    alive = -3.0
    if x > 0:
        odds = math.log(0.7 / (2.2 + max(x - 1, 0)))
        alive = min(8.0, max(-8.0, odds + (0.5 + x) * math.log((1 + ten) / (1 + span))))
    return [
        math.log1p(day_sums[0.5]),
        math.log(day_sums[1 / 30] + 0.02),
        math.log1p(decayed(Rhythm.AMOUNT_4, 4)),
        math.log(day_sums[8] + 0.02),
        lpr,
        z,
        math.log1p(decayed(Rhythm.EVENTS_30TH, 1 / 30)),
        lten,
        math.log1p(day_sums[0.1]),
        math.log1p(decayed(Rhythm.EVENTS_8, 8)),
        math.log(day_sums[0.5] + 0.02),
        math.log(day_sums[2] + 0.02),
        math.log1p(rec / mg),
        slg,
        float(nd == 1),
        math.log1p((mask & 0b1111).bit_count()),
        math.log(mg),
        pr,
        alive,
        math.log1p(decayed(Rhythm.KIND0, 1)),
        lrec,
        math.log1p(decayed(Rhythm.AMOUNT_1, 1)),
        math.log1p(decayed(Rhythm.KIND1, 1)),
        (mlg + 0.57) * (z - 0.58),
        (lg4 - 0.69) * (lpr + 0.49),
        (lrec - 2.5) * (lg6 - 1.47),
        (lten - 4.12) * (lg4 - 0.69),
        (mlg + 0.57) * (b16 - 0.62),
        (lnd - 1.97) * (ew - 1.1),
        (slg - 1.22) ** 2,
        (lrec - 2.5) * (slg - 1.22),
    ]
