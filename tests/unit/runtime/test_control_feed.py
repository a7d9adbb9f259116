"""What stands on the topic of controls, and what is no order."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from streams.core.inputs import Directive
from streams.core.messages import Control
from streams.runtime import control_desk
from streams.runtime.control_desk import order_of
from streams.runtime.control_feed import BadControlError, ControlFeed, directive_of
from streams.runtime.metrics import Metrics
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import to_json

AT = "2026-03-01T12:00:00.000Z"
AT_MS = 1_772_366_400_000
STOP = Control("stop", "on", AT, AT, "ada@desk")


def record(control: Control | None, key: str = "", offset: int = 0) -> Any:
    value = None if control is None else to_json(control)
    name = key or (control.key if control is not None else "")
    return SimpleNamespace(key=name.encode(), value=value, offset=offset)


def fed(*batches: list[Any]) -> tuple[list[tuple[Directive, ...]], str]:
    """Return what was told after each batch, and the page of metrics."""
    told: list[tuple[Directive, ...]] = []
    metrics = Metrics()
    feed = ControlFeed(Cluster.plain("nowhere:1"), Settings(), metrics, told.append)
    found: dict[str, Directive] = {}
    for batch in batches:
        feed._fold(found, batch)
        feed._tell(found)
        feed._is_ready.set()
    return told, metrics.page().decode()


def test_the_newest_order_of_each_key_is_told_when_it_changes() -> None:
    mode = Control("mode", "observe", AT, AT, "ada@desk")
    resumed = msgspec.structs.replace(STOP, value="off")
    told, _ = fed([record(STOP), record(mode)], [record(mode)], [record(resumed)])
    stop, observe = (
        Directive("stop", "on", AT_MS, AT_MS),
        Directive("mode", "observe", AT_MS, AT_MS),
    )
    assert told == [(stop, observe), (stop._replace(value="off"), observe)]


def test_nothing_is_told_as_well_at_first() -> None:
    told, _ = fed([], [])
    assert told == [()]


def test_a_tombstone_lifts_what_was_ordered() -> None:
    told, _ = fed([record(STOP)], [record(None, "stop")])
    assert told[-1] == ()


@pytest.mark.parametrize(
    ("control", "key", "says"),
    [
        (STOP, "mode", "the key of the record"),
        (msgspec.structs.replace(STOP, value="maybe"), "", "'stop' = 'maybe' cannot be ordered"),
        (msgspec.structs.replace(STOP, key="halt"), "", "'halt' = 'on' cannot be ordered"),
        (msgspec.structs.replace(STOP, key="pause/channel/"), "", "cannot be ordered"),
        (msgspec.structs.replace(STOP, effective_at="soon"), "", "soon"),
    ],
)
def test_what_is_no_order_is_counted_and_left(control: Control, key: str, says: str) -> None:
    name = key or control.key
    with pytest.raises(BadControlError, match=says):
        directive_of(name.encode(), to_json(control))
    told, page = fed([record(STOP, offset=1), record(control, key, 2)])
    assert told == [(Directive("stop", "on", AT_MS, AT_MS),)]
    assert "winback_controls_refused_total 1.0" in page


def test_what_is_not_even_json_is_no_order() -> None:
    with pytest.raises(BadControlError):
        directive_of(b"stop", b"{oops")


@pytest.mark.parametrize(
    ("clock", "newest_ms", "expected"),
    [
        ("event", 90_000, "1970-01-01T00:02:00.000Z"),  # the next full minute of the events
        ("event", 120_000, "1970-01-01T00:02:00.000Z"),
        ("event", 0, "1970-01-01T00:00:00.000Z"),  # nobody knows: at once
        ("wall", AT_MS - 7_200_000, "2026-03-01T12:01:00.000Z"),  # idle partitions lag behind
        ("wall", 90_000, "1970-01-01T00:02:00.000Z"),  # an old log is caught up with
    ],
)
def test_an_order_takes_effect_at_the_next_minute_of_event_time(
    monkeypatch: pytest.MonkeyPatch, clock: Any, newest_ms: int, expected: str
) -> None:
    monkeypatch.setattr(control_desk, "now_ms", lambda: AT_MS + 5_000)
    order = order_of("mode", "live", "ada", Settings(clock=clock), newest_ms)
    assert order.effective_at == expected
    assert order.ordered_at == "2026-03-01T12:00:05.000Z"
