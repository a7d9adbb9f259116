"""Values of a mapping: amounts, instants and conditions, and what is none of them."""

from typing import Any

import pytest

from streams.core.decoded import RejectReason
from tests.unit.intake.tellers import AT, KEY, event, of_json, refused, rules_of, skipped, told

BAD = RejectReason.BAD_PROPERTY


@pytest.mark.parametrize(
    ("rule", "value", "amount"),
    [
        ("amount: $.a", 12.5, 12.5),
        ("amount: $.a", 12, 12),
        ("amount: $.a", "12.50", 12.5),
        ("amount: {path: $.a, unit: minor}", 1234, 12.34),
        ("amount: {path: $.a, unit: minor}", "1234", 12.34),
        ("amount: {path: $.a, scale: 3}", 12_345, 12.345),
        ("amount: {path: $.a, scale: 2}", "BNI=", 12.34),
        ("amount: {path: $.a, scale: own}", {"scale": 1, "value": "BNI="}, 123.4),
        ("amount: {path: $.a, default: 3}", None, 3.0),
        ("amount: 9.9", "whatever", 9.9),
        ("amount: $.a, currency: $.c", 10.0, 71.0),
        ("amount: {path: $.a, scale: 2}, currency: USD", 100, 7.1),
    ],
)
def test_an_amount_is_what_the_rule_says_it_is(rule: str, value: Any, amount: float) -> None:
    bought = event(of_json(f"as: purchase, {rule}", {"a": value, "c": "USD"}))
    assert (bought.amount, bought.currency) == (amount, "CNY")


@pytest.mark.parametrize(
    ("rule", "value", "reason", "words"),
    [
        ("amount: $.a", None, BAD, "missing or null - at `$.a` (line 4 of the rules)"),
        ("amount: $.a", -1.0, RejectReason.BAD_AMOUNT, "-1.0 is negative"),
        ("amount: $.a", 1e13, RejectReason.BAD_AMOUNT, "too large"),
        ("amount: $.a", "1e999", RejectReason.BAD_AMOUNT, "too large"),
        ("amount: $.a", 10**40, RejectReason.BAD_AMOUNT, "too large"),
        ("amount: $.a", "¥12", RejectReason.BAD_AMOUNT, "no number"),
        ("amount: $.a", "1_000", RejectReason.BAD_AMOUNT, "no number"),
        ("amount: $.a", True, RejectReason.BAD_AMOUNT, "no number"),
        ("amount: $.a", [1], RejectReason.BAD_AMOUNT, "no number"),
        ("amount: {path: $.a, unit: minor}", 12.5, RejectReason.BAD_AMOUNT, "unit: major"),
        ("amount: {path: $.a, scale: 2}", 12.5, RejectReason.BAD_AMOUNT, "no decimal"),
        ("amount: {path: $.a, scale: own}", "BNI=", RejectReason.BAD_AMOUNT, "scale of its own"),
        ("amount: $.a, currency: EUR", 1.0, RejectReason.BAD_CURRENCY, "money.rates"),
        ("amount: $.a, currency: $.c", 1.0, BAD, "missing, null or empty - at `$.c`"),
        (
            "amount: {path: $.a, unit: minor}, currency: USD",
            100,
            RejectReason.BAD_CURRENCY,
            "say scale in place of unit",
        ),
    ],
)
def test_an_amount_that_is_not_that_is_refused(
    rule: str, value: Any, reason: RejectReason, words: str
) -> None:
    refused(of_json(f"as: purchase, {rule}", {"a": value}), reason, words)


@pytest.mark.parametrize(
    ("sign", "value", "amount"),
    [("positive", 5, 5), ("negative", -5, 5), ("either", -5, 5), ("either", 5.5, 5.5)],
)
def test_money_that_is_taken_back_is_positive(sign: str, value: float, amount: float) -> None:
    rule = f"as: refund, amount: {{path: $.a, sign: {sign}}}"
    assert event(of_json(rule, {"a": value})).amount == amount


def test_a_sign_that_is_not_as_said_is_refused() -> None:
    refused(of_json("as: refund, amount: $.a", {"a": -5}), RejectReason.BAD_AMOUNT, "sign: either")
    rule = "as: refund, amount: {path: $.a, sign: negative}"
    refused(of_json(rule, {"a": 5}), RejectReason.BAD_AMOUNT, "5 is not negative")
    corrected = of_json("as: correction, amount: $.a", {"a": -5})
    assert event(corrected).amount == -5, "a correction goes both ways"


def test_the_size_of_an_activity_may_be_missing() -> None:
    seen = event(of_json("as: activity, amount: $.a, currency: $.c", {}))
    assert (seen.event, seen.amount, seen.currency) == ("x", None, None)


@pytest.mark.parametrize(
    ("time", "value", "at_ms"),
    [
        ("$.t", "2023-11-14T22:13:20Z", AT),
        ("$.t", "2023-11-15 06:13:20.5+08:00", AT + 500),
        ("{path: $.t, zone: Asia/Shanghai}", "2023-11-15 06:13:20", AT),
        ("{path: $.t, zone: Asia/Shanghai}", "2023-11-14T22:13:20Z", AT),
        ("{path: $.t, unit: s}", 1_700_000_000.25, AT + 250),
        ("{path: $.t, unit: s}", "1700000000", AT),
        ("{path: $.t, unit: us}", AT * 1_000 + 1, AT),
        ("{path: $.t, unit: ns}", AT * 1_000_000, AT),
        ("{path: $.t, unit: ms, zone: Asia/Shanghai}", AT + 8 * 3_600_000, AT),
        ("{path: $.t, unit: day, zone: Asia/Shanghai}", "2023-11-14", 1_699_891_200_000),
        ("{path: $.t, unit: day, zone: UTC}", 19_675, 1_699_920_000_000),
    ],
)
def test_an_instant_is_in_the_unit_and_the_zone_of_the_rule(
    time: str, value: Any, at_ms: int
) -> None:
    topic = f"format: json, user: $.u, id: $.i, event: $.e, lateness: 1d, time: {time}"
    rules = rules_of("event: x, as: activity", topic)
    assert event(told(rules, KEY | {"e": "x", "t": value})).event_time == at_ms


@pytest.mark.parametrize(
    ("time", "value", "reason", "words"),
    [
        ("$.t", None, BAD, "missing or null - at `$.t` (line 3 of the rules)"),
        ("$.t", "2023-11-14", RejectReason.BAD_TIME, "unit: day"),
        ("$.t", "2023-11-14T22:13:20", RejectReason.BAD_TIME, "names no zone"),
        ("$.t", "2023-02-30T22:13:20Z", RejectReason.BAD_TIME, "out of range"),
        ("$.t", AT, RejectReason.BAD_TIME, "say its unit"),
        ("{path: $.t, unit: s}", AT, RejectReason.FUTURE, "record timestamp"),
        ("{path: $.t, unit: ms}", -1, RejectReason.BAD_TIME, "before 1970"),
        ("{path: $.t, unit: ms}", True, RejectReason.BAD_TIME, "no number of ms"),
        ("{path: $.t, unit: s}", "1e400", RejectReason.BAD_TIME, "no number of s"),
        ("{path: $.t, unit: day, zone: UTC}", "2023-11-31", RejectReason.BAD_TIME, "out of range"),
        ("{path: $.t, unit: day, zone: UTC}", 10**9, RejectReason.BAD_TIME, "no day"),
    ],
)
def test_an_instant_that_cannot_be_is_refused(
    time: str, value: Any, reason: RejectReason, words: str
) -> None:
    topic = f"format: json, user: $.u, id: $.i, event: $.e, lateness: 1d, time: {time}"
    rules = rules_of("event: x, as: activity", topic)
    refused(told(rules, KEY | {"e": "x", "t": value}), reason, words)


@pytest.mark.parametrize(
    ("condition", "value", "fits"),
    [
        ("is: paid", "paid", True), ("is: paid", None, False), ("is: [a, paid]", "paid", True),
        ("in: [1, 2]", 2, True), ("in: [1, 2]", True, False), ("is: true", 1, False),
        ("is: 1", 1.0, True), ("is: '1'", 1, False), ("is_not: paid", "due", True),
        ("is_not: paid", None, True), ("is_not: [a, b]", "b", False),
        ("contains: BOT", "a Googlebot", True), ("contains: [x, y]", "abc", False),
        ("contains: vip", ["new", "vip"], True), ("contains: a", 7, False),
        ("is_set: true", None, False), ("is_set: false", None, True), ("is_set: true", 0, True),
        ("is: a, is_not: a", "a", False),
    ],
)  # fmt: skip
def test_a_condition_asks_a_value(condition: str, value: Any, fits: bool) -> None:  # noqa: FBT001  # a column of the table
    outcome = of_json(f"as: activity, when: [{{path: $.v, {condition}}}]", {"v": value})
    if fits:
        assert event(outcome)
    else:
        skipped(outcome, "no_rule_fits")
