"""Records of no common format: everything is where the mapping says."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.decoded import Rejected
from streams.core.interpret import NativeEvent
from streams.core.rules_file import parse_rules
from streams.core.sources import Form
from streams.intake.decoder import make_tell
from streams.intake.shape import getter
from streams.intake.told import Told
from streams.intake.wire.json_values import json_parse_as
from tests.unit.core.stories import rules_of
from tests.unit.intake import spec

RULES = """
inputs:
  shop.orders:
    format: json
    user: $.customer.id
    anonymous: $.device
    id: $.order_no
    event: $.state
    time: {path: $.changed_at, unit: s}
    map: [{event: paid, as: purchase, amount: {path: $.fen, unit: minor}}]
"""
ENVELOPED = """
inputs:
  shop.events:
    format: cloudevents
    inner: segment
    map: [{event: Paid, as: purchase, amount: $.properties.total}]
"""
PAID: dict[str, Any] = {
    "customer": {"id": 4711}, "device": "d1", "order_no": "o1", "state": "paid",
    "changed_at": 1_484_136_000, "fen": 1250,
}  # fmt: skip
NOON = 1_484_136_000_000


def told(rules: str, record: dict[str, Any]) -> Told:
    (source,) = parse_rules(rules).sources
    tell = make_tell(source, rules_of(), json_parse_as)
    return tell(None, json.dumps(record).encode(), NOON, ())


def event(rules: str, record: dict[str, Any]) -> NativeEvent:
    result = told(rules, record)
    assert isinstance(result, tuple), result
    (only,) = result
    return only


def test_everything_is_where_the_mapping_says() -> None:
    paid = event(RULES, PAID)

    assert (paid.event, paid.event_id, paid.user_id) == ("purchase", "o1", "4711")
    assert (paid.event_time, paid.amount) == (NOON, 12.5)


def test_who_is_not_logged_in_is_known_by_his_device() -> None:
    assert event(RULES, PAID | {"customer": None}).user_id == "d1"


def test_a_record_in_an_envelope_is_mapped_as_if_there_were_none() -> None:
    call = {"type": "track", "event": "Paid", "userId": "ada", "properties": {"total": 12.5}}
    around = {"specversion": "1.0", "id": "7", "source": "/s", "type": "x", "data": call}

    paid = event(ENVELOPED, around | {"time": "2017-01-11T12:00:00Z"})

    assert (paid.event_id, paid.user_id, paid.amount) == ("/s 7", "ada", 12.5)


def test_a_native_event_in_an_envelope_needs_no_mapping() -> None:
    rules = "inputs:\n  t: {format: cloudevents, inner: winback}"
    data = {"event_id": "e", "user_id": "ada", "event": "visit", "event_time": NOON}
    around = {"specversion": "1.0", "id": "7", "source": "/s", "type": "x", "data": data}

    assert (event(rules, around).event_id, event(rules, around).event) == ("e", "visit")
    assert isinstance(told(rules, around | {"id": None}), Rejected)
    assert isinstance(told(rules, around | {"data": None}), Rejected)


@given(
    record=st.dictionaries(
        st.sampled_from(["a", "b", "$x", "_y", "from", "x61", "über"]),
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    )
)
def test_whatever_a_path_leads_to_is_what_stands_there(record: dict[str, Any]) -> None:
    names = sorted(record)
    (fact,) = spec.read(Form.JSON, json.dumps(record).encode(), paths=[(name,) for name in names])

    read = [getter((name,))(fact.body) for name in names]

    assert read == [record[name] for name in names]
