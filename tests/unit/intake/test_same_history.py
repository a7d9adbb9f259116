"""One history, told in every format: the same states and the same touches, byte by byte."""

import random
from collections.abc import Iterator

import msgspec
import pytest
from msgspec.structs import replace

from streams.core.decoded import Rejected, Skipped, inputs_of
from streams.core.inputs import Input
from streams.core.native import make_decode
from streams.core.outbox import TOUCHES
from streams.core.sources import LINK_EVENT, Encoding
from streams.demo.tongues import LINK_ID, SCHEMA_ID, TONGUES, Record, Tongue
from streams.intake.decoder import make_source_decode, make_tell
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.schemas import Schema, Schemas
from streams.replay.events import NativeEvent
from streams.replay.fleet import Accepted, Fleet
from tests.unit.core.stories import GRANTED, ToldScorer, by_silence, day, rules_of

DAYS = 90
USERS = 30
LATE_MS = day(DAYS + 40)
"""Record timestamp of everything: nothing lies in its future."""


def history() -> list[NativeEvent]:
    """Return what thirty users do and say in ninety days: some of them leave, three log in."""
    chance, told = random.Random(7), list[NativeEvent]()

    def say(user: str, at_ms: int, event: str, amount: float | None = None, **said: object) -> None:
        currency = None if amount is None else "CNY"
        name = f"e{len(told):05d}"
        told.append(NativeEvent(name, user, event, at_ms, amount, currency, said or None))

    for number in range(USERS):
        user = f"用户{number}" if number % 7 == 0 else f"u{number}"
        say(user, day(0, number / 10), "traits_set", zone="Asia/Shanghai", member_name="李雷")
        say(user, day(0, 4 + number / 10), "consent_changed", channel="sms", granted=number % 5 > 0)
        leaves = chance.randrange(20, DAYS)
        at = 1.0
        while at < leaves:
            amount = round(chance.uniform(1, 300), 2)
            kind = chance.choice(["visit", "visit", "purchase", "purchase", "refund"])
            say(user, day(at, chance.uniform(0, 20)), kind, None if kind == "visit" else amount)
            at += chance.uniform(0.5, 6)
        if number % 9 == 0:
            say(user, day(leaves, 21), "complaint")
        if number % 11 == 0:
            say(user, day(leaves + 2, 21), "opt_out", channel="sms")
        if number % 10 == 0:
            before = f"anon-{number}"
            say(before, day(3, 1), "visit")
            say(user, day(4, 1), LINK_EVENT, anonymous_id=before)
            told[-1] = replace(told[-1], event_id=f"{told[-1].event_id}{LINK_ID}")
    say("u8", day(DAYS), "erasure_requested")
    say("u9", day(DAYS + 35), "visit")
    return sorted(told, key=lambda event: event.event_time)


HISTORY = history()


def of_tongue(tongue: Tongue) -> Iterator[Input]:
    """Yield the inputs of the history as the records of a topic carry them."""
    rules = rules_of(f"{GRANTED}{tongue.rules}", traits="[member_name]")
    (source,) = rules.sources
    parse_as = parse_as_of(source.encoding, schemas_of(tongue, source.encoding))
    as_routed, native = make_tell(source, rules, parse_as), make_decode(rules)
    for event in HISTORY:
        record = tongue.write(event)
        told = as_routed(record.key, record.value, LATE_MS, record.headers)
        assert not isinstance(told, Rejected | Skipped), (told, record)
        for routed in told:
            decoded = native(routed.user_id.encode(), msgspec.json.encode(routed), LATE_MS)
            assert not isinstance(decoded, Rejected | Skipped), (decoded, routed)
            yield from inputs_of(decoded)


def schemas_of(tongue: Tongue, encoding: Encoding) -> Schemas:
    schemas = Schemas()
    if tongue.schema:
        schemas.learn(SCHEMA_ID, Schema(encoding.value.upper(), tongue.schema))
    return schemas


def native() -> Iterator[Input]:
    decode = make_decode(rules_of(traits="[member_name]"))
    for event in HISTORY:
        decoded = decode(event.user_id.encode(), msgspec.json.encode(event), LATE_MS)
        assert not isinstance(decoded, Rejected | Skipped), (decoded, event)
        yield from inputs_of(decoded)


def outcome(inputs: list[Input]) -> tuple[dict[str, bytes], list[bytes]]:
    """Return what becomes of every user, and every touch."""
    rules = rules_of(traits="[member_name]")
    fleet = Fleet(rules, ToldScorer(by_silence), partitions=2, now_ms=LATE_MS)
    users = [getattr(signal, "user_id", "") for signal in inputs]
    fleet.apply(Accepted(inputs, users, [one.event_time_ms for one in inputs]), 0, len(inputs))
    touches = [
        record.value
        for stream, _, records in fleet.take() if stream == TOUCHES
        for record in records
    ]  # fmt: skip
    return dict(fleet.values()), touches


@pytest.fixture(scope="module")
def told_natively() -> tuple[dict[str, bytes], list[bytes]]:
    return outcome(list(native()))


def test_the_story_has_everything_in_it(
    told_natively: tuple[dict[str, bytes], list[bytes]],
) -> None:
    states, touches = told_natively
    assert len(states) == USERS - 1, "one was erased, and who logged in is one person"
    assert len(touches) > USERS


@pytest.mark.parametrize("name", sorted(TONGUES))
def test_it_does_not_matter_in_which_format_it_was_told(
    name: str, told_natively: tuple[dict[str, bytes], list[bytes]]
) -> None:
    states, touches = outcome(list(of_tongue(TONGUES[name])))
    assert touches == told_natively[1]
    assert states == told_natively[0]


@pytest.mark.parametrize(
    "name", sorted(name for name in TONGUES if "keyed_by: user" in TONGUES[name].rules)
)
def test_what_is_read_where_it_lies_is_what_the_router_would_write(name: str) -> None:
    tongue = TONGUES[name]
    rules = rules_of(f"{GRANTED}{tongue.rules}", traits="[member_name]")
    (source,) = rules.sources
    parse_as = parse_as_of(source.encoding, schemas_of(tongue, source.encoding))
    decode = make_source_decode(source, rules, parse_as)

    def read(record: Record) -> tuple[Input, ...]:
        return inputs_of(decode(record.key, record.value, LATE_MS, record.headers))

    direct = [signal for event in HISTORY for signal in read(tongue.write(event))]
    assert direct == list(of_tongue(tongue))
