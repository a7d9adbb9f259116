"""What is seen of histories with a gap, and without it."""

from collections import Counter

import numpy as np

from models.features import F64, features
from streams.core.harvest import Harvest
from streams.core.inputs import (
    Input,
)
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.time import DAY_MS
from tests.unit.core.lessons import lessons_of
from tests.unit.core.stories import ToldScorer, by_silence, day, run

SHORT = """
churn: {horizon: 8d, min_active_days: 2}
lateness: 0s
alert: {examples_min: 0, cool_down: 0s}
"""
GAP_MS = 16 * DAY_MS  # Whole days and whole horizons, so that days and grids stay what they were.
END_MS = day(0, 24 * 80)


class EveryFeature(ToldScorer):
    """Says something else whenever any feature is another."""

    def reach(self, heads: F64, at_ms: F64) -> F64:
        said = np.zeros(len(heads))
        for column in features(heads, at_ms, self.horizon_ms).T:
            said = 0.9 * said + column
        return 1.0 / (1.0 + np.exp(-said))


class Watcher:
    """Notes every score and every case that was opened."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str, float, float]] = Counter()

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        rows = zip(user_ids, at_ms.tolist(), reach.tolist(), strict=True)
        self.seen.update(("risk", user, at, said) for user, at, said in rows)

    def alert(self, user_id: str, at_ms: int) -> None:
        self.seen["alert", user_id, float(at_ms), 0.0] += 1


def told(
    history: list[Input], rules: Rules, chunks: tuple[int, ...] = ()
) -> tuple[Counter, dict[str, list[tuple[float, ...]]]]:
    """Return the scores and alerts of a run, and what it taught, by kind."""
    watcher = Watcher()
    scorer = EveryFeature(by_silence, float(rules.churn.horizon_ms))
    partition = Partition(0, rules, scorer, is_shadow=True, observer=watcher)
    return watcher.seen, lessons(run(partition, history, chunks))


def lessons(harvests: list[Harvest]) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {
        "example": [],
        "opening": [],
        "outcome": [],
        "episode": [],
    }
    for harvest in harvests:
        for record in harvest.outputs.get("examples", []):
            kind, rows = lessons_of(record)
            found[kind] += rows
    return found
