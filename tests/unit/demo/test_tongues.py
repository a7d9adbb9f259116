"""Every tongue, read by its own rules, says what it was told."""

import functools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.rules_file import parse_rules
from streams.core.sources import LINK_EVENT
from streams.demo.tongues import LINK_ID, SCHEMA_ID, TONGUES
from streams.intake.decoder import Tell, make_tell
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.protobuf_files import KIND, with_files
from streams.intake.wire.schemas import Schema, Schemas
from streams.replay.events import NativeEvent

AT_MS = 1_483_271_606_123
MONEY = "money: {currency: USD}\n"
SAID = {
    "consent_changed": {"channel": "sms", "granted": False},
    "opt_out": {"channel": "sms"},
    "erasure_requested": None,
    "traits_set": {"zone": "Asia/Shanghai", "member_name": "王"},
    "$identify": {"anonymous_id": "anon-1"},
}


@functools.cache
def teller(tongue: str) -> Tell:
    spoken = TONGUES[tongue]
    rules = parse_rules(MONEY + spoken.rules)
    (source,) = rules.sources
    schemas = Schemas()
    schema = Schema(source.encoding.value.upper(), spoken.schema)
    schemas.learn(SCHEMA_ID, with_files(schema) if schema.kind == KIND else schema)
    return make_tell(source, rules, parse_as_of(source.encoding, schemas))


def events_of(tongue: str, event: NativeEvent) -> list[NativeEvent]:
    """Return what a tongue's record comes to."""
    record = TONGUES[tongue].write(event)
    told = teller(tongue)(record.key, record.value, event.event_time, record.headers)
    assert isinstance(told, tuple), told
    return [
        NativeEvent(
            one.event_id, one.user_id, one.event, int(str(one.event_time)),
            None if one.amount is None else float(one.amount), one.currency,
            (json.loads(bytes(one.properties)) or None) if one.properties else None,
        )
        for one in told
    ]  # fmt: skip


@pytest.mark.parametrize("tongue", TONGUES)
@pytest.mark.parametrize("name", SAID)
def test_what_a_user_says_comes_back(tongue: str, name: str) -> None:
    event_id = f"e1{LINK_ID}" if name == LINK_EVENT else "e1"
    event = NativeEvent(event_id, "用户 1", name, AT_MS, properties=SAID[name])
    assert events_of(tongue, event) == [event]


@pytest.mark.parametrize("tongue", TONGUES)
@settings(max_examples=25)
@given(
    name=st.sampled_from(["visit", "purchase", "refund", "complaint", "cancellation"]),
    cents=st.integers(0, 10**9), at_ms=st.integers(946_684_800_000, 4_000_000_000_000),
    user=st.text("ab用 ", min_size=1, max_size=9).filter(str.strip),
)  # fmt: skip
def test_what_a_user_does_comes_back_with_its_money(
    tongue: str, name: str, cents: int, at_ms: int, user: str
) -> None:
    event = NativeEvent("e1", user, name, at_ms, cents / 100, "USD")
    assert events_of(tongue, event) == [event]
