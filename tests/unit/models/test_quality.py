"""On real baskets the champion beats the floor, and knows nothing where there is nothing."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.quality.offline import Rows, follow, read_events, walk
from models.catalogue import CHAMPION, FLOOR
from tests.oracles_rhythm import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.quality.offline import Event
    from models.prequential import Grades

BASKETS = Path(__file__).parents[3] / "data" / "complete_journey.csv.gz"
HORIZON_MS = 30 * DAY_MS
EVERY = 8  # Users; all of them say the same, slower.


def prequential(users: Iterable[list[Event]], end_ms: float, model: str) -> Grades:
    examples = Rows(array("d"), array("d"), array("b"))
    wanted = Rows(array("d"), array("d"), array("b"))
    for place, events in enumerate(users):
        weeks = np.arange(events[0].at_ms + 1, end_ms, 7 * DAY_MS).tolist() if not place else []
        walk(str(place), events, weeks, end_ms, HORIZON_MS, examples, wanted)
    return follow(model, examples, wanted, HORIZON_MS).prequential


@pytest.fixture(scope="module", name="baskets")
def _baskets() -> tuple[list[list[Event]], float]:
    users, end_ms = read_events(BASKETS)
    return list(users.values())[::EVERY], end_ms


def test_the_champion_beats_the_floor(baskets: tuple[list[list[Event]], float]) -> None:
    champion = prequential(*baskets, CHAMPION)
    floor = prequential(*baskets, FLOOR)

    assert champion.auc > 0.77
    assert champion.auc > floor.auc + 0.05
    assert champion.log_loss < floor.log_loss
    assert champion.mean == pytest.approx(champion.base_rate, abs=0.02)


def test_nothing_is_found_where_users_are_drawn_by_chance(
    baskets: tuple[list[list[Event]], float],
) -> None:
    users, end_ms = baskets
    rng = np.random.default_rng(1)
    everything = sorted((e for events in users for e in events), key=lambda e: e.at_ms)
    chance: dict[int, list[Event]] = {}
    for event, user in zip(everything, rng.integers(0, len(users), len(everything)), strict=True):
        chance.setdefault(int(user), []).append(event)
    found = prequential(chance.values(), end_ms, CHAMPION)

    assert found.auc == pytest.approx(0.5, abs=0.02)
    assert found.mean == pytest.approx(found.base_rate, abs=0.02)
