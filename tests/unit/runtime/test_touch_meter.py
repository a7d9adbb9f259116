"""Event to touch: timed when it is durable, by the chunk that brought it, and by no clock's."""

import pytest

from streams.runtime import touch_meter
from streams.runtime.metrics import Metrics
from streams.runtime.touch_meter import TouchMeter
from winback_sender.contract.messages import Output, cloud_event

NOW_MS = 1_700_000_000_000


def record(kind: str, name: str) -> Output:
    return Output(b"ada", b"{}", cloud_event(kind, name, "/w", "2023-11-14T22:13:20Z", "ada"))


def touches(*names: str) -> list[Output]:
    found = [record("case.closed", "c-closed")]
    for name in names:
        found += [record("touch.requested", name), record("touch.revoked", f"{name}-revoked")]
    return found


def measured(metrics: Metrics) -> list[tuple[str, str]]:
    """Return which touch is the exemplar of which bucket, and nothing for the empty ones."""
    page = metrics.exposition("application/openmetrics-text;version=1.0.0")[0].decode()
    lines = [line for line in page.splitlines() if "touch_seconds_bucket" in line and "#" in line]
    return [(line.split('"')[1], line.split('touch_id="')[1].split('"')[0]) for line in lines]


def total(metrics: Metrics) -> float:
    (line,) = [one for one in metrics.page().decode().splitlines() if "touch_seconds_count" in one]
    return float(line.split()[-1])


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    monkeypatch.setattr(touch_meter, "now_ms", lambda: NOW_MS)
    return Metrics()


def test_each_touch_is_timed_by_its_chunk(metrics: Metrics) -> None:
    meter = TouchMeter(metrics)
    meter.by_records(1, NOW_MS - 90)
    meter.by_records(1, NOW_MS - 5_000)  # a chunk that brought none
    meter.by_records(2, NOW_MS - 800)
    tell = meter.take(touches("one", "two"))
    assert total(metrics) == 0, "it is not durable yet"
    tell()
    assert measured(metrics) == [("0.1", "one"), ("1.0", "two")]


def test_what_a_timer_has_brought_is_not_timed(metrics: Metrics) -> None:
    meter = TouchMeter(metrics)
    meter.by_time(2)
    meter.by_records(3, NOW_MS - 40)
    meter.take(touches("by-timer", "by-timer-too", "by-event"))()
    assert measured(metrics) == [("0.05", "by-event")]
    assert total(metrics) == 1


def test_the_next_commit_counts_anew_and_a_wrong_clock_is_no_time_at_all(metrics: Metrics) -> None:
    meter = TouchMeter(metrics)
    meter.by_records(5, NOW_MS - 40)
    meter.take([])()
    meter.by_records(1, NOW_MS + 60_000)
    meter.take(touches("early"))()
    meter.take([])()
    assert measured(metrics) == [("0.05", "early")]
