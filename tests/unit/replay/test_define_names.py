"""What event names are taken for, and the rules file that says it."""

import random
from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.core.meanings import Meaning
from streams.core.rules_file import parse_rules
from streams.core.time import DAY_MS
from streams.replay.blocks import Block
from streams.replay.define import define
from streams.replay.define_cautions import cautions
from streams.replay.define_census import Census, Facts
from streams.replay.define_names import NameFound, kinds_of, names_found
from streams.replay.define_rules import rules_text

START_MS = 17_200 * DAY_MS
DAYS = 120
USERS = 60
HOUR_MS = 3_600_000

Row = tuple[int, str, str, float | None]


def counted(rows: list[Row], currencies: list[str] | None = None) -> Facts:
    rows = sorted(rows, key=lambda row: row[0])
    census = Census(START_MS + 1_000 * DAY_MS)
    at_ms, users, events, amounts = map(list, zip(*rows, strict=True))
    extras = None if currencies is None else [{"currency": c} for c in currencies]
    census.see(
        Block(list(range(1, len(rows) + 1)), users, users, at_ms, events, amounts, extras)  # type: ignore[arg-type]
    )
    facts = census.facts()
    assert facts is not None
    return facts


def people(event: str = "visit", amount: float | None = None, seed: int = 1) -> list[Row]:
    """Sixty users who come every other day until they leave, most of them before the end."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for number in range(USERS):
        at = chance.uniform(0, 4)
        leaves = chance.uniform(20, 150)
        while at < min(leaves, DAYS):
            rows.append((START_MS + int(at * DAY_MS), f"u{number}", event, amount))
            at += chance.expovariate(1 / 2)
    return rows


def broadcast(event: str) -> list[Row]:
    """Every week at the same instant something goes to all users, gone or not."""
    return [
        (START_MS + day * DAY_MS + 8 * HOUR_MS + 7, f"u{number}", event, None)
        for day in range(0, DAYS, 7)
        for number in range(USERS)
    ]


def drip(event: str) -> list[Row]:
    """Every user gets something at an instant of their own, twice a week, gone or not."""
    return [
        (START_MS + day * DAY_MS + number * 1_234_567, f"u{number}", event, None)
        for day in range(0, DAYS, 3)
        for number in range(USERS)
    ]


def meanings(rows: list[Row]) -> dict[str, Meaning]:
    return {name.name: name.meaning for name in names_found(counted(rows))}


def of(found: list[NameFound], name: str) -> NameFound:
    return next(one for one in found if one.name == name)


@pytest.mark.parametrize("name", ["push_sent", "emailDelivered", "推送", "系统通知"])
@pytest.mark.parametrize("sends", [broadcast, drip])
def test_what_a_system_sends_is_no_activity(name: str, sends: Callable[[str], list[Row]]) -> None:
    rows = people() + sends(name)
    assert meanings(rows) == {"visit": Meaning.ACTIVITY, name: Meaning.IGNORED}
    quiet, loud = define(counted(people())), define(counted(rows))
    assert [row.not_back for row in loud.horizons] != []
    assert loud.usual_pause_days == quiet.usual_pause_days


def test_one_sign_alone_is_a_question() -> None:
    """A chat app: its users send the messages."""
    found = names_found(counted(people("message_sent")))
    assert (found[0].meaning, bool(found[0].question)) == (Meaning.ACTIVITY, True)
    found = names_found(counted(people() + broadcast("weekly_42")))
    assert of(found, "weekly_42").meaning is Meaning.IGNORED, "a crowd that outlasts the users"


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("purchase", Meaning.PURCHASE),
        ("OrderPaid", Meaning.PURCHASE),
        ("支付成功", Meaning.PURCHASE),
        ("购买会员", Meaning.PURCHASE),
        ("payment_failed", Meaning.ACTIVITY),
        ("浏览订单", Meaning.ACTIVITY),
        ("refundRequested", Meaning.REFUND),
        ("申请退款", Meaning.REFUND),
        ("complaint_filed", Meaning.COMPLAINT),
        ("投诉", Meaning.COMPLAINT),
        ("subscription_cancelled", Meaning.CANCELLATION),
        ("取消订单", Meaning.CANCELLATION),
        ("unsubscribed", Meaning.OPT_OUT),
        ("退订短信", Meaning.OPT_OUT),
        ("consent_changed", Meaning.CONSENT),
        ("blackboard", Meaning.ACTIVITY),
        ("reorder_level", Meaning.ACTIVITY),
    ],
)
def test_well_known_words_tell_a_meaning(name: str, meaning: Meaning) -> None:
    assert meanings(people() + people(name, 9.99, seed=2))[name] is meaning


def test_an_order_is_a_purchase_only_where_no_payment_is_logged() -> None:
    orders, payments = people("下单", 20.0), people("支付", 20.0, seed=2)
    assert meanings(orders)["下单"] is Meaning.PURCHASE
    assert meanings(orders + payments) == {"下单": Meaning.ACTIVITY, "支付": Meaning.PURCHASE}


def test_a_payment_without_an_amount_is_plain_activity() -> None:
    assert meanings(people("payment"))["payment"] is Meaning.ACTIVITY


def test_decimals_raise_the_question_of_money() -> None:
    found = names_found(counted(people("deal", 12.34)))
    assert "decimals" in found[0].question
    assert names_found(counted(people("deal", 12.0)))[0].question == ""


def test_the_kinds_are_the_frequent_ones_and_those_that_bode_ill() -> None:
    rows = people("view") * 3 + people("add", seed=2) * 2 + people("search", seed=3)
    rows += people("投诉", seed=4)[:9] + [(START_MS + 7, "u1", "consent_changed", None)] * 999
    assert kinds_of(names_found(counted(rows))) == ("view", "add", "投诉")


def test_the_rules_say_what_was_found_and_nothing_twice() -> None:
    rows = people("view", seed=4) + people("购买", 30.5) + people("退款", 9.5, seed=2)[:50]
    rows += broadcast("推送") + people("complaint", seed=3)[:40]
    found = define(counted(rows), horizon_days=21, min_active_days=3)
    text = rules_text(found, "行为.csv")
    rules = parse_rules(text)
    assert (rules.horizon_days, rules.churn.min_active_days) == (21, 3)
    assert set(rules.churn.kinds[:2]) == {"view", "购买"}
    assert set(rules.churn.kinds[2:]) == {"退款", "complaint"}
    assert {name.name: rules.meaning(name.name) for name in found.names} == {
        "view": Meaning.ACTIVITY,
        "购买": Meaning.PURCHASE,
        "退款": Meaning.REFUND,
        "推送": Meaning.IGNORED,
        "complaint": Meaning.COMPLAINT,
    }
    said = yaml.safe_load(text)
    assert sorted(said["events"]) == ["ignored", "purchase", "refund"], "complaint is a default"
    assert "money" not in said
    assert "行为.csv" in text


def test_the_currency_of_the_log_is_that_of_the_rules() -> None:
    rows = people("purchase", 5.0)
    for currency in ("USD", "NO"):  # NO is a word of YAML
        found = define(counted(rows, [currency] * len(rows)), horizon_days=21)
        assert parse_rules(rules_text(found, "log.csv")).currency == currency
    mixed = define(counted(rows, ["USD", *["EUR"] * (len(rows) - 1)]), horizon_days=21)
    assert parse_rules(rules_text(mixed, "log.csv")).currency == "EUR"
    assert any("EUR, USD" in said for said in cautions(mixed))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5),
    st.text(),
)
@example(["0\x85", "\u2028-", "#", "no", "a: b", '"'], "\x85 # :")
def test_whatever_events_are_called_the_rules_can_be_read(names: list[str], path: str) -> None:
    rows: list[Row] = [
        (START_MS + day * DAY_MS, f"u{day % 2}", name, 1.5) for name in names for day in range(30)
    ]
    found = define(counted(rows), horizon_days=7)
    if found.proposal is not None:
        rules = parse_rules(rules_text(found, path))
        assert not found.proposal.kinds or rules.churn.kinds == found.proposal.kinds
        assert {rules.meaning(name.name) for name in found.names} == {
            name.meaning for name in found.names
        }
