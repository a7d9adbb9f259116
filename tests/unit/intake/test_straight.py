"""The straight way says what the long way says, or nothing: in every format, of whatever there is.

The long way is its slow twin.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.inputs import Acted
from streams.demo.tongues import FOREIGN, TONGUES, Record
from streams.replay.events import NativeEvent
from tests.unit.core.stories import day
from tests.unit.intake.bulks import bulks

LATE_MS = day(100)
NAMES = st.sampled_from(sorted(set(FOREIGN) - {"$identify", "consent_changed", "opt_out"}))
EVENTS = st.builds(
    NativeEvent,
    event_id=st.sampled_from(["e1", "编号", "x" * 600]),
    user_id=st.sampled_from(["ada", "用户", "\0x", "$coverage", "x" * 300]),
    event=NAMES,
    event_time=st.integers(day(0), day(101)),
    amount=st.none() | st.floats(-2e12, 2e12) | st.sampled_from([0.0, -0.0, 12.5, 1e12]),
    currency=st.sampled_from(["CNY", "CNY", "USD", None]),
)
ODD: st.SearchStrategy[Any] = st.sampled_from([
    None, True, 0, 7, -3, 1.5, 1e300, "", " ", "7", "7.25", "-7", "0", "1e3", "1_0", "١٢", ".5",
    "999999999999.9999999999", "1000000000000", "track", "create", "c", "r", "u", "INSERT",
    "2017-05-01", "2017-05-01T10:00:00+08:00", "2017-05-01 10:00:00.123456", 10**18, 1483271606,
    1483271606000, [], {}, [1], {"a": 1}, "CNY", "__debezium_unavailable_value", "x" * 600,
])  # fmt: skip


def both_ways(name: str, record: Record, at_ms: int = LATE_MS) -> list[Any]:
    """Return what the straight ways say, once it is shown that it is what the long ways say."""
    said = []
    for bulk in bulks(name):
        assert bulk.quick is not None
        quick = bulk.quick(record.key, record.value, at_ms, record.headers)
        if quick is not None:
            assert repr(quick) == repr(
                bulk.careful(record.key, record.value, at_ms, record.headers)
            )
        said.append(quick)
    return said


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path]
    for step, part in parts:
        deeper = (*path, step)
        found += places_of(part, deeper) if isinstance(part, dict | list) else [deeper]
    return found


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """Return a value with something else at a path."""
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], odd)
    return copy


@pytest.mark.parametrize("name", sorted(TONGUES))
@given(event=EVENTS)
def test_an_event_is_the_same_both_ways(name: str, event: NativeEvent) -> None:
    both_ways(name, TONGUES[name].write(event))


@pytest.mark.parametrize(
    "name",
    [name for name in sorted(TONGUES) if "encoding: " not in TONGUES[name].rules or name == "json"],
)
@given(event=EVENTS, odd=ODD, data=st.data())
def test_odd_values_are_the_same_both_ways(
    name: str, event: NativeEvent, odd: Any, data: st.DataObject
) -> None:
    record = TONGUES[name].write(event)
    value = json.loads(record.value)
    path = data.draw(st.sampled_from(places_of(value)))
    odd_value = json.dumps(changed(value, path, odd), ensure_ascii=False).encode()
    both_ways(name, record._replace(value=odd_value))


@pytest.mark.parametrize("name", sorted(TONGUES))
def test_what_nearly_all_records_are_goes_the_straight_way(name: str) -> None:
    for event in (
        NativeEvent("e1", "ada", "visit", day(1)),
        NativeEvent("e2", "ada", "purchase", day(2), 12.5, "CNY"),
        NativeEvent("e3", "ada", "refund", day(2), 12.5, "CNY"),
    ):
        record = TONGUES[name].write(event)
        decoded, told = both_ways(name, record._replace(key=b"ada"))
        assert isinstance(decoded, Acted)
        assert [each.event for each in told] == [event.event]
        other, _ = both_ways(name, record._replace(key=b"bob"))
        assert other is None
