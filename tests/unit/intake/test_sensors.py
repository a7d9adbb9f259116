"""Sensors Analytics: who it was, which id an event has, and wrong clocks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from streams.core.decoded import Rejected, RejectReason
from streams.core.sources import Form, Pick
from streams.core.time import HOUR_MS
from streams.intake.fact import Facts
from tests.unit.intake import spec

NOON = 1_484_136_000_000  # 2017-01-11T12:00Z
PAID: dict[str, Any] = {"type": "track", "event": "Paid", "time": NOON, "distinct_id": "ada"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def facts(record: dict[str, Any], **other: Any) -> Facts:
    told = spec.read(Form.SENSORS, json.dumps(record).encode(), **other)
    assert isinstance(told, tuple), told
    return told


def refused(record: dict[str, Any]) -> tuple[RejectReason, str]:
    told = spec.read(Form.SENSORS, json.dumps(record).encode())
    assert isinstance(told, Rejected), told
    return told.reason, told.detail


@pytest.mark.parametrize(
    ("ids", "who"),
    [
        ({"login_id": "ada", "anonymous_id": "web"}, ("ada", "web")),
        ({"identities": {"$identity_login_id": "ada"}, "anonymous_id": "web"}, ("ada", "web")),
        ({"properties": {"$is_login_id": True}}, ("ada", "")),
        ({"anonymous_id": "web"}, ("ada", "web")),
        ({"anonymous_id": "web", "properties": {"$is_login_id": False}}, ("", "web")),
        ({"anonymous_id": "ada"}, ("", "ada")),
        ({"properties": {"$is_login_id": False}}, ("", "ada")),
        ({"login_id": ""}, ("", "ada")),
        ({}, ("", "ada")),
        ({"distinct_id": 4711, "login_id": 4711}, ("4711", "")),
        ({"distinct_id": None}, ("", "")),
    ],
)
def test_who_it_was(ids: dict[str, Any], who: tuple[str, str]) -> None:
    (told,) = facts(PAID | ids)

    assert (told.user_id, told.anonymous_id) == who


def test_an_event_that_is_sent_again_has_the_same_id() -> None:
    drawn = PAID | {"_track_id": 7, "_flush_time": NOON + 1}

    assert facts(drawn)[0].event_id == facts(drawn | {"_flush_time": NOON + 9})[0].event_id
    assert facts(drawn)[0].event_id != facts(drawn | {"event": "Seen"})[0].event_id


def test_two_orders_of_one_second_are_two() -> None:
    first, other = PAID | {"properties": {"order": 1}}, PAID | {"properties": {"order": 2}}

    assert facts(first)[0].event_id != facts(other)[0].event_id
    assert facts(first)[0].event_id == facts(first)[0].event_id != ""


def test_an_id_of_the_mapping_takes_the_place_of_ours() -> None:
    assert facts(PAID, id=Pick(path=("properties", "order")))[0].event_id == ""


def test_a_clock_that_runs_ahead_is_corrected_by_the_moment_of_sending() -> None:
    ahead = PAID | {"time": NOON + 9 * HOUR_MS}

    assert facts(ahead | {"_flush_time": NOON + 9 * HOUR_MS + 60}, at_ms=NOON)[0].at_ms == NOON - 60
    assert facts(ahead, at_ms=NOON)[0].at_ms == NOON + 9 * HOUR_MS
    assert facts(PAID | {"_flush_time": NOON + 60}, at_ms=NOON + 5 * HOUR_MS)[0].at_ms == NOON
    assert facts(PAID | {"time": None})[0].at_ms == 0


@pytest.mark.parametrize("seconds", [NOON // 1_000, 0, -5])
def test_seconds_are_not_taken_for_milliseconds(seconds: int) -> None:
    reason, detail = refused(PAID | {"time": seconds})

    assert reason is RejectReason.BAD_TIME
    assert detail.endswith("are these seconds? - at `$.time`")


def test_a_time_may_be_an_instant_with_a_zone() -> None:
    assert facts(PAID | {"time": "2017-01-11T20:00:00+08:00"})[0].at_ms == NOON
    assert refused(PAID | {"time": "2017-01-11T20:00:00"})[1] == "no zone - at `$.time`"


def test_a_signup_needs_the_id_from_before() -> None:
    signup = PAID | {"type": "track_signup", "event": "$SignUp"}

    assert refused(signup) == (
        RejectReason.NO_ID,
        "a track_signup needs it - at `$.original_id`",
    )
    assert [told.name for told in facts(signup | {"original_id": "ada"})] == ["$SignUp"]


def test_a_binding_links_each_identity_once() -> None:
    names = {"$identity_login_id": "ada", "$identity_android_id": "d1", "$identity_cookie_id": "d1"}
    bound = PAID | {"type": "track_id_bind", "event": "$BindID", "_track_id": 3}

    told = facts(bound | {"identities": names | {"$identity_mobile": "139", "empty": ""}})

    assert [(each.name, each.user_id, each.anonymous_id) for each in told] == [
        ("$BindID", "ada", ""),
        ("$identify", "ada", "d1"),
        ("$identify", "ada", "$identity_mobile+139"),
    ]
    assert len({each.event_id for each in told}) == len(told)


def test_who_is_known_by_a_key_is_not_linked_to_himself() -> None:
    bound = PAID | {"type": "track_id_bind", "event": "$BindID"}
    names = {"$identity_mobile": "139", "$identity_email": "a@example.com"}

    told = facts(bound | {"distinct_id": "$identity_mobile+139", "identities": names})

    assert [each.anonymous_id for each in told] == ["", "$identity_email+a@example.com"]


@pytest.mark.parametrize("kind", ["Track", "", None, "profile_", "track_id"])
def test_an_unknown_type_is_refused(kind: object) -> None:
    assert refused(PAID | {"type": kind})[0] is RejectReason.BAD_ENVELOPE


@pytest.mark.parametrize("name", ["$identify", "$coverage", "$watermark", "", None])
def test_an_event_has_a_name_and_none_of_ours(name: object) -> None:
    reason, detail = refused(PAID | {"event": name})

    assert reason is RejectReason.BAD_ENVELOPE
    assert detail.endswith("at `$.event`")


@given(
    name=TEXTS.filter(lambda name: not name.startswith("$")),
    ids=st.tuples(TEXTS, TEXTS),
    at_ms=st.integers(min_value=946_684_800_000, max_value=4_102_444_800_000),
)
def test_an_event_that_is_written_is_read_again(
    name: str, ids: tuple[str, str], at_ms: int
) -> None:
    user_id, anonymous_id = ids
    record = {"type": "track", "event": name, "time": at_ms, "distinct_id": user_id}

    (told,) = facts(record | {"login_id": user_id, "anonymous_id": anonymous_id, "_track_id": 5})

    key = f"5:{at_ms}:{user_id}:{name}"
    assert astuple(told)[:5] == (name, key, at_ms, user_id, anonymous_id)
