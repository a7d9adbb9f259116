"""On real baskets the champion beats the floor, and knows nothing where there is nothing."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.quality.offline import Rows, follow, read_events, walk
from tests.oracles_rhythm import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.quality.offline import Event

BASKETS = Path(__file__).parents[3] / "data" / "complete_journey.csv.gz"
HORIZON_MS = 30 * DAY_MS
EVERY = 8  # Users; all of them say the same, slower.


def prequential(users: Iterable[list[Event]], end_ms: float, model: str) -> dict[str, Any]:
    examples = Rows(array("d"), array("d"), array("b"))
    wanted = Rows(array("d"), array("d"), array("b"))
    for place, events in enumerate(users):
        weeks = np.arange(events[0].at_ms + 1, end_ms, 7 * DAY_MS).tolist() if not place else []
        walk(str(place), events, weeks, end_ms, HORIZON_MS, examples, wanted)
    _, facts = follow(model, examples, wanted, HORIZON_MS)
    scores = facts["prequential"]
    assert isinstance(scores, dict)
    return scores


@pytest.fixture(scope="module", name="baskets")
def _baskets() -> tuple[list[list[Event]], float]:
    users, end_ms = read_events(BASKETS)
    return list(users.values())[::EVERY], end_ms


def test_the_champion_beats_the_floor(baskets: tuple[list[list[Event]], float]) -> None:
    champion = prequential(*baskets, "hazard_logistic_v1")
    floor = prequential(*baskets, "recency_v1")

    assert champion["auc"] > 0.77
    assert champion["auc"] > floor["auc"] + 0.05
    assert champion["log_loss"] < floor["log_loss"]
    assert champion["mean_probability"] == pytest.approx(champion["base_rate"], abs=0.02)


def test_nothing_is_found_where_users_are_drawn_by_chance(
    baskets: tuple[list[list[Event]], float],
) -> None:
    users, end_ms = baskets
    rng = np.random.default_rng(1)
    everything = sorted((e for events in users for e in events), key=lambda e: e.at_ms)
    chance: dict[int, list[Event]] = {}
    for event, user in zip(everything, rng.integers(0, len(users), len(everything)), strict=True):
        chance.setdefault(int(user), []).append(event)
    scores = prequential(chance.values(), end_ms, "hazard_logistic_v1")

    assert scores["auc"] == pytest.approx(0.5, abs=0.02)
    assert scores["mean_probability"] == pytest.approx(scores["base_rate"], abs=0.02)
