"""Laws of the mapping: units, the two ways to us, the short way, and whatever comes."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.decoded import Rejected, Skipped, inputs_of
from streams.core.interpret import NativeEvent
from streams.core.native import make_decode
from streams.core.rules_file import parse_rules
from streams.core.time import HOUR_MS
from streams.intake.decoder import make_examine, make_source_decode, make_tell
from streams.intake.mapping_money import converted
from streams.intake.straight import straight_tell
from streams.intake.wire.json_values import json_parse_as
from tests.unit.intake.tellers import AT, KEY, event, rules_of

MAPPED = parse_rules("""\
money: {rates: {USD: 7.1}}
inputs:
  t:
    format: json
    keyed_by: user
    user: $.u
    id: $.i
    event: $.e
    time: {path: $.t, unit: ms}
    drop: [{path: $.bot, is: true, reason: bot}]
    map:
    - {event: buy, as: purchase, amount: $.p.total, currency: $.p.unit}
    - {event: back, as: refund, amount: {path: $.p.total, sign: either}}
    - {event: fix, as: correction, amount: $.p.total}
    - {event: look, as: activity, amount: $.p.total, currency: $.p.unit, id: $.p.id}
    - {event: agree, as: consent, channel: $.p.unit, granted: $.bot}
    - {event: who, as: traits, traits: {level: $.p.id, zone: $.p.unit}}
    - {event: same, as: link, anonymous: $.p.id}
    - {event: sent, as: feedback, touch_id: $.p.id, status: $.p.unit}
""")
ROWS = parse_rules("""\
inputs:
  t:
    format: debezium
    user: $.after.u
    map:
    - {event: [t.create, t.update], as: purchase, amount: {path: $.after.p, scale: 2},
       when: [{path: $.after.e, is: buy, was_not: buy}], once_per: $.after.i}
    - {event: t.delete, as: traits, traits: {level: $.before.e}, user: $.before.u}
""")
CALLS = rules_of("event: buy, as: purchase, amount: $.properties.p", "format: segment")

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(),
    st.sampled_from(["", "ada", "web", "CNY", "USD", "sms", "sent", "12.5", "$watermark", "爱"]),
    st.text("a$\0爱1. -", max_size=80),
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["u", "i", "e", "t", "p", "total", "id"]), inner, max_size=4
        ),
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["buy", "back", "fix", "look", "agree", "who", "same", "sent", "other"])
NEAR = st.integers(AT - 10**9, AT + 5_000_000)
USUAL = st.fixed_dictionaries(
    {},
    optional={
        "u": st.one_of(st.sampled_from(["ada", "bob", ""]), SCALARS),
        "i": st.one_of(st.text("ab1", min_size=1, max_size=4), SCALARS),
        "e": st.one_of(NAMES, SCALARS),
        "t": st.one_of(NEAR, SCALARS),
        "bot": st.one_of(st.none(), st.booleans(), SCALARS),
        "p": st.one_of(
            st.fixed_dictionaries(
                {},
                optional={
                    "total": st.one_of(st.floats(0, 1e6), SCALARS),
                    "unit": st.one_of(st.sampled_from(["CNY", "USD", "sms"]), SCALARS),
                    "id": st.one_of(st.text("ab", min_size=1, max_size=3), SCALARS),
                },
            ),
            SCALARS,
        ),
    },
)


def written(record: Any) -> bytes:
    """Return a record as JSON; what JSON cannot write is null in it."""
    return msgspec.json.encode(record)


TELL = make_tell(MAPPED.sources[0], MAPPED, json_parse_as)
STRAIGHT = straight_tell(MAPPED.sources[0], MAPPED, json_parse_as)
DECODE = make_source_decode(MAPPED.sources[0], MAPPED, json_parse_as)
NATIVE = make_decode(MAPPED)


def plain(told: Any) -> Any:
    """Return what can be compared of what was told."""
    return msgspec.json.encode(told) if isinstance(told, tuple) else told


@settings(max_examples=120)
@given(USUAL)
def test_the_straight_way_tells_what_the_long_way_tells(record: dict[str, Any]) -> None:
    value = written(record)
    assert STRAIGHT is not None
    straight = STRAIGHT(b"", value, AT, ())
    assert straight is None or plain(straight) == plain(TELL(b"", value, AT, ()))


@settings(max_examples=120)
@given(USUAL)
def test_what_is_routed_means_what_it_means_where_it_lies(record: dict[str, Any]) -> None:
    value = written(record)
    told = TELL(b"", value, AT, ())
    key = b"ada" if not isinstance(told, tuple) else told[0].user_id.encode()
    lies = DECODE(key, value, AT)
    if isinstance(told, Rejected | Skipped):
        assert lies == told
    else:
        (routed,) = told
        native = NATIVE(key, msgspec.json.encode(routed), AT)
        assert not isinstance(native, Rejected), "the router writes nothing that is refused later"
        assert inputs_of(native) == inputs_of(lies)


TELLERS = [
    make(rules.sources[0], rules, json_parse_as)
    for rules in (MAPPED, ROWS, CALLS)
    for make in (make_tell, make_examine)
]


@settings(max_examples=60)
@given(ANY)
def test_nothing_that_comes_raises(record: Any) -> None:
    for tell in TELLERS:
        tell(b"ada", written(record), AT, ())


@settings(max_examples=60)
@given(st.sampled_from("crud"), USUAL, st.one_of(st.none(), USUAL))
def test_no_row_raises(op: str, after: Any, before: Any) -> None:
    source = {"db": "d", "table": "t", "file": "f", "pos": 1, "ts_ms": AT}
    record = {"op": op, "after": after, "before": before, "source": source}
    for tell in TELLERS:
        tell(b"k", written(record), AT, ())


ROW = make_tell(ROWS.sources[0], ROWS, json_parse_as)
STRAIGHT_ROW = straight_tell(ROWS.sources[0], ROWS, json_parse_as)
COLUMNS = st.fixed_dictionaries({
    "u": st.sampled_from(["ada", "bob", "", None]),
    "i": st.sampled_from(["1", "", 7, None]),
    "e": st.sampled_from(["buy", "new", None]),
    "p": st.sampled_from(["BNI=", "", None, 12.5, "12.5"]),
})  # fmt: skip


@given(st.sampled_from("crud"), COLUMNS, st.one_of(st.none(), COLUMNS))
def test_a_row_that_changed_is_told_the_same_both_ways(op: str, after: Any, before: Any) -> None:
    source = {"db": "d", "table": "t", "file": "f", "pos": 1, "ts_ms": AT}
    value = written({"op": op, "after": after, "before": before, "source": source})
    assert STRAIGHT_ROW is not None
    straight, told = STRAIGHT_ROW(b"k", value, AT, ()), ROW(b"k", value, AT, ())
    assert straight is None or plain(straight) == plain(told)
    if isinstance(told, tuple) and op != "d":
        assert straight == told or type(after["i"]) is int


UNITS = parse_rules("""\
inputs:
  t:
    format: json
    user: $.u
    id: $.i
    event: $.e
    time: {path: $.t, unit: ms}
    map:
    - {event: minor, as: purchase, amount: {path: $.a, unit: minor}}
    - {event: whole, as: purchase, amount: {path: $.a, scale: 2}}
    - {event: text, as: purchase, amount: $.a}
    - {event: own, as: purchase, amount: {path: $.a, scale: own}}
    - {event: ms, as: activity, time: {path: $.a, unit: ms}}
    - {event: us, as: activity, time: {path: $.a, unit: us}}
    - {event: ns, as: activity, time: {path: $.a, unit: ns}}
    - {event: s, as: activity, time: {path: $.a, unit: s}}
    - {event: iso, as: activity, time: $.a}
    - {event: wall, as: activity, time: {path: $.a, unit: ms, zone: Asia/Shanghai}}
""")
OF_UNITS = make_tell(UNITS.sources[0], UNITS, json_parse_as)


def of_unit(name: str, value: Any) -> NativeEvent:
    """Return what an event is told as whose value is in a unit."""
    return event(OF_UNITS(b"", written(KEY | {"e": name, "a": value}), AT, ()))


@given(st.integers(0, 10**13))
def test_money_is_the_same_in_every_unit(minor: int) -> None:
    major = Decimal(minor).scaleb(-2)
    own = {"scale": 2, "value": minor.to_bytes(8, "big", signed=True)}
    ways = {"minor": minor, "whole": minor, "text": str(major), "own": own}
    told = {name: of_unit(name, value).amount for name, value in ways.items()}

    assert told == dict.fromkeys(ways, float(major))
    assert round(float(major) * 100) == minor, "as it is counted"


@given(st.integers(1, AT))
def test_an_instant_is_the_same_in_every_unit(at_ms: int) -> None:
    at = datetime.fromtimestamp(at_ms // 1_000, UTC).replace(microsecond=at_ms % 1_000 * 1_000)
    ways: dict[str, Any] = {
        "ms": at_ms,
        "us": at_ms * 1_000,
        "ns": at_ms * 1_000_000,
        "s": at_ms / 1_000,
        "iso": at.isoformat(),
    }
    told = {name: of_unit(name, value).event_time for name, value in ways.items()}
    assert told == dict.fromkeys(ways, at_ms)


@given(st.integers(AT - 10**11, AT))
def test_a_wall_clock_is_that_of_its_zone(at_ms: int) -> None:
    assert of_unit("wall", at_ms + 8 * HOUR_MS).event_time == at_ms, "China has one clock"


@given(
    st.decimals(0, 10**9, allow_nan=False, places=4),
    st.decimals("0.0001", 10_000, allow_nan=False, places=6),
    st.sampled_from([1, 100, 1_000]),
)
def test_money_is_converted_exactly(amount: Decimal, rate: Decimal, minor_units: int) -> None:
    exact = Fraction(amount) * Fraction(rate) * minor_units
    minor = round(converted(amount, rate, minor_units) * minor_units)

    assert minor == round(exact), "Fraction rounds half to even, as the rule says"


def test_a_half_goes_to_the_even_one() -> None:
    halves = [(Decimal("0.25"), 0.02), (Decimal("0.35"), 0.04), (Decimal("0.45"), 0.04)]
    for amount, expected in halves:
        assert converted(amount, Decimal("0.1"), 100) == expected


def test_keys_that_are_not_read_cost_nothing_and_may_be_anything() -> None:
    wide = KEY | {"e": "look", "p": {"id": "x"}, "other": {"deep": [[[["…"] * 50]]]}}
    assert TELL(b"", json.dumps(wide).encode(), AT, ())[0].event_id == "x"  # type: ignore[index,union-attr]
