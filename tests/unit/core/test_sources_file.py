"""Inputs in a rules file: what they compile to, and complaints that say where and what to do."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.meanings import Meaning
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.sources import Form, KeyedBy, Op, Unit, path_text
from streams.core.sources_values import way_of
from streams.core.time import DAY_MS, MINUTE_MS
from winback_sender.documents.faults import RulesRefused

SHOP = """\
money: {rates: {USD: 7.1}}
lateness: 2m
inputs:
  app.events:
    format: segment
    keyed_by: user
    drop: [{path: $.properties.is_test, is: true, reason: test}]
    map:
      - event: Order Completed
        as: purchase
        name: order_done
        amount: $.properties.total
      - {event: identify, as: traits, traits: {zone: $.traits.tz, member_name: $.traits.name}}
  shop.orders:
    format: debezium
    lateness: 1d
    user: $.after.customer_id
    map:
      - event: [orders.create, orders.update]
        when: [{path: $.after.status, is: paid, was_not: [paid, sent]}]
        as: purchase
        time: {path: $.after.day, unit: day, zone: Asia/Shanghai}
        amount: {path: '$.after["total amount"]', scale: 2}
        once_per: $.after.id
"""


def rules_of(inputs: str, **sections: str) -> Rules:
    """Return rules with some inputs; each line of them is indented by two more blanks."""
    head = "".join(f"{name}: {body}\n" for name, body in sections.items())
    return parse_rules(f"{head}inputs:\n{inputs}", "r.yaml")


def test_topics_become_plain_data_with_lines() -> None:
    app, orders = parse_rules(SHOP).sources

    assert (app.form, app.keyed_by, app.lateness_ms) == (Form.SEGMENT, KeyedBy.USER, 2 * MINUTE_MS)
    assert (orders.lateness_ms, orders.line, orders.rules[0].line) == (DAY_MS, 14, 19)
    assert [question.op for question in orders.rules[0].when[0].questions] == [Op.IS, Op.WAS_NOT]
    assert orders.rules[0].time is not None
    assert orders.rules[0].time.unit is Unit.DAY
    assert orders.paths == {
        ("after", "customer_id"), ("after", "status"), ("after", "day"),
        ("after", "total amount"), ("after", "id"),
    }  # fmt: skip


def test_the_name_of_a_native_event_carries_its_meaning() -> None:
    rules = parse_rules(SHOP)

    assert rules.meanings["order_done"] is Meaning.PURCHASE
    assert [rule.name for source in rules.sources for rule in source.rules] == [
        "order_done", "traits_set", "purchase",
    ]  # fmt: skip
    assert "Order Completed" not in rules.meanings, "that is what others call it"


def test_what_a_mapping_names_is_kept_and_told_apart_as_if_the_rules_named_it() -> None:
    assert parse_rules(SHOP).traits == ("member_name",)
    assert parse_rules(f"kinds: [order_done]\n{SHOP}").churn.kinds == ("order_done",)


def test_rates_are_as_exact_as_they_are_written() -> None:
    assert parse_rules(SHOP).rates == {"USD": Decimal("7.1")}


def test_others_are_as_the_rules_say_but_changes_of_tables_are_none() -> None:
    app, orders = parse_rules(SHOP).sources
    assert (app.is_other_activity, orders.is_other_activity) == (True, False)
    named = rules_of("  t: {format: segment, map: [{event: a, as: activity}], others: ignored}\n")
    assert not named.sources[0].is_other_activity


def test_activities_that_are_named_are_a_meaning_only_where_others_are_none() -> None:
    topic = "  t: {format: segment, map: [{event: Played, as: activity}]}\n"
    assert "Played" not in rules_of(topic).meanings, "the hash of the rules stays as it is"
    narrow = rules_of(topic, churn="{activity: [visit]}")
    assert narrow.meanings["Played"] is Meaning.ACTIVITY


S = "  t:\n    format: segment\n"
D = "  t:\n    format: debezium\n    user: $.after.u\n"
MAP = S + "    map:\n    - "


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ("  t: {format: segmnt}\n", "2:15: 'segmnt' is unknown; did you mean 'segment'?"),
        ("  t: {fromat: segment}\n", "2:7: unknown field `fromat`; did you mean 'format'?"),
        ("  a b: {format: segment}\n", "2:3: 'a b' is no name of a Kafka topic"),
        (S + "    inner: segment\n", "4:5: only cloudevents has something inside"),
        (S + "    user: $userId\n", "4:11: '$userId' is no path into a record; write it as $.a"),
        (S + "    user: $['a\"b']\n", "4:11: '$[\\'a\"b\\']' is no path into a record"),
        (S + "    user: $.a\\b\n", "4:11: '$.a\\\\b' is no path into a record"),
        (S + "    user: {path: userId}\n", "4:18: 'userId' is no path"),
        (S + "    time: {path: $.t, zone: Mars}\n", "4:29: 'Mars' is no IANA time zone"),
        (S + "    time: {path: $.t, unit: day}\n", "4:29: a day has no begin without a zone"),
        (
            S + "    time: {path: $.t, unit: day, zone: UTC}\n",
            "4:29: a time that is known by the day comes up to a day late; give the topic `late",
        ),
        (S + "    idle_after: 0s\n", "4:17: a topic is idle after 1s at the earliest"),
        (S + "    lateness: soon\n", "4:15: 'soon' is not a span of time"),
        (S + "    drop: [{path: $.a, is: 1, reason: A b}]\n", "4:39: Expected `str` matching"),
        (S + "    drop: [{path: $.a, reason: a}]\n", "4:12: the condition asks nothing; say is,"),
        (S + "    drop: [{path: $.a, is: yes, reason: a}]\n", "4:28: YAML takes yes for true"),
        (S + "    drop: [{path: $.a, in: [], reason: a}]\n", "4:24: the list is empty"),
        (S + "    others: ignored\n", "2:3: nothing of this topic would be understood"),
        (MAP + "{event: a, as: buy}\n", "5:22: 'buy' is unknown; there are: activity, purchase"),
        (MAP + "{event: a}\n", "5:7: missing required field `as`"),
        (MAP + "{event: [], as: purchase}\n", "5:8: Expected `array` of length >= 1"),
        (MAP + "{event: no, as: refund}\n", "5:15: Expected `str | array`, got `bool`; write it"),
        (MAP + "{event: a, as: consent, channel: sms}\n", "5:7: consent needs `granted`"),
        (
            MAP + "{event: a, as: consent, channel: sms, granted: maybe}\n",
            "5:54: 'maybe' is not true or false",
        ),
        (MAP + "{event: a, as: opt_out, channel: 3}\n", "5:40: 3 is not text; write it in quotes"),
        (
            MAP + "{event: a, as: purchase, channel: sms}\n",
            "5:32: channel says nothing of purchase; it may have: ",
        ),
        (MAP + "{event: a, as: erasure, amount: 3}\n", "5:31: amount says nothing of erasure; lea"),
        (MAP + "{event: a, as: purchase, amount: -3}\n", "5:40: the amount of a purchase is not"),
        (MAP + "{event: a, as: purchase, amount: x}\n", "5:40: 'x' is no path into a record"),
        (MAP + "{event: a, as: purchase, currency: USD}\n", "5:42: a currency without an amount"),
        (
            MAP + "{event: a, as: purchase, amount: {path: $.x, sign: either}}\n",
            "5:58: a sign is for refund and cancellation",
        ),
        (
            MAP + "{event: a, as: refund, amount: {path: $.x, unit: minor, scale: 2}}\n",
            "5:56: unit: minor and scale say the same twice",
        ),
        (
            MAP + "{event: a, as: refund, amount: {path: $.x, scale: 40}}\n",
            "5:57: Expected `int` <= 18",
        ),
        (MAP + "{event: a, as: refund, id: $.x, once_per: $.y}\n", "5:49: id and once_per both"),
        (MAP + "{event: a, as: coverage}\n", "5:7: coverage needs `to`"),
        (MAP + "{event: a, as: ignored, name: b}\n", "5:31: what is ignored has no name"),
        (
            MAP + "{event: a, as: traits, traits: {religion: $.r}}\n",
            "5:39: trait 'religion' is sensitive personal information",
        ),
        (
            MAP + "{event: a, as: purchase, name: refund}\n",
            "5:38: event 'refund' has two meanings: refund (events) and purchase; give the rule",
        ),
        (MAP + "{event: refund, as: activity}\n", "5:7: event 'refund' has two meanings: refund"),
        (
            MAP + "{event: a, as: purchase, name: x}\n    - {event: b, as: refund, name: x}\n",
            "6:36: event 'x' has two meanings: purchase (line 5) and refund",
        ),
        (MAP + "{event: a, as: refund, name: $watermark}\n", "5:36: the name '$watermark' is ours"),
        (
            MAP + "{event: a, as: activity}\n    - {event: [b, a], as: ignored}\n",
            "6:8: never reached for 'a': line 5 takes all of it; put the rule with `when` first",
        ),
        (
            MAP + "{event: a, as: activity, when: [{path: $.x, was: 1}]}\n",
            "5:51: only debezium and canal tell what a record was",
        ),
        (
            D + "    map: [{event: a, as: activity, when: [{path: $.before.x, was: 1}]}]\n",
            "5:62: what it was is asked of a column as it is now: a path of $.after",
        ),
        (
            "  t:\n    format: debezium\n    map:\n    - {event: a, as: refund}\n",
            "5:7: debezium has no user id of its own: say where it stands: user",
        ),
        (
            "  t: {format: json, user: $.u, id: $.i, time: $.t}\n",
            "2:3: json has no event names of its own: say where they stand",
        ),
        (
            "  t: {format: json, event: e, user: $.u, id: $.i}\n",
            "2:3: json has no time of its own: say where it stands: time",
        ),
        ("  t: {format: winback, user: $.u}\n", "2:24: native events say all of it themselves"),
        (
            MAP + "{event: a, as: feedback, status: {path: $.s, others: x}}\n",
            "5:60: others is for what a table does not have",
        ),
        (
            MAP + "{event: a, as: feedback, status: {path: $.s, table: {1: sent}}}\n",
            "5:60: Expected `str`, got `int`; write it in quotes: '1'",
        ),
    ],
)
def test_a_complaint_says_where_and_what(inputs: str, complaint: str) -> None:
    with pytest.raises(RulesRefused) as refused:
        rules_of(inputs)
    assert f"r.yaml:{complaint}" in str(refused.value)


@pytest.mark.parametrize(
    ("money", "complaint"),
    [
        ("{rates: {USD: 0}}", "1:22: 0.0 is no rate"),
        ("{rates: {CNY: 1}}", "1:22: CNY is the currency of the rules"),
        ("{rates: {USD: seven}}", "1:22: Expected `float`, got `str`"),
    ],
)
def test_a_rate_is_a_number_above_zero(money: str, complaint: str) -> None:
    with pytest.raises(RulesRefused, match="r") as refused:
        parse_rules(f"money: {money}\n", "r.yaml")
    assert complaint in str(refused.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(RulesRefused) as refused:
        rules_of(MAP + "{event: a, as: consent}\n    - {event: b, as: refund, amount: x}\n")
    assert len(refused.value.complaints) == 3, "channel, granted, and no path"


def test_others_cannot_be_activities_where_the_rules_name_them() -> None:
    with pytest.raises(RulesRefused, match="names the activities"):
        rules_of(S + "    others: activity\n", churn="{activity: [visit]}")


def test_a_meaning_without_a_name_needs_one() -> None:
    topic = MAP + "{event: a, as: complaint}\n"
    with pytest.raises(RulesRefused, match="`events` has no name for complaint"):
        rules_of(topic, events="{complaint: []}")


STEPS = st.one_of(st.integers(0, 999), st.text("aB_$-. 爱[", min_size=1, max_size=5))


@given(st.lists(STEPS, min_size=1, max_size=6).map(tuple))
def test_a_path_is_read_as_it_is_written(path: tuple[str | int, ...]) -> None:
    assert way_of(path_text(path)) == path


@given(st.text(""".$[]"'ab0 """, max_size=20))
def test_what_is_no_path_is_none(text: str) -> None:
    way = way_of(text)
    assert way is None or way_of(path_text(way)) == way
