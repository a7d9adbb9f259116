"""Many records at a time: each comes to what it comes to alone; no key may stand twice."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.decoded import Rejected, RejectReason
from streams.core.inputs import Acted, FeedbackReceived
from streams.core.rules_file import parse_rules
from streams.demo.tongues import TONGUES
from streams.intake.bulk import Bulk, bulk_decode, bulk_feedback, bulk_native
from streams.intake.wire.schemas import Schemas
from streams.replay.events import NativeEvent
from tests.unit.core.stories import day
from tests.unit.intake.bulks import bulks

LATE_MS = day(100)
VISIT = b'{"event_id":"e1","user_id":"ada","event":"visit","event_time":1483271606000}'
TWICE = VISIT.replace(b"{", b'{"user_id":"bob",')
HEARD = b'{"user_id":"ada","touch_id":"t1","status":"delivered","at":1483271606000}'


def read(bulk: Bulk[Any], *values: bytes) -> list[Any]:
    return bulk.all([b"ada"] * len(values), values, [LATE_MS] * len(values))


def test_of_native_events_a_key_that_stands_twice_is_refused() -> None:
    first, second, third = read(bulk_native(parse_rules("")), VISIT, TWICE, VISIT)
    assert isinstance(first, Acted)
    assert first == third
    assert second.reason is RejectReason.DUPLICATE_KEY
    assert "`$.user_id`" in second.detail


def test_of_feedback_likewise() -> None:
    twice = HEARD.replace(b'"at"', b'"status":"opted_out","at"')
    heard, refused = read(bulk_feedback(), HEARD, twice)
    assert isinstance(heard, FeedbackReceived)
    assert refused.reason is RejectReason.DUPLICATE_KEY


def test_what_is_wrong_otherwise_is_told_as_ever() -> None:
    whole, broken = read(bulk_native(parse_rules("")), VISIT, TWICE[:-1])
    assert isinstance(whole, Acted)
    assert broken.reason is RejectReason.NOT_DECODABLE


def test_a_key_may_not_stand_twice_where_nobody_sees_it_either() -> None:
    tongue = TONGUES["cloudevents"]
    rules = parse_rules(tongue.rules)
    record = tongue.write(NativeEvent("e1", "ada", "purchase", day(1), 12.5, "CNY"))
    event = json.loads(record.value)
    data = json.dumps(event.pop("data")).replace("{", '{"user_id": "bob", ')
    event["data_base64"] = b64encode(data.encode()).decode()
    bulk = bulk_decode(rules.sources[0], rules, Schemas())
    values, headers = [record.value, json.dumps(event).encode()], [record.headers] * 2
    seen, hidden = bulk.all([b"ada"] * 2, values, [LATE_MS] * 2, headers)
    assert isinstance(seen, Acted)
    assert isinstance(hidden, Rejected)
    assert hidden.reason is RejectReason.DUPLICATE_KEY


KINDS = st.sampled_from(["visit", "purchase", "complaint", "traits_set", "opt_out"])
DAMAGE = st.sampled_from(
    [(b"", b""), (b'":"', b'" : "'), (b'{"', b'{"id":1,"id":2,"'), (b"}", b"")]
)


@pytest.mark.parametrize("name", sorted(TONGUES))
@given(told=st.lists(st.tuples(KINDS, DAMAGE), max_size=6))
def test_together_and_alone_they_are_the_same(
    name: str, told: list[tuple[str, tuple[bytes, bytes]]]
) -> None:
    tongue = TONGUES[name]
    records = [
        tongue.write(NativeEvent(f"e{place}", "ada", kind, day(1), 12.5, "CNY"))
        for place, (kind, _) in enumerate(told)
    ]
    values = [
        record.value.replace(*damage, 1) for record, (_, damage) in zip(records, told, strict=True)
    ]
    keys, times = [b"ada"] * len(told), [LATE_MS] * len(told)
    headers = [record.headers for record in records]
    for bulk in bulks(name):
        alone = list(map(bulk.careful, keys, values, times, headers))
        assert bulk.all(keys, values, times, headers) == alone
