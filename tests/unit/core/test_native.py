"""Decoding of records: what is accepted, skipped and rejected, and with which words."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.decoded import Rejected, RejectReason, Skipped
from streams.core.inputs import (
    Acted,
    ConsentChanged,
    Erased,
    FeedbackReceived,
    ObservationPaused,
    OptedOut,
    OutageAnnounced,
    ReachChanged,
    TraitsSet,
    WatermarkPassed,
)
from streams.core.native import WATERMARK_KEY, decode_feedback, make_decode
from tests.unit.core.stories import day, rules_of

NOW = day(10)
DECODE = make_decode(
    rules_of(
        traits="[city]",
        traits_told_apart="[is_pro=true]",
        kinds="[purchase, refund, buy, try, ask, gripe]",
    )
)


def event(**fields: object) -> bytes:
    native = {"event_id": "e1", "user_id": "李雷", "event": "browse", "event_time": day(9)} | fields
    return json.dumps({name: value for name, value in native.items() if value is not None}).encode()


def decoded(key: str = "李雷", **fields: object) -> object:
    return DECODE(key.encode(), event(**fields), NOW)


def test_an_activity_in_epoch_ms_and_in_iso_8601_is_the_same() -> None:
    expected = Acted("李雷", "e1", day(9))
    assert decoded() == expected
    assert decoded(event_time="2017-01-10T12:00:00Z") == expected
    assert decoded(event_time="2017-01-10T20:00:00+08:00") == expected


def test_the_slot_of_a_kind_is_its_place_in_the_rules() -> None:
    slots = [
        message.slot
        for name in ("purchase", "ask", "gripe", "browse")
        if isinstance(message := decoded(event=name), Acted)
    ]
    assert slots == [0, 4, 5, -1]


def test_money_becomes_minor_units_and_a_refund_is_negative_and_risky() -> None:
    assert decoded(event="purchase", amount="12.34") == Acted("李雷", "e1", day(9), 12.34, 1234, 0)
    refund = decoded(event="refund", amount=12.34, currency="CNY")
    taken_back = Acted("李雷", "e1", day(9), 12.34, -1234, 1, is_risky=True, trigger="refund")
    assert refund == taken_back
    cancelled = decoded(event="cancellation", amount=12.34)
    assert cancelled == msgspec.structs.replace(taken_back, slot=-1, trigger="cancellation")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"event": "consent_changed", "properties": {"channel": "sms", "granted": True}},
            ConsentChanged("李雷", day(9), "sms", is_granted=True),
        ),
        ({"event": "opt_out"}, OptedOut("李雷", day(9))),
        ({"event": "erasure_requested"}, Erased("李雷", day(9))),
        (
            {"event": "traits_set", "properties": {"zone": "Asia/Tokyo", "city": "京都", "x": 1}},
            TraitsSet("李雷", day(9), "Asia/Tokyo", "", {"city": "京都"}),
        ),
        (
            {"event": "traits_set", "properties": {"acquisition_source": None, "is_pro": True}},
            TraitsSet("李雷", day(9), "", "", {"is_pro": "true"}),
        ),
    ],
)
def test_events_that_are_no_activity_become_inputs_of_their_own(
    fields: dict[str, object], expected: object
) -> None:
    assert decoded(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": "NaN"}, RejectReason.BAD_AMOUNT),
        ({"amount": "much"}, RejectReason.BAD_AMOUNT),
        ({"amount": 1e300}, RejectReason.BAD_AMOUNT),
        ({"event": "purchase", "amount": -0.01}, RejectReason.BAD_AMOUNT),
        ({"event": "refund", "amount": "-12"}, RejectReason.BAD_AMOUNT),
        ({"event": "cancellation", "amount": -5}, RejectReason.BAD_AMOUNT),
        ({"event": "purchase", "amount": 1, "currency": "USD"}, RejectReason.BAD_CURRENCY),
        ({"event": "cancellation", "amount": 1, "currency": "USD"}, RejectReason.BAD_CURRENCY),
        ({"event_time": "2999-01-01T00:00:00Z"}, RejectReason.FUTURE),
        ({"event_time": NOW + 3_600_001}, RejectReason.FUTURE),
        ({"event_time": "2017-01-10T12:00:00"}, RejectReason.BAD_TIME),
        ({"event_time": "yesterday"}, RejectReason.NOT_DECODABLE),
        ({"event_time": -1}, RejectReason.BAD_TIME),
        ({"event_id": ""}, RejectReason.NO_ID),
        ({"user_id": "han"}, RejectReason.KEY_MISMATCH),
        ({"event": None}, RejectReason.NOT_DECODABLE),
        ({"event": "consent_changed"}, RejectReason.BAD_PROPERTY),
        ({"event": "traits_set", "properties": {"zone": "Mars"}}, RejectReason.BAD_PROPERTY),
        ({"event": "traits_set", "properties": [1]}, RejectReason.BAD_PROPERTY),
        ({"properties": {"x": "y" * 70_000}}, RejectReason.TOO_LARGE),
        ({"event": "traits_set", "properties": {"city": "y" * 201}}, RejectReason.BAD_PROPERTY),
        ({"event": "opt_out", "properties": {"channel": "y" * 33}}, RejectReason.BAD_PROPERTY),
        ({"event_time": 32_503_680_000_000}, RejectReason.FUTURE),
    ],
)
def test_what_cannot_be_an_input_is_rejected_with_a_reason(
    fields: dict[str, object], reason: RejectReason
) -> None:
    found = decoded(**fields)
    assert isinstance(found, Rejected)
    assert found.reason is reason
    assert found.detail


def test_nan_is_not_json_and_an_empty_record_is_rejected() -> None:
    bad = event().replace(b"}", b', "amount": NaN}')
    assert DECODE("李雷".encode(), bad, NOW).reason is RejectReason.NOT_DECODABLE
    assert DECODE(b"x", None, NOW).reason is RejectReason.EMPTY
    assert DECODE(None, event(), NOW).reason is RejectReason.EMPTY


def test_a_name_that_does_not_count_is_skipped_not_rejected() -> None:
    only_orders = make_decode(rules_of(churn="{activity: [purchase]}"))
    assert only_orders("李雷".encode(), event(), NOW) == Skipped("not_activity")


def test_a_watermark_has_a_key_of_its_own() -> None:
    mark = json.dumps({"event": "$watermark", "event_time": day(9)}).encode()
    assert DECODE(WATERMARK_KEY, mark, NOW) == WatermarkPassed(day(9))


FOREVER = float("inf")


@pytest.mark.parametrize(
    ("properties", "span"),
    [
        ({"from": "2017-01-03", "to": "2017-01-05T12:00:00Z"}, (day(2, 0), day(4))),
        ({"from": day(2), "to": None}, (day(2), FOREVER)),
        ({}, (day(9), FOREVER)),
    ],
)
def test_a_gap_is_of_one_user_or_under_its_own_key_of_the_whole_source(
    properties: dict[str, object], span: tuple[float, float]
) -> None:
    of_all = decoded("$coverage", user_id="$coverage", event="$coverage", properties=properties)
    of_one = decoded(event="$coverage", properties=properties)

    assert of_all == OutageAnnounced(day(9), *span)
    assert of_one == ObservationPaused("李雷", day(9), *span)


@pytest.mark.parametrize(
    "properties", [{"from": "soon"}, {"from": None}, {"from": 1, "to": [2]}, {"from": 10**40}]
)
def test_a_gap_without_edges_is_rejected(properties: dict[str, object]) -> None:
    found = decoded(event="$coverage", properties=properties)
    assert isinstance(found, Rejected)
    assert found.reason is RejectReason.BAD_PROPERTY


def test_an_event_of_the_source_may_mean_that_a_user_goes() -> None:
    decode = make_decode(rules_of(events="{coverage: [course_ended]}"))
    ended = ObservationPaused("李雷", day(9), day(9), FOREVER)
    assert decode("李雷".encode(), event(event="course_ended"), NOW) == ended


@pytest.mark.parametrize("value", [b"[" * 40_000, b'{"a":' * 10_000])
def test_nested_json_is_rejected_like_any_other_nonsense(value: bytes) -> None:
    inside = event()[:-1] + b', "properties": ' + value + b"}"
    for found in (DECODE("李雷".encode(), inside, NOW), decode_feedback(b"x", value, NOW)):
        assert isinstance(found, Rejected)
        assert found.reason in {RejectReason.NOT_DECODABLE, RejectReason.TOO_LARGE}
    consent = event(event="consent_changed")[:-1] + b', "properties": ' + b"[" * 900 + b"]" * 900
    assert isinstance(DECODE("李雷".encode(), consent + b"}", NOW), Rejected)


def test_a_user_id_that_begins_like_our_own_keys_is_rejected() -> None:
    found = decoded("\0partition", user_id="\0partition")
    assert isinstance(found, Rejected)


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_no_bytes_can_break_the_decoders(value: bytes, key: bytes) -> None:
    for decode in (DECODE, decode_feedback):
        assert isinstance(decode(key, value, NOW), Rejected)


def test_feedback_is_checked_like_activity() -> None:
    good = {"touch_id": "t", "user_id": "ada", "status": "delivered", "at": day(9)}
    assert decode_feedback(b"ada", json.dumps(good).encode(), NOW) == FeedbackReceived(
        "ada", day(9), "t", "delivered"
    )
    for change, reason in (
        ({"status": "flew"}, RejectReason.BAD_STATUS),
        ({"touch_id": ""}, RejectReason.NO_ID),
        ({"at": day(11)}, RejectReason.FUTURE),
        ({"user_id": "bo"}, RejectReason.KEY_MISMATCH),
    ):
        found = decode_feedback(b"ada", json.dumps(good | change).encode(), NOW)
        assert isinstance(found, Rejected)
        assert found.reason is reason


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"tokens": 1}, {"tokens": 1}),
        ({"tokens": -1}, {"tokens": -1}),
        ({"open_for": "48h"}, {"open_until_ms": day(11)}),
        ({"open_until": "2017-01-12T12:00:00Z"}, {"open_until_ms": day(11)}),
        ({"is_reachable": False}, {"is_reachable": False}),
        ({"is_reachable": True, "tokens": 2}, {"is_reachable": True, "tokens": 2}),
    ],
)
def test_what_is_said_of_a_channel_s_reach(
    said: dict[str, object], expected: dict[str, object]
) -> None:
    found = decoded(event="channel_reach", properties={"channel": "wechat"} | said)
    assert found == ReachChanged("李雷", "e1", day(9), "wechat", **expected)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"tokens": 0},
        {"tokens": 1.5},
        {"tokens": True},
        {"tokens": 100_000},
        {"open_for": "soon"},
        {"open_for": "9" * 400 + "d"},
        {"open_for": "2000d"},
        {"open_until": "2017-01-12T12:00:00"},
        {"open_until": ""},
        {"open_until": None},
        {"is_reachable": "yes"},
        {"tokens": 1, "channel": ""},
        {"tokens": 1, "channel": None},
        {"tokens": 1, "channel": "y" * 33},
    ],
)
def test_a_reach_that_nobody_can_count_with_is_rejected(said: dict[str, object]) -> None:
    found = decoded(event="channel_reach", properties={"channel": "wechat"} | said)
    assert isinstance(found, Rejected)
    assert found.reason is RejectReason.BAD_PROPERTY


def test_feedback_may_name_its_channel_and_outcome() -> None:
    value = {"touch_id": "t", "user_id": "ada", "status": "handled", "at": day(9)}
    said = {"outcome": "no_answer", "channel": "call"}
    assert decode_feedback(b"ada", json.dumps(value | said).encode(), NOW) == FeedbackReceived(
        "ada", day(9), "t", "handled", "no_answer", "call"
    )
    for too_long in ({"outcome": "x" * 201}, {"channel": "x" * 33}):
        found = decode_feedback(b"ada", json.dumps(value | too_long).encode(), NOW)
        assert isinstance(found, Rejected)
        assert found.reason is RejectReason.BAD_PROPERTY
