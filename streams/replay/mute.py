"""Nobody is alerted: for runs of which only what users teach is wanted."""

import msgspec
import numpy as np

from streams.core.rules import Rules
from streams.core.scoring import F64


class Mute:
    """A scorer that sees no risk: when nothing rests on scores, no other is needed."""

    version = "mute"
    examples = 0
    may_alert = False

    def hazard(self, _heads: F64, at_ms: F64) -> F64:
        """Return 1 for everybody."""
        return np.ones(len(at_ms))

    def reach(self, _heads: F64, at_ms: F64) -> F64:
        """Return 0 for everybody."""
        return np.zeros(len(at_ms))

    quiet = reach

    def explain(self, _heads: F64, at_ms: F64) -> list[tuple[tuple[str, float], ...]]:
        """Return no reason for anybody."""
        return [() for _ in at_ms]


def muted(rules: Rules) -> Rules:
    """Return rules under which nobody is alerted; what users teach is the same."""
    return msgspec.structs.replace(rules, alert=msgspec.structs.replace(rules.alert, is_muted=True))
