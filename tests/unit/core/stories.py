"""What the stories of the core are told with: days, rules, a model that says what it is told."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.harvest import Harvest
from streams.core.inputs import Acted, Cause, Input, Score, Scored, TimerFired
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.state import UserState, blank
from streams.core.step import Transition, step
from streams.core.time import DAY_MS, HOUR_MS

F64 = NDArray[np.float64]
START_MS = 1_483_228_800_000  # 2017-01-01
ADA = "ada"

GRANTED = """
mode: live
channels: {wechat: {reach: any}, sms: {hours: always}, call: {hours: always}}
churn: {horizon: 30d, min_active_days: 2}
lateness: 0s
contact: {consent_default: granted, zone: UTC, quiet_hours: {start: "00:00", end: "00:00"}}
holdout: {share: 0.0}
"""


def rules_of(text: str = GRANTED, **sections: str) -> Rules:
    """Return rules in which consent is granted and nobody is held out, unless the text differs.

    A section that is named takes the place of the one in the text, which has a line for each.
    """
    kept = [line for line in text.splitlines() if line.partition(":")[0] not in sections]
    return parse_rules("\n".join([*kept, *(f"{name}: {body}" for name, body in sections.items())]))


RULES = rules_of()

PATIENT = rules_of(
    contact="{consent_default: granted, zone: UTC, unheard_after: 365d, "
    'quiet_hours: {start: "00:00", end: "00:00"}}'
)
"""Rules under which a touch is not given up though the story has no sender."""


def day(number: float, hour: float = 12) -> int:
    """Return an instant of the story, epoch ms."""
    return round(START_MS + number * DAY_MS + hour * HOUR_MS)


def act(at_ms: int, user_id: str = ADA, *, money_minor: int = 0, event_id: str = "") -> Acted:
    """Return an activity with an id of its own."""
    return Acted(user_id, event_id or f"{user_id}-{at_ms}", at_ms, 1.0, money_minor)


def scored(at_ms: int, reach: float, *, is_backstop: bool = False) -> Scored:
    """Return the answer of a model."""
    return Scored(
        ADA, at_ms, Score(reach, "told_v1", 1_000, (Cause("silence", 1.0, 0.25),)), is_backstop
    )


def timer(at_ms: int, reach: float = 0.9) -> TimerFired:
    """Return a deadline with a fresh score."""
    return TimerFired(ADA, at_ms, Score(reach, "told_v1", 1_000, (Cause("silence", 1.0, 0.25),)))


def tell(rules: Rules, *signals: Input, state: UserState | None = None) -> Transition:
    """Run inputs through the reducer; return the last state and the effects of the last input."""
    told = Transition(blank(0.0) if state is None else state)
    for signal in signals:
        told = step(told.state, signal, rules)
    return told


class ToldScorer:
    """A model that says what a function of the silence in days says."""

    version = "told_v1"
    examples = 1_000
    may_alert = True

    def __init__(self, reach: Callable[[F64], F64], horizon_ms: float = 30 * DAY_MS) -> None:
        """Args: ``reach``: silence in days to P(this silence reaches H)."""
        self._reach, self.horizon_ms = reach, horizon_ms

    def hazard(self, heads: F64, at_ms: F64) -> F64:
        return 1.0 - self.reach(heads, at_ms)

    def reach(self, heads: F64, at_ms: F64) -> F64:
        return self._reach((at_ms - heads[:, Rhythm.LAST]) / DAY_MS)

    def quiet(self, heads: F64, at_ms: F64) -> F64:
        return self.reach(heads, at_ms)

    def explain(self, heads: F64, at_ms: F64) -> list[tuple[tuple[str, float], ...]]:
        """Silence weighs its days; nothing else does."""
        silence_days = (at_ms - heads[:, Rhythm.LAST]) / DAY_MS
        return [(("silence", days), ("base", 0.0)) for days in silence_days.tolist()]


def by_silence(silence_days: F64) -> F64:
    """Risk that grows with silence and passes one half after ten days."""
    return np.asarray(silence_days / (silence_days + 10.0))


def run(partition: Partition, inputs: Sequence[Input], chunks: Sequence[int] = ()) -> list[Harvest]:
    """Apply inputs in chunks of the given sizes (the rest in one) and harvest after each."""
    harvests, start = [], 0
    for size in (*chunks, len(inputs)):
        if start < len(inputs):
            partition.apply(inputs[start : start + size])
            harvests.append(partition.take())
            start += size
    return harvests
