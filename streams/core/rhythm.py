"""The fold of one activity into the numbers of a user: decays, gaps, counts, value.

This is the hot path of the service, so it goes from bytes to bytes with nothing but local floats
in between. The same formulas, written for reading, are the oracle in the tests. Logarithms and
powers are numpy's, which differ from those of ``math`` in the last bit: `streams.core.rhythm_rows`
computes the same for many users.

Source:
    Formulas of the feature list in ``models/features.py``; decayed sums as in Cormode et al.
    (2009), "Forward decay", ICDE, kept at the instant of the last activity.
"""

from collections.abc import Callable
from typing import Final

from numpy import exp2, log, log1p

from models.feature_list import PLAIN_KINDS
from models.features import GAP_EDGES, GAP_LEAST, SLOTS_KEPT, SLOTS_PER_HORIZON
from streams.core.rules import Churn
from streams.core.state import FROZEN_END, HEAD, LIVE, RING_END, RING_START
from streams.core.time import DAY_MS

GAP_FADE: Final = 0.97  # Each new gap fades the histogram of the earlier ones: about 33 gaps count.
GAP_RATE_LEAST: Final = 0.07  # Running means of gaps forget as slowly as 14 gaps.
DAY_RATE_LEAST: Final = 0.1  # The running mean of events per day forgets as slowly as 10 days.

Fold = Callable[[bytes, float, float, int, int, bool, bytes, float, bytes], bytes]
"""``fold(value, at_ms, log_amount, money_minor, slot, is_risky, digest, frozen_at, frozen)``."""


def log_amount_of(amount: float) -> float:
    """Return what the fold takes for an amount."""
    return float(log1p(amount)) if amount else 0.0


def make_fold(churn: Churn) -> Fold:  # noqa: C901, PLR0915  # one straight fold; splitting it costs a third of its speed
    """Return the fold for a churn definition.

    The fold takes the changelog value of a user and returns the next one:

    - ``at_ms``: event time of the activity, epoch ms.
    - ``log_amount``: log1p of its amount.
    - ``money_minor``: change of the net value, minor units.
    - ``slot``: which kind it is: its place in ``churn.kinds``, or -1.
    - ``is_risky``: ask for a score however short ago the last was.
    - ``digest``: 8 bytes that stand for the event id.
    - ``frozen_at, frozen``: the example that this activity completes; 0 keeps what is pending.

    An activity older than the last one counts in every sum with the decay of its age; it opens no
    active day and no gap, for those are over.
    """
    horizon = float(churn.horizon_ms)
    slow = 1.0 / (8.0 * horizon)
    unit = float(churn.period_ms)
    slot_ms = horizon / SLOTS_PER_HORIZON
    rescore = churn.rescore_ms
    has_more_kinds = len(churn.kinds) > PLAIN_KINDS
    edge0, edge1, edge2, edge3, edge4, edge5 = GAP_EDGES
    slots_all = (1 << SLOTS_KEPT) - 1
    unpack, pack = LIVE.unpack_from, LIVE.pack
    live_end, head_end, ring_start = LIVE.size, HEAD.size, RING_START + 8

    def fold(  # noqa: C901, PLR0912, PLR0915
        value: bytes,
        at: float,
        log_amount: float,
        money: int,
        slot: int,
        is_risky: bool,  # noqa: FBT001  # positional: keywords cost on the hot path
        digest: bytes,
        frozen_at: float,
        frozen: bytes,
    ) -> bytes:
        (
            first, last, days, d30th, d10th, dhalf, d1, d2, d4, d8, e30th, e8, a1, a4, k0, k1,
            gaps, gap_log, gap_square, gap_mean, g0, g1, g2, g3, g4, g5, g6, slots,
            day_events, day_log, k2, k3, k4, k5, traits, traits_at,
            events, value_net, value_decayed, scored_at, frozen_was,
        ) = unpack(value)  # fmt: skip
        since = at - last
        if events == 0.0:
            first, since = at, 0.0
            last = at
        x8 = float(exp2(-abs(since) * slow))
        x4 = x8 * x8
        x2 = x4 * x4
        x1 = x2 * x2
        xhalf = x1 * x1
        x10th = xhalf * xhalf
        x10th *= x10th * xhalf
        x30th = x10th * x10th * x10th
        if since >= 0.0:
            e30th = e30th * x30th + 1.0
            e8 = e8 * x8 + 1.0
            a1 = a1 * x1 + log_amount
            a4 = a4 * x4 + log_amount
            k0 *= x1
            k1 *= x1
            if slot == 0:
                k0 += 1.0
            elif slot == 1:
                k1 += 1.0
            if has_more_kinds:
                k2 *= x1
                k3 *= x1
                k4 *= x1
                k5 *= x1
                if slot == 2:  # noqa: PLR2004  # slots are numbers
                    k2 += 1.0
                elif slot == 3:  # noqa: PLR2004
                    k3 += 1.0
                elif slot == 4:  # noqa: PLR2004
                    k4 += 1.0
                elif slot == 5:  # noqa: PLR2004
                    k5 += 1.0
            value_decayed = value_decayed * x4 + money
            d30th *= x30th
            d10th *= x10th
            dhalf *= xhalf
            d1 *= x1
            d2 *= x2
            d4 *= x4
            d8 *= x8
            if days == 0.0 or at // DAY_MS != last // DAY_MS:
                if days > 0.0:
                    gap = max(since / unit, GAP_LEAST)
                    gaps += 1.0
                    rate = max(1.0 / (gaps + 1.0), GAP_RATE_LEAST)
                    log_gap = float(log(gap))
                    gap_log += rate * (log_gap - gap_log)
                    gap_square += rate * (log_gap * log_gap - gap_square)
                    gap_mean += rate * (gap - gap_mean)
                    g0 *= GAP_FADE
                    g1 *= GAP_FADE
                    g2 *= GAP_FADE
                    g3 *= GAP_FADE
                    g4 *= GAP_FADE
                    g5 *= GAP_FADE
                    g6 *= GAP_FADE
                    if gap < edge0:
                        g0 += 1.0
                    elif gap < edge1:
                        g1 += 1.0
                    elif gap < edge2:
                        g2 += 1.0
                    elif gap < edge3:
                        g3 += 1.0
                    elif gap < edge4:
                        g4 += 1.0
                    elif gap < edge5:
                        g5 += 1.0
                    else:
                        g6 += 1.0
                    log_day = float(log1p(day_events))
                    day_log += max(1.0 / days, DAY_RATE_LEAST) * (log_day - day_log)
                d30th += 1.0
                d10th += 1.0
                dhalf += 1.0
                d1 += 1.0
                d2 += 1.0
                d4 += 1.0
                d8 += 1.0
                days += 1.0
                day_events = 1.0
            else:
                day_events += 1.0
            passed = at // slot_ms - last // slot_ms
            slots = (
                float((int(slots) << int(passed) | 1) & slots_all) if passed < SLOTS_KEPT else 1.0
            )
            last = at
            if at - scored_at >= rescore or is_risky:
                scored_at = at
        else:
            first = min(first, at)
            e30th += x30th
            e8 += x8
            a1 += log_amount * x1
            a4 += log_amount * x4
            if slot == 0:
                k0 += x1
            elif slot == 1:
                k1 += x1
            elif slot == 2:  # noqa: PLR2004
                k2 += x1
            elif slot == 3:  # noqa: PLR2004
                k3 += x1
            elif slot == 4:  # noqa: PLR2004
                k4 += x1
            elif slot == 5:  # noqa: PLR2004
                k5 += x1
            value_decayed += money * x4
        kept = FROZEN_END if frozen_was else RING_END
        if frozen_at:
            pending = frozen
            frozen_was = frozen_at
        else:
            pending = value[RING_END:kept]
        return b"".join((
            pack(
                first, last, days, d30th, d10th, dhalf, d1, d2, d4, d8, e30th, e8, a1, a4, k0, k1,
                gaps, gap_log, gap_square, gap_mean, g0, g1, g2, g3, g4, g5, g6, slots,
                day_events, day_log, k2, k3, k4, k5, traits, traits_at,
                events + 1.0, value_net + money, value_decayed, scored_at, frozen_was,
            ),
            value[live_end:head_end], value[ring_start:RING_END], digest, pending, value[kept:],
        ))  # fmt: skip

    return fold
