"""What the lanes of a process show of themselves."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.runtime import gauges
from streams.runtime.gauges import TURNS, Gauges
from streams.runtime.metrics import Metrics
from tests.unit.runtime.teaching import NOW_MS, chunk
from tests.unit.runtime.test_engines import drive, event, pipeline

AHEAD, DONE = TP("user-activity", 0), TP("user-activity", 3)


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """Two lanes: one has applied what is a minute old, one has begun ten seconds ago."""
    monkeypatch.setattr(gauges, "now_ms", lambda: NOW_MS)
    made = {}
    for number, newest_ms in ((0, {"user-activity": NOW_MS - 60_000}), (3, {})):
        engine = pipeline()
        drive(engine, chunk("user-activity", 0, [event(f"user-{number}", 1)]))
        made[number] = SimpleNamespace(
            engine=engine, pending=2, newest_ms=newest_ms, began_ms=NOW_MS - 10_000
        )
    return made


def shown(metrics: Metrics, name: str) -> dict[str, float]:
    found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", metrics.page().decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_lag_in_seconds_is_that_of_what_was_applied_last(lanes: dict[int, Any]) -> None:
    metrics = Metrics()
    Gauges(metrics).show(lanes, {AHEAD: 5, DONE: 7}, [])
    assert shown(metrics, "winback_lag_seconds") == {
        'partition="0",topic="user-activity"': 60.0,
        'partition="3",topic="user-activity"': 10.0,  # nothing was applied since it began
    }
    Gauges(metrics).show(lanes, {AHEAD: 0, DONE: 7}, [DONE])
    assert shown(metrics, "winback_lag_seconds")['partition="0",topic="user-activity"'] == 0.0
    assert shown(metrics, "winback_input_held") == {'topic="user-activity"': 1.0}


def test_every_partition_has_its_turn_and_who_has_left_goes(lanes: dict[int, Any]) -> None:
    metrics = Metrics()
    made = Gauges(metrics)
    for turn in range(TURNS):
        made.look(lanes, turn)
    made.show(lanes, {}, [])
    assert set(shown(metrics, "winback_state_bytes")) == {'partition="0"', 'partition="3"'}
    assert sum(shown(metrics, "winback_users_by_band").values()) == 2
    del lanes[3]
    made.look(lanes, 1)
    made.show(lanes, {}, [])
    assert set(shown(metrics, "winback_state_bytes")) == {'partition="0"'}
    assert set(shown(metrics, "winback_watermark_lag_seconds")) == {'partition="0"'}
    assert shown(metrics, "winback_partitions_owned") == {"": 1.0}
