"""Alerts in short: beside the one silence rule that sends nearly as many, as plain facts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.time import DAY_MS
from streams.replay.report.lead import RULE_DAYS, Quality, quality
from streams.replay.report.silences import Silences

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]


def in_short(silences: Silences, user: Rows, at_ms: F64) -> dict[str, Any]:
    """Return alerts beside the known silence rule that sends nearly as many, as plain facts.

    Args:
        silences: The silences of the log.
        user: Shape (n,): numbers of the alerted.
        at_ms: Shape (n,): when.
    """
    horizon_ms = silences.horizon_ms
    lengths = silences.length_ms[silences.inside]
    lost = int(np.count_nonzero(lengths >= horizon_ms))
    places, first = silences.first_of(user, at_ms)
    found = silences.length_ms[places]
    delays = (at_ms[first] - silences.start_ms[places])[found >= horizon_ms] / DAY_MS
    median = round(float(np.median(delays)), 2) if len(delays) else None
    out: dict[str, Any] = {
        "cases_opened": len(user),
        "silences_lost": lost,
        "project": _rounded(quality(found, lost, horizon_ms)) | {"delay_days_median": median},
    }
    rules = {x: lengths[lengths > x * DAY_MS] for x in RULE_DAYS if x * DAY_MS < horizon_ms}
    if len(found) and rules:
        nearest = min(rules, key=lambda x: abs(len(rules[x]) - len(found)))
        rule = _rounded(quality(rules[nearest], lost, horizon_ms))
        out["silence_rule"] = {"silent_more_than_days": nearest} | rule
    return out


def _rounded(graded: Quality) -> dict[str, Any]:
    return {
        "alerts": graded.alerts,
        "precision": None if graded.precision is None else round(graded.precision.value, 4),
        "recall": None if graded.recall is None else round(graded.recall, 4),
    }
