"""Metrics, logs and health say what they promise."""

import json
import logging
from pathlib import Path

import pytest

from streams.runtime.health import STUCK_AFTER_S, Health, Liveness
from streams.runtime.metrics import METRICS, LaneMeter, Metric, Metrics
from streams.runtime.metrics import page as metrics_page
from winback_sender.logs import LineFormatter, Moderator, configure, get_logger, hashed


def test_every_metric_has_unit_meaning_and_what_to_do() -> None:
    assert set(METRICS) == set(Metric)
    for metric, spec in METRICS.items():
        assert spec.unit, metric
        assert spec.meaning.endswith("."), metric
        assert spec.action.endswith("."), metric
        assert metric.endswith("_total") == (spec.kind == "counter"), metric
        assert "user_id" not in spec.labels


def test_the_page_of_metrics_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "metrics.md"
    assert page.read_text(encoding="utf-8") == metrics_page()


def test_a_lane_s_measures_arrive_on_the_page() -> None:
    metrics = Metrics()
    meter = LaneMeter(metrics)
    meter.chunk_applied(2, 10, 0.5)
    meter.committed(2, 3, {"win-back": 4}, 0.02)
    page = metrics.page().decode()
    assert 'winback_records_applied_total{partition="2"} 10.0' in page
    assert 'winback_outputs_committed_total{topic="win-back"} 4.0' in page
    assert meter.progress == 2


def record(text: str, facts: dict[str, object] | None = None, line: int = 1) -> logging.LogRecord:
    made = logging.LogRecord("aiokafka", logging.ERROR, "conn.py", line, text, None, None)
    made.created = 1_769_846_400.123
    if facts is not None:
        made.facts = facts
    return made


def test_a_log_line_is_one_line_of_words() -> None:
    line = LineFormatter().format(record("model_refused", {"reason": "a b", "n": 3}))
    assert line == '2026-01-31T08:00:00.123Z ERROR model_refused reason="a b" n=3'


def test_a_library_that_repeats_itself_is_moderated() -> None:
    moderator = Moderator()
    assert moderator.filter(record("away"))
    assert not any(moderator.filter(record("away")) for _ in range(20))
    assert moderator.filter(record("something else", line=2))
    later = record("away")
    later.created += 60
    assert moderator.filter(later)
    assert later.getMessage() == "away (and 20 like it)"
    assert all(moderator.filter(record("ours", {})) for _ in range(3))


def test_no_user_id_stands_in_the_clear(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    get_logger("test").info("touch_decided", user=hashed("ada"))
    facts = caplog.records[0].facts
    assert facts["user"] == hashed(b"ada")
    assert "ada" not in json.dumps(facts)


def test_a_user_s_word_needs_the_key_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """User ids are few: without a key anybody could try them all out."""
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    words = []
    for key in ("key of one deployment", "key of another one" * 9, "key of one deployment"):
        configure("info", key)
        words.append(hashed("ada"))
    configure("info")
    assert words[0] == words[2]
    assert len({*words, hashed("ada")}) == 3


def test_a_worker_is_dead_when_work_waits_and_nothing_moves() -> None:
    liveness = Liveness()
    waiting = Health(is_ready=True, is_waiting=True, progress=7, facts={})
    assert liveness.is_live(waiting, 0)
    assert liveness.is_live(waiting, STUCK_AFTER_S - 1)
    assert not liveness.is_live(waiting, STUCK_AFTER_S + 1)
    assert liveness.is_live(waiting._replace(progress=8), STUCK_AFTER_S + 2)
    assert liveness.is_live(waiting._replace(progress=8, is_waiting=False), 10 * STUCK_AFTER_S)
