"""The router's engine: what it writes, what it puts aside, where it goes on."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.inputs import Acted
from streams.core.interpret import NativeEvent
from streams.core.native import make_decode
from streams.core.record_limits import ID_BYTES_MAX, VALUE_BYTES_MAX
from streams.core.rules_file import parse_rules
from streams.runtime.metrics import Metrics
from streams.runtime.producer import Commit
from streams.runtime.routed_record import Envelope
from streams.runtime.router import RouterEngine
from tests.unit.runtime.routing import (
    NOW_MS,
    TARGETS,
    TOPIC,
    chunk,
    drive,
    engine,
    events_of,
    ids_of,
    line,
    told_of,
)


def record_of(commit: Commit) -> dict[str, int]:
    ((key, value),) = commit.changelog
    assert key == TOPIC.encode()
    assert value is not None
    found: dict[str, int] = json.loads(value)
    return found


def test_an_event_goes_to_its_user_with_its_origin() -> None:
    router = engine()
    drive(router, chunk(7, line("ada", 1, NOW_MS - 1)))
    commit = router.take()
    (event,) = events_of(commit)
    assert event.key == b"ada"
    assert json.loads(event.value) == {
        "event": "paid", "event_time": NOW_MS - 1, "event_id": "e1", "user_id": "ada",
    }  # fmt: skip
    assert dict(event.headers) == {
        "ce_specversion": b"1.0", "ce_type": b"winback.event", "ce_id": b"e1",
        "ce_source": b"/winback/shop/router", "ce_time": b"2023-11-14T22:13:19.999Z",
        "ce_subject": b"ada", "content-type": b"application/json",
        "winback_origin_topic": b"app.orders", "winback_origin_partition": b"2",
        "winback_origin_offset": b"7",
    }  # fmt: skip
    record = record_of(commit)
    assert (record["next_offset"], record["watermark_ms"]) == (8, NOW_MS - 60_001)
    assert not router.take()


def test_what_cannot_be_understood_is_put_aside_and_what_means_nothing_is_counted() -> None:
    metrics = Metrics()
    router = engine(metrics=metrics)
    drive(router, chunk(0, line("ada", 1), b"?", b"-", line("bob", 2)))
    commit = router.take()
    assert ids_of(commit) == ["e1", "e2"]
    (letter,) = commit.outputs[TARGETS.dead_letters]
    headers = dict(letter.headers)
    assert letter.value == b"?"
    assert headers["__connect.errors.topic"] == b"app.orders"
    assert headers["__connect.errors.partition"] == b"2"
    assert headers["__connect.errors.offset"] == b"1"
    page = metrics.page().decode()
    assert 'winback_records_skipped_total{reason="dropped_test",topic="app.orders"} 1.0' in page
    assert 'records_rejected_total{reason="not_decodable",topic="app.orders"} 1.0' in page


def test_records_that_mean_nothing_are_read_once_all_the_same() -> None:
    router = engine()
    drive(router, chunk(0, b"-", b"-"))
    assert record_of(router.take())["next_offset"] == 2


@pytest.mark.parametrize(
    "second", [f"{'x' * (ID_BYTES_MAX + 1)} {NOW_MS} e2", f"ada {NOW_MS} {'x' * VALUE_BYTES_MAX}"]
)
def test_a_record_of_which_one_event_would_be_too_large_is_put_aside_whole(second: str) -> None:
    """What goes on must be readable as a native event."""
    router = engine()
    drive(router, chunk(0, line("ada", 1) + b"," + second.encode(), line("ada", 3)))
    commit = router.take()
    assert ids_of(commit) == ["e3"]
    (letter,) = commit.outputs[TARGETS.dead_letters]
    assert dict(letter.headers)["__connect.errors.exception.class.name"] == b"too_large"


def test_an_outage_of_the_whole_source_goes_to_every_partition() -> None:
    router = engine()
    drive(router, chunk(0, line("$coverage", 1), line("ada", 2)))
    commit = router.take()
    assert [output.key for output in events_of(commit)] == [b"ada"]
    assert told_of(commit)[0].key == b"$coverage"


def restored(commits: list[Commit]) -> RouterEngine:
    """Return the engine of the next owner, who reads what became durable."""
    heir = engine()
    heir.restore({key: value for commit in commits for key, value in commit.changelog if value})
    return heir


def test_the_next_owner_goes_on_where_the_last_one_stood() -> None:
    router = engine()
    drive(router, chunk(0, line("ada", 1), line("ada", 2)))
    heir = restored([router.take()])
    assert heir.applied == {TOPIC: 2}
    assert heir.watermark_ms == NOW_MS - 60_000
    assert events_of(heir.take()) == []


lives = st.lists(st.tuples(st.integers(1, 7), st.booleans(), st.booleans()), max_size=30)


@given(lives, st.lists(st.sampled_from(["ada", "bob", "?", "-"]), min_size=1, max_size=60))
def test_every_event_is_written_once_in_order_whoever_dies_when(
    steps: list[tuple[int, bool, bool]], users: list[str]
) -> None:
    """A step reads some records, perhaps commits, perhaps dies: then the heir reads them again."""
    values = [
        user.encode() if user in "?-" else line(user, number) for number, user in enumerate(users)
    ]
    expected = [f"e{number}" for number, user in enumerate(users) if user not in "?-"]
    router, durable = engine(), list[Commit]()
    for size, does_commit, dies in [*steps, (len(values), True, False)]:
        place = router.applied.get(TOPIC, 0)
        drive(router, chunk(place, *values[place : place + size]))
        if does_commit and (commit := router.take()):
            durable.append(commit)
        if dies:
            router = restored(durable)
    place = router.applied.get(TOPIC, 0)
    drive(router, chunk(place, *values[place:]))
    durable.append(router.take())
    assert [name for commit in durable for name in ids_of(commit)] == expected


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(
    texts.filter(lambda text: text[0] != "$" and "\0" not in text), texts, st.integers(1, NOW_MS)
)
def test_what_is_written_is_read_as_it_was_told(user: str, number: str, at_ms: int) -> None:
    properties = msgspec.Raw(msgspec.json.encode({"a": number}))
    told = NativeEvent("view", at_ms, number, user, 1.25, "CNY", properties)
    output = Envelope(TOPIC, 0, "shop").wrap(told, at_ms, 3)
    read = make_decode(parse_rules(""))(output.key, output.value, NOW_MS)  # type: ignore[union-attr]
    assert isinstance(read, Acted)
    assert (read.user_id, read.event_id, read.event_time_ms) == (user, number, at_ms)
