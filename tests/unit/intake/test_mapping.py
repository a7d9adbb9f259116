"""The mapping: what rules make of records, and why they do not."""

import json
from typing import Any

import pytest

from streams.core.decoded import RejectReason, Several
from streams.core.inputs import Acted, Linked, TraitsSet
from streams.core.rules_file import parse_rules
from streams.intake.decoder import make_examine
from streams.intake.wire.json_values import json_parse_as
from tests.unit.intake.tellers import (
    AT,
    KEY,
    TOPIC,
    change,
    decoded,
    event,
    of_json,
    refused,
    rules_of,
    said,
    skipped,
    told,
)

PAID = """\
inputs:
  orders:
    format: debezium
    user: $.after.customer_id
    map:
    - event: [orders.create, orders.update, orders.read]
      when: [{path: $.after.status, is: paid, was_not: paid}]
      as: purchase
      time: {path: $.after.paid_at, unit: us}
      amount: {path: $.after.amount, scale: 2}
      once_per: $.after.id
    - {event: orders.delete, as: cancellation, user: $.before.customer_id, amount: 1}
"""
ROW = {"id": 5, "customer_id": 17, "status": "paid", "paid_at": AT * 1_000, "amount": "BNI="}
DUE = ROW | {"status": "due"}
CALL = {"type": "track", "messageId": "m", "userId": "u", "timestamp": "2023-11-14T22:00:00Z"}
BAD = RejectReason.BAD_PROPERTY


def test_an_order_counts_once_however_often_it_is_told() -> None:
    rules = parse_rules(PAID)
    ways = [change("c", None, ROW), change("u", DUE, ROW, 8), change("r", None, ROW, 9)]
    for record in ways:
        paid = event(told(rules, record))
        assert (paid.event, paid.event_id, paid.user_id) == ("purchase", "purchase:5", "17")
        assert (paid.amount, paid.event_time) == (12.34, AT)
    skipped(told(rules, change("u", ROW, ROW)), "no_rule_fits")
    skipped(told(rules, change("u", ROW, DUE)), "no_rule_fits")


def test_who_asks_what_was_must_be_told() -> None:
    outcome = told(parse_rules(PAID), change("u", None, ROW))
    refused(outcome, BAD, "REPLICA IDENTITY FULL", "`$.after.status`", "line 7 of the rules")


def test_a_deleted_row_is_whose_it_was() -> None:
    gone = event(told(parse_rules(PAID), change("d", ROW, None)))
    assert (gone.event, gone.user_id, gone.amount) == ("cancel_page_viewed", "17", 1.0)


def test_changes_of_tables_that_nobody_names_are_no_activity() -> None:
    other = change("u", DUE, ROW).replace(b'"orders"', b'"carts"')
    skipped(told(parse_rules(PAID), other), "not_activity")


def test_the_first_rule_that_fits_is_taken() -> None:
    rules = parse_rules(
        "inputs: {t: {format: segment, others: ignored, map: ["
        "{event: a, as: activity, name: vip, when: [{path: $.properties.vip, is: true}]},"
        "{event: [a, b], as: activity, name: plain}, {event: c, as: ignored}]}}"
    )
    named = {
        name: told(rules, CALL | {"event": name, "properties": properties})
        for name, properties in (("a", {"vip": True}), ("b", {"vip": True}), ("c", {}), ("d", {}))
    }
    assert (event(named["a"]).event, event(named["b"]).event) == ("vip", "plain")
    assert event(told(rules, CALL | {"event": "a", "properties": "none"})).event == "plain"
    skipped(named["c"], "ignored")
    skipped(named["d"], "not_activity")


def test_staff_and_bots_are_left_out_and_counted() -> None:
    topic = (
        "format: segment, drop: [{path: $.context.userAgent, contains: [bot, spider], reason: bot}"
        ", {path: $.userId, in: [staff], reason: staff}]"
    )
    rules = rules_of("event: x, as: activity", topic)
    call = CALL | {"event": "Seen"}
    assert event(told(rules, call)).event == "Seen"
    skipped(told(rules, call | {"context": {"userAgent": "GoogleBot"}}), "dropped_bot")
    skipped(told(rules, call | {"userId": "staff"}), "dropped_staff")


def test_what_the_rules_know_as_money_is_not_taken_without_a_rule() -> None:
    outcome = told(rules_of("event: x, as: activity"), KEY | {"e": "purchase"})
    refused(outcome, BAD, "'purchase' means purchase in these rules, but no rule of inputs.t.map")


@pytest.mark.parametrize("name", ["$watermark", "$coverage", "$identify"])
def test_nobody_else_speaks_in_our_name(name: str) -> None:
    rules = rules_of("event: x, as: activity")
    refused(told(rules, KEY | {"e": name}), BAD, "winback's own")
    refused(told(rules, KEY | {"e": "x", "u": name}), RejectReason.NO_ID, "winback's own")


@pytest.mark.parametrize(
    ("record", "reason", "words"),
    [
        ({"u": None}, RejectReason.NO_ID, "the record has no user"),
        ({"u": ""}, RejectReason.NO_ID, "the record has no user"),
        ({"u": 1.5}, BAD, "1.5 is not a text or a whole number - at `$.u`"),
        ({"u": "爱" * 100}, RejectReason.TOO_LARGE, "256 B"),
        ({"u": "\0a"}, RejectReason.BAD_ID, "null character"),
        ({"u": "a\0b"}, RejectReason.BAD_ID, "null character"),
        ({"i": None}, RejectReason.NO_ID, "missing, null or empty - at `$.i`"),
        ({"i": {"a": 1}}, BAD, "not a text or a whole number"),
        ({"i": "x" * 600}, RejectReason.TOO_LARGE, "512 characters"),
        ({"e": None}, RejectReason.NO_ID, "at `$.e`"),
        ({"e": "n" * 300}, RejectReason.TOO_LARGE, "200 characters"),
    ],
)
def test_ids_are_there_and_can_be_ids(record: Any, reason: RejectReason, words: str) -> None:
    rules = rules_of("event: x, as: purchase")
    refused(told(rules, KEY | {"e": "y"} | record), reason, words)


def test_a_record_too_large_is_refused_unread() -> None:
    outcome = told(rules_of("event: x, as: activity"), b" " * 2_000_000)
    refused(outcome, RejectReason.TOO_LARGE, "1048576 B")


def test_numbers_are_taken_for_ids_and_the_device_for_the_user() -> None:
    topic = "format: json, user: $.u, anonymous: $.d, id: $.i, event: x, time: {path: $.t, unit: s}"
    rules = rules_of("event: x, as: activity", topic)
    record = {"i": 7, "t": AT // 1_000, "d": "web-1"}
    assert event(told(rules, record | {"u": 17})).user_id == "17"
    seen = event(told(rules, record))
    assert (seen.user_id, seen.event_id) == ("web-1", "7")
    refused(told(rules, {"i": 7, "t": 1}), RejectReason.NO_ID, "the record has no user")


@pytest.mark.parametrize(
    ("rule", "record", "properties"),
    [
        ("as: consent, channel: sms, granted: true", {}, {"channel": "sms", "granted": True}),
        (
            "as: consent, channel: $.c, granted: {path: $.g, table: {'1': true, '0': false}}",
            {"c": "sms", "g": 0},
            {"channel": "sms", "granted": False},
        ),
        ("as: opt_out, channel: $.c", {}, {}),
        ("as: opt_out, channel: $.c", {"c": "sms"}, {"channel": "sms"}),
        ("as: erasure", {}, {}),
        ("as: reach, channel: call, tokens: $.n", {"n": 2}, {"channel": "call", "tokens": 2}),
        ("as: coverage, to: $.to", {"to": "2023-12-01"}, {"to": "2023-12-01"}),
        ("as: link, anonymous: $.d", {"d": "web"}, {"anonymous_id": "web"}),
        (
            "as: feedback, touch_id: $.o, status: {path: $.s, table: {OK: sent}, others: failed}",
            {"o": "t1", "s": "KO"},
            {"touch_id": "t1", "status": "failed"},
        ),
        (
            "as: traits, traits: {level: $.l, zone: $.z, plan: $.p}",
            {"l": 3, "z": "Asia/Shanghai"},
            {"level": 3, "zone": "Asia/Shanghai"},
        ),
    ],
)
def test_what_is_rarely_said_is_in_the_properties(rule: str, record: Any, properties: Any) -> None:
    assert said(of_json(rule, record)) == properties


@pytest.mark.parametrize(
    ("rule", "record", "reason", "words"),
    [
        ("as: consent, channel: sms, granted: $.g", {"g": 1}, BAD, "1 is not true or false"),
        ("as: consent, channel: sms, granted: $.g", {}, BAD, "`$.g` (line 4 of the rules)"),
        (
            "as: feedback, touch_id: t, status: {path: $.s, table: {OK: sent}}",
            {"s": "KO"},
            BAD,
            "'KO' is not in the table - at `$.s`",
        ),
        ("as: feedback, touch_id: t, status: $.s", {"s": "hm"}, RejectReason.BAD_STATUS, "line 4"),
        ("as: link, anonymous: $.d", {"d": "ada"}, BAD, "another id than the user_id"),
        ("as: reach, channel: sms", {}, BAD, "reach needs"),
        ("as: traits, traits: {zone: $.z}", {"z": "Mars"}, BAD, "'Mars' is no IANA time zone"),
        ("as: traits, traits: {a: $.a}", {"a": "x" * 300}, BAD, "200 characters"),
        ("as: traits, traits: {a: $.a}", {"a": ["x" * 90_000]}, RejectReason.TOO_LARGE, "32768"),
    ],
)
def test_what_is_rarely_said_is_checked_before_it_is_routed(
    rule: str, record: Any, reason: RejectReason, words: str
) -> None:
    refused(of_json(rule, record), reason, words)


def test_traits_that_say_nothing_are_skipped_but_a_row_is_told_whole() -> None:
    skipped(of_json("as: traits, traits: {level: $.l}", {"l": None}), "no_traits")
    table = "format: debezium, user: $.after.id"
    rule = "event: orders.update, as: traits, traits: {level: $.after.level, zone: $.after.zone}"
    row = change("u", None, {"id": 1, "level": None, "zone": None})
    assert said(told(rules_of(rule, table), row)) == {"level": None}


def test_a_log_in_links_and_tells_with_one_record() -> None:
    topic = "format: segment, keyed_by: user, id: $.messageId"
    rules = rules_of("event: identify, as: traits, traits: {level: $.traits.level}", topic)
    call: Any = CALL | {"type": "identify", "userId": "ada", "anonymousId": "web"}
    call["traits"] = {"level": "gold"}
    both = decoded(rules, b"ada", call)

    at_ms = AT - 800_000
    assert both == Several(
        (
            TraitsSet("ada", at_ms, traits={"level": "gold"}),
            Linked("ada", "m:link", at_ms, "web"),
        )
    )
    assert decoded(rules, b"ada", call | {"traits": {}}) == Linked("ada", "m:link", at_ms, "web")
    refused(decoded(rules, b"web", call), RejectReason.KEY_MISMATCH, "keyed_by: anything")


def test_native_events_need_no_mapping() -> None:
    rules = parse_rules("inputs: {t: {format: winback}}")
    native = {"event": "purchase", "event_time": AT, "event_id": "e", "user_id": "ada"}
    bought = native | {"amount": 12.5, "currency": "CNY"}
    assert decoded(rules, b"ada", bought) == Acted("ada", "e", AT, 12.5, 1_250, 0)
    refused(told(rules, native | {"currency": "EUR", "amount": 1}), RejectReason.BAD_CURRENCY)
    refused(told(rules, native | {"event_time": AT + 7_200_000}), RejectReason.FUTURE)
    refused(told(rules, native | {"event": "$watermark"}), RejectReason.NO_ID)
    refused(told(rules, native | {"event_time": "2023-11-14T22:00:00"}), RejectReason.BAD_TIME)
    refused(told(rules, b"{"), RejectReason.NOT_DECODABLE)
    refused(told(rules, b""), RejectReason.EMPTY)


def test_tools_see_what_became_of_every_event_and_by_which_line() -> None:
    rules = rules_of("event: x, as: purchase, amount: $.a")
    examine = make_examine(rules.sources[0], rules, json_parse_as)

    def seen(record: Any) -> tuple[object, ...]:
        (one,) = examine(b"", json.dumps(record).encode(), AT, ())
        return (one.event, one.outcome, one.meaning, one.reason, one.line, one.native is not None)

    assert seen(KEY | {"e": "x", "a": 1}) == ("x", "accepted", "purchase", "", 4, True)
    assert seen(KEY | {"e": "y"}) == ("y", "accepted", "activity", "", 0, True)
    refusal = ("x", "rejected", "purchase", "bad_property", 4, False)
    assert seen(KEY | {"e": "x"}) == refusal
    assert seen([]) == ("", "rejected", "", "not_decodable", 0, False)
    dropping = rules_of(
        "event: x, as: activity", f"{TOPIC}, drop: [{{path: $.a, is: 1, reason: n}}]"
    )
    examine = make_examine(dropping.sources[0], dropping, json_parse_as)
    assert seen(KEY | {"e": "x", "a": 1}) == ("x", "skipped", "", "dropped_n", 3, False)
