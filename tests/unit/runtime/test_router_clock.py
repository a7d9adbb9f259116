"""The clock of a routed partition: when it moves, when it is told, and to whom."""

import json

import msgspec
import pytest

from streams.core.inputs import WatermarkPassed
from streams.core.native import WATERMARK_KEY, make_decode
from streams.core.routed import router_clocks
from streams.core.rules_file import parse_rules
from streams.core.sources import Form, KeyedBy, Source
from streams.runtime.producer import Commit, PartitionProducer
from streams.runtime.routed_record import LaneRecord
from streams.runtime.ticks import Tick
from tests.unit.runtime.routing import (
    MINUTE_MS,
    NOW_MS,
    SOURCE,
    TARGETS,
    TOPIC,
    Watch,
    chunk,
    drive,
    engine,
    events_of,
    line,
    told_of,
)
from winback_sender.contract.messages import Output

DECODE = make_decode(parse_rules(""))


def clocks_in(commit: Commit) -> list[WatermarkPassed]:
    found = [DECODE(output.key, output.value, NOW_MS) for output in told_of(commit)]
    assert all(isinstance(word, WatermarkPassed) for word in found)
    return found  # type: ignore[return-value]


def word(at_ms: int, *, is_idle: bool = False) -> WatermarkPassed:
    return WatermarkPassed(at_ms, f"router/{TOPIC}/2", is_idle)


def test_a_clock_stays_behind_the_newest_event_and_never_goes_back() -> None:
    watch = Watch()
    router = engine(watch)
    drive(router, chunk(0, line("ada", 1, NOW_MS - 5_000), line("bob", 2, NOW_MS - 90_000)))
    assert clocks_in(router.take()) == [word(NOW_MS - 65_000)]
    watch.at_ms += MINUTE_MS
    drive(router, chunk(2, line("bob", 3, NOW_MS - 80_000)))
    assert clocks_in(router.take()) == []


def test_a_clock_is_told_behind_its_events_and_not_with_every_commit() -> None:
    watch = Watch()
    router = engine(watch)
    drive(router, chunk(0, line("ada", 1)))
    first = router.take()
    assert clocks_in(first) == [word(NOW_MS - MINUTE_MS)]
    assert len(events_of(first)) == 1
    watch.at_ms += 1
    drive(router, chunk(1, line("ada", 2, NOW_MS + 1), written_ms=NOW_MS + 1))
    assert clocks_in(router.take()) == []
    watch.at_ms += 2_998
    assert not router.is_clock_due()
    watch.at_ms += 1
    assert router.is_clock_due()
    assert clocks_in(router.take()) == [word(NOW_MS + 1 - MINUTE_MS)]


def test_an_event_from_the_future_moves_the_clock_no_further_than_its_record() -> None:
    router = engine()
    drive(router, chunk(0, line("ada", 1, NOW_MS + 30 * MINUTE_MS)))
    assert router.watermark_ms == NOW_MS - MINUTE_MS


def test_a_lateness_that_changes_counts_from_then_on() -> None:
    router = engine()
    router.adopt(msgspec.structs.replace(SOURCE, lateness_ms=5 * MINUTE_MS))
    drive(router, chunk(0, line("ada", 1)))
    assert router.watermark_ms == NOW_MS - 5 * MINUTE_MS


def test_a_producer_that_lives_in_2038_does_not_stop_the_clock() -> None:
    watch, ahead_ms = Watch(), NOW_MS + 14 * 366 * 24 * 60 * MINUTE_MS
    router = engine(watch)
    drive(router, chunk(0, line("ada", 1, ahead_ms), written_ms=ahead_ms))
    assert clocks_in(router.take()) == []
    drive(router, chunk(1, line("bob", 2, NOW_MS + MINUTE_MS), written_ms=NOW_MS + MINUTE_MS))
    assert clocks_in(router.take()) == [word(NOW_MS - MINUTE_MS)]
    watch.at_ms += 5 * MINUTE_MS
    assert router.tick(Tick(watch.at_ms), 1)
    assert clocks_in(router.take()) == [word(watch.at_ms - MINUTE_MS)]


def test_a_clock_that_was_kept_from_ahead_comes_back_to_the_present() -> None:
    watch = Watch()
    router = engine(watch)
    kept = LaneRecord(7, NOW_MS + 99 * MINUTE_MS)
    router.restore({TOPIC.encode(): msgspec.json.encode(kept)})
    assert router.watermark_ms == NOW_MS


def test_a_tick_says_that_silence_is_silence() -> None:
    router = engine()
    assert router.tick(Tick(NOW_MS), 1)
    assert clocks_in(router.take()) == [word(NOW_MS - MINUTE_MS)]


def test_without_ticks_a_clock_falls_idle_and_wakes_with_its_next_record() -> None:
    watch = Watch()
    router = engine(watch, is_ticked=False)
    drive(router, chunk(0, line("ada", 1)))
    router.take()
    watch.at_ms += SOURCE.idle_after_ms - 1
    router.rest()
    assert not router.is_idle
    watch.at_ms += 1
    router.rest()
    assert clocks_in(router.take()) == [word(NOW_MS - MINUTE_MS, is_idle=True)]
    assert not router.take()
    drive(router, chunk(1, line("ada", 2)))
    commit = router.take()
    assert clocks_in(commit) == [word(NOW_MS - MINUTE_MS)]
    assert len(events_of(commit)) == 1


def test_a_partition_without_any_record_falls_idle_too() -> None:
    watch = Watch()
    router = engine(watch, is_ticked=False)
    watch.at_ms += SOURCE.idle_after_ms
    router.rest()
    assert clocks_in(router.take()) == [word(1, is_idle=True)]


def test_a_topic_that_rests_is_vouched_for_only_as_long_as_somebody_watches_it() -> None:
    """It is never said to be idle: nobody would be there to take that back when the router dies."""
    watch = Watch()
    router = engine(watch)
    drive(router, chunk(0, line("ada", 1)))
    router.take()
    watch.at_ms += SOURCE.idle_after_ms
    router.rest()
    router.tick(Tick(watch.at_ms), 1)
    assert clocks_in(router.take()) == [word(watch.at_ms)]
    router.tick(Tick(watch.at_ms + 1_000), 1)
    watch.at_ms += 29_999
    assert not router.take()
    watch.at_ms += 1
    assert clocks_in(router.take()) == [word(watch.at_ms - 29_000)]
    drive(router, chunk(1, line("ada", 2, watch.at_ms), written_ms=watch.at_ms))
    router.tick(Tick(watch.at_ms + 30_000), 1)
    watch.at_ms += 30_000
    assert clocks_in(router.take()) == []
    assert router.watermark_ms == watch.at_ms - 59_000


def test_the_next_owner_tells_the_clock_once_more() -> None:
    router = engine()
    drive(router, chunk(0, line("ada", 1)))
    heir = engine()
    heir.restore(dict(router.take().changelog))  # type: ignore[arg-type]
    assert clocks_in(heir.take()) == [word(NOW_MS - MINUTE_MS)]


def test_nobody_may_speak_for_the_clock() -> None:
    router = engine()
    drive(router, chunk(0, line("$watermark", 1)))
    commit = router.take()
    assert clocks_in(commit) == []
    (letter,) = commit.outputs[TARGETS.dead_letters]
    assert dict(letter.headers)["__connect.errors.exception.class.name"] == b"bad_envelope"


@pytest.mark.parametrize("properties", [{"clock": 1}, {"clock": None}, [], {"is_idle": "yes"}])
def test_a_watermark_that_names_no_clock_is_refused(properties: object) -> None:
    value = {"event": "$watermark", "user_id": "$watermark", "event_id": "w", "event_time": 5,
             "properties": properties}  # fmt: skip
    refused = DECODE(WATERMARK_KEY, json.dumps(value).encode(), NOW_MS)
    assert getattr(refused, "reason", None) == "bad_property"


def test_what_goes_everywhere_stands_behind_what_goes_to_its_key() -> None:
    producer = PartitionProducer.__new__(PartitionProducer)
    producer._partition_counts = {"user-activity": 3}
    ada, mark = Output(b"ada", b"1", []), Output(b"$watermark", b"w", [])
    placed = producer._placed(Commit([], {}, {"user-activity": [ada]}, {"user-activity": [mark]}))
    found = sorted(placed["user-activity"].values(), key=len)
    assert found == [[mark], [mark], [ada, mark]]
    assert set(placed["user-activity"]) == {0, 1, 2}


def test_the_clocks_of_all_routed_partitions_are_known() -> None:
    sources = (
        Source(topic="a", form=Form.JSON),
        Source(topic="b", form=Form.JSON, keyed_by=KeyedBy.USER),
        Source(topic="c", form=Form.JSON),
    )
    assert router_clocks(sources, {"a": 2, "c": 1}) == ("router/a/0", "router/a/1", "router/c/0")
