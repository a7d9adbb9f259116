"""Segment: which time counts, whose call it is, and batches."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from streams.core.decoded import Rejected, RejectReason, Skipped
from streams.core.sources import Form, When
from streams.core.time import HOUR_MS, iso
from streams.intake.fact import Fact, Facts
from tests.unit.intake import spec

NOON = 1_484_136_000_000  # 2017-01-11T12:00Z
CALL: dict[str, Any] = {"type": "track", "event": "Paid", "messageId": "m1", "userId": "ada"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def read(call: dict[str, Any], **other: Any) -> spec.Told:
    return spec.read(Form.SEGMENT, json.dumps(call).encode(), **other)


def fact(call: dict[str, Any], **other: Any) -> Fact:
    told = read(call, **other)
    assert isinstance(told, tuple), told
    return told[0]


def refused(call: dict[str, Any], **other: Any) -> tuple[RejectReason, str]:
    told = read(call, **other)
    assert isinstance(told, Rejected), told
    return told.reason, told.detail


def at(*, record_ms: int = NOON, **times: int) -> int:
    """Return when a call is understood to have been made, if it names these instants."""
    return fact(CALL | {name: iso(ms) for name, ms in times.items()}, at_ms=record_ms).at_ms


def test_what_segment_has_corrected_is_not_corrected_again() -> None:
    times = {"timestamp": NOON - 10, "originalTimestamp": 5, "sentAt": 6, "receivedAt": NOON}

    assert at(**times) == NOON - 10


def test_without_a_timestamp_the_client_and_the_server_tell_together() -> None:
    """The client's clock is a year behind; 40 s lay between the call and the sending."""
    times = {"originalTimestamp": NOON - 31_536_000_000, "sentAt": NOON - 31_535_960_000}

    assert at(**times, receivedAt=NOON) == NOON - 40_000


def test_without_a_timestamp_and_half_of_the_rest_the_client_is_believed() -> None:
    assert at(originalTimestamp=NOON - 7, sentAt=NOON) == NOON - 7
    assert at(originalTimestamp=NOON - 7, receivedAt=NOON) == NOON - 7
    assert at(receivedAt=NOON - 3) == NOON - 3
    assert at(sentAt=NOON) == 0
    assert at() == 0


@pytest.mark.parametrize("wrong", [NOON + 2 * HOUR_MS, 86_400_000])
def test_a_clock_that_cannot_be_right_is_corrected_by_the_moment_of_sending(wrong: int) -> None:
    assert at(timestamp=wrong, sentAt=wrong + 90_000) == NOON - 90_000
    assert at(timestamp=wrong, sentAt=wrong, receivedAt=NOON - 5) == NOON - 5
    assert at(timestamp=wrong) == wrong, "nothing tells better; the mapping refuses the future"


def test_a_record_without_a_timestamp_of_its_own_corrects_nothing() -> None:
    """A file of records does not say when they were written."""
    assert at(record_ms=0, timestamp=NOON, sentAt=NOON + 5) == NOON


@pytest.mark.parametrize("name", ["timestamp", "originalTimestamp", "sentAt", "receivedAt"])
def test_a_time_without_a_zone_is_refused(name: str) -> None:
    assert refused(CALL | {name: "2017-01-11T12:00:00"}) == (
        RejectReason.BAD_TIME,
        f"no zone - at `$.{name}`",
    )


def test_times_that_the_mapping_tells_are_not_even_looked_at() -> None:
    told = fact(CALL | {"timestamp": "11/01/2017"}, time=When(path=("timestamp",)))

    assert told.at_ms == 0


@pytest.mark.parametrize("version", [1, 2, "1", "1.1", "2.0", 1.1, None])
def test_versions_of_the_api_are_read(version: object) -> None:
    assert fact(CALL | {"version": version}).name == "Paid"


@pytest.mark.parametrize("version", [3, "3.0", "", "v2", -1])
def test_other_versions_are_refused(version: object) -> None:
    reason, detail = refused(CALL | {"version": version})

    assert reason is RejectReason.UNKNOWN_VERSION
    assert detail.endswith("at `$.version`")


def test_whoever_identifies_as_the_same_id_links_nothing() -> None:
    call = {"type": "identify", "messageId": "m", "userId": "ada", "anonymousId": "ada"}

    assert [each.name for each in _facts(call)] == ["identify"]
    assert read({"type": "alias", "userId": "ada", "previousId": "ada"}) == Skipped(
        "links_id_to_itself"
    )


def test_an_alias_needs_both_ids() -> None:
    assert (
        refused({"type": "alias", "previousId": "x"})[1] == "an alias call needs it - at `$.userId`"
    )
    assert refused({"type": "alias", "userId": "x"})[0] is RejectReason.NO_ID


def test_ids_may_be_integers() -> None:
    told = fact(CALL | {"userId": 4711, "anonymousId": 7, "messageId": 9})

    assert (told.event_id, told.user_id, told.anonymous_id) == ("9", "4711", "7")


@pytest.mark.parametrize("name", ["$identify", "$coverage", "$watermark"])
def test_a_client_cannot_speak_in_our_name(name: str) -> None:
    assert refused(CALL | {"event": name})[0] is RejectReason.BAD_ENVELOPE


def test_a_batch_lends_its_calls_what_they_do_not_say() -> None:
    batch = {
        "batch": [CALL | {"context": {"zone": "UTC"}}, CALL | {"context": None}],
        "context": {"zone": "Asia/Tokyo", "ip": "192.0.2.1"},
        "receivedAt": iso(NOON),
    }
    paths = (("context", "zone"), ("context", "ip"))

    own, lent = _facts(batch, paths=paths)

    assert (own.body.context.zone, own.body.context.ip) == ("UTC", "192.0.2.1")
    assert (lent.body.context.zone, lent.at_ms) == ("Asia/Tokyo", NOON)


def test_one_wrong_call_refuses_its_batch_and_says_which() -> None:
    assert refused({"batch": [CALL, {"type": "shout"}]}) == (
        RejectReason.BAD_ENVELOPE,
        "'shout' is no call of the specification - at `$.batch[1].type`",
    )
    assert read({"batch": []}) == Skipped("empty_batch")


@given(
    name=TEXTS.filter(lambda name: not name.startswith("$")),
    ids=st.tuples(TEXTS, TEXTS, TEXTS),
    at_ms=st.integers(min_value=946_684_800_000, max_value=4_102_444_800_000),
)
def test_an_event_that_is_written_is_read_again(
    name: str, ids: tuple[str, str, str], at_ms: int
) -> None:
    event_id, user_id, anonymous_id = ids
    call = {"type": "track", "event": name, "messageId": event_id, "timestamp": iso(at_ms)}

    told = fact(call | {"userId": user_id, "anonymousId": anonymous_id})

    assert astuple(told)[:5] == (name, event_id, at_ms, user_id, anonymous_id)


def _facts(call: dict[str, Any], **other: Any) -> Facts:
    told = read(call, **other)
    assert isinstance(told, tuple), told
    return told
