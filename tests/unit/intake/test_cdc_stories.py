"""Tables of a shop, as Debezium and Canal tell of them, understood by the rules of the pages."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from streams.core.decoded import Rejected, RejectReason, Skipped, inputs_of
from streams.core.inputs import Acted, ConsentChanged, Erased, Input, ValueCorrected
from streams.core.native import make_decode
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.time import HOUR_MS
from streams.intake.decoder import Tell, Told, make_tell
from streams.intake.formats.cdc_values import UNAVAILABLE
from streams.intake.wire.json_values import json_parse_as
from tests.unit.core.stories import day
from tests.unit.intake.changes import decimal_text, written
from tests.unit.intake.spec_debezium import MYSQL, POSTGRES, envelope, wrapped
from winback_sender.documents.faults import RulesRefused

NOW: Final = day(60)
SHANGHAI_MS: Final = 8 * HOUR_MS


def rules_of_page(name: str) -> str:
    text = Path(f"docs/formats/{name}.md").read_text()
    return text.partition("```yaml\n")[2].partition("```")[0]


RULES: Final = rules_of_page("debezium")
"""For two topics, of which the last is customers."""
ORDERS: Final = RULES.partition("  shop.inventory.customers:")[0]


def telling(text: str) -> tuple[Tell, Rules]:
    rules = parse_rules(text)
    *_, source = rules.sources
    return make_tell(source, rules, json_parse_as), rules


def meant(told: Iterable[Told], rules: Rules) -> list[Input]:
    """Return the inputs of what was told, as they come behind the router."""
    decode = make_decode(rules)
    inputs: list[Input] = []
    for events in told:
        assert not isinstance(events, Rejected), events
        if isinstance(events, Skipped):
            continue
        for event in events:
            decoded = decode(event.user_id.encode(), msgspec.json.encode(event), NOW)
            assert not isinstance(decoded, Rejected | Skipped), decoded
            inputs += inputs_of(decoded)
    return inputs


def wall_us(at_ms: int) -> int:
    """Write an instant as Debezium writes a DATETIME(6) of a shop in Shanghai."""
    return (at_ms + SHANGHAI_MS) * 1_000


CREATED: Final[dict[str, Any]] = {
    "id": 7, "customer_id": 900, "status": "created", "amount": decimal_text("99.90"),
    "currency": "CNY", "paid_at": None, "address": "南京路1号",
}  # fmt: skip
CHANGED = CREATED | {"amount": decimal_text("89.90")}
PAID = CHANGED | {"status": "paid", "paid_at": wall_us(day(2))}
CORRECTED = PAID | {"amount": decimal_text("79.80")}
SHIPPED = CORRECTED | {"status": "shipped"}
REFUNDED = CORRECTED | {"status": "refunded"}
LIFE: Final = (
    ("c", None, CREATED), ("u", CREATED, CHANGED), ("u", CHANGED, PAID), ("u", PAID, CORRECTED),
    ("u", CORRECTED, SHIPPED), ("u", SHIPPED, REFUNDED), ("d", REFUNDED, None),
)  # fmt: skip
"""An order is created, changed, paid, corrected, shipped, refunded and deleted."""
WORTH: Final = [
    Acted("900", "purchase:7", day(2), 89.9, 8990, 0),
    ValueCorrected("900", "", day(4), -1010),
    Acted("900", "refund:7", day(6), 79.8, -7980, 1, is_risky=True, trigger="refund"),
]
"""What remains is nothing."""


def unnamed(inputs: list[Input]) -> list[Input]:
    """Return inputs without the ids that the format made."""
    return [
        msgspec.structs.replace(told, event_id="") if isinstance(told, ValueCorrected) else told
        for told in inputs
    ]


def records(source: dict[str, Any], *, full: bool = True) -> list[dict[str, Any]]:
    """Return the life of the order as a connector tells it, a day each."""
    return [
        envelope(
            op,
            source | {"table": "orders", "ts_ms": day(1 + place), "pos": place, "lsn": place},
            before=before if full else None,
            after=after,
        )
        for place, (op, before, after) in enumerate(LIFE)
    ]


def of_orders(life: Iterable[dict[str, Any]], text: str = ORDERS) -> list[Input]:
    tell, rules = telling(text)
    return meant((tell(b'{"id":7}', written(change), NOW, ()) for change in life), rules)


@pytest.mark.parametrize("source", [MYSQL, POSTGRES], ids=["MySQL", "REPLICA IDENTITY FULL"])
def test_the_life_of_an_order_is_what_was_paid_and_what_went_back(source: dict[str, Any]) -> None:
    assert unnamed(of_orders(records(source))) == WORTH


def test_told_twice_and_with_schemas_it_is_the_same_life() -> None:
    life = [change for change in records(MYSQL) for _ in range(2)]
    tell, rules = telling(ORDERS)

    twice = meant((tell(b"{}", wrapped(change), NOW, ()) for change in life), rules)
    assert unnamed(twice) == [told for told in WORTH for _ in range(2)]
    assert twice[0::2] == twice[1::2], "equal ids: each counts once"


def test_a_paid_order_that_is_deleted_is_cancelled() -> None:
    (cancelled,) = of_orders([envelope("d", MYSQL | {"table": "orders"}, before=PAID)])
    assert isinstance(cancelled, Acted)
    assert (cancelled.user_id, cancelled.money_minor) == ("900", -8990)


def test_without_the_row_before_nobody_guesses_what_it_was() -> None:
    """PostgreSQL by default: a record is put aside, and says what to do."""
    tell, _ = telling(ORDERS)
    life = records(POSTGRES, full=False)

    paid = tell(b"{}", written(life[2]), NOW, ())
    assert isinstance(paid, Rejected)
    assert paid.reason is RejectReason.BAD_PROPERTY
    assert "REPLICA IDENTITY FULL" in paid.detail
    assert "$.after.status" in paid.detail


def test_without_the_row_before_once_per_does_it() -> None:
    text = ORDERS.replace(", was_not: paid", "").replace(", was_not: refunded", "")
    text = re.sub(r"      - event: orders\.update.*?(?=      - event)", "", text, flags=re.DOTALL)
    life = [change for change in records(POSTGRES, full=False) if change["op"] != "d"]

    told = of_orders([*life[:3], *life[2:3], *life[4:]], text)
    assert told == [WORTH[0], WORTH[0], WORTH[2]]


SO_FAR: Final = """
inputs:
  shop.orders:
    format: debezium
    user: $.after.customer_id
    map:
      - event: orders.update
        as: refund
        amount: {path: $.after.refunded, less: $.before.refunded, default: 0}
"""


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (None, 10.1, 10.1),
        (10.1, 30.4, 20.3),
        ("10.10", "30.40", 20.3),
        (30.4, 30.4, "no_change"),
        (None, None, "no_change"),
        (30.4, 10.1, "bad_amount"),
        ("much", 30.4, "bad_amount"),
    ],
)
def test_a_sum_of_what_was_refunded_so_far_tells_each_refund(
    before: Any, after: Any, outcome: float | str
) -> None:
    tell, _ = telling(SO_FAR)
    row, source = {"id": 7, "customer_id": 900}, MYSQL | {"table": "orders", "ts_ms": day(3)}
    change = envelope(
        "u", source, before=row | {"refunded": before}, after=row | {"refunded": after}
    )

    told = tell(b"{}", written(change), NOW, ())
    assert outcome == (told[0].amount if isinstance(told, tuple) else told.reason)


def test_a_snapshot_tells_what_was_paid_and_when_and_it_counts_once() -> None:
    text = ORDERS.replace("orders.create", "orders.create, orders.read", 1)
    source = MYSQL | {"table": "orders", "ts_ms": day(50), "snapshot": "true"}

    assert of_orders([envelope("r", source, after=PAID)], text) == WORTH[:1]


def test_a_rule_that_reads_a_snapshot_without_a_column_of_time_is_refused() -> None:
    with pytest.raises(RulesRefused, match="rows that a snapshot read have no time of their own"):
        parse_rules(ORDERS.replace("orders.create", "orders.create, orders.read"))


def test_a_time_of_a_cloud_service_that_writes_its_zone_apart() -> None:
    """Source: https://cloud.tencent.com/document/product/571/102285, TIMESTAMP columns."""
    tell, _ = telling(rules_of_page("canal"))
    paid = canal_message("orders", 3, ("c", None, PAID))
    paid["data"][0]["paid_at"] = "2017-01-03 12:00:00 +00:00"

    told = tell(None, written(paid), NOW, ())
    assert isinstance(told, tuple)
    assert told[0].event_time == day(2)


def test_canal_in_another_encoding_is_refused() -> None:
    text = rules_of_page("canal").replace("format: canal", "format: canal\n    encoding: avro")
    with pytest.raises(RulesRefused, match="only JSON messages of Canal are read"):
        parse_rules(text)


def test_a_column_that_was_not_told_is_not_taken_for_a_value() -> None:
    tell, _ = telling(ORDERS)
    source = POSTGRES | {"table": "orders", "ts_ms": day(3)}
    unknown = envelope("u", source, before=CHANGED, after=PAID | {"currency": UNAVAILABLE})
    nowhere = envelope("c", source, after=PAID | {"currency": UNAVAILABLE})

    told = tell(b"{}", written(unknown), NOW, ())
    assert isinstance(told, tuple)
    assert told[0].currency == "CNY", "as it was before"
    assert isinstance(tell(b"{}", written(nowhere), NOW, ()), Rejected)


ANNE: Final[dict[str, Any]] = {"id": 900, "name": "Anne", "accepts_sms": False}


def of_customers(changes: Iterable[tuple[str, Any, Any]]) -> list[Input]:
    tell, rules = telling(RULES)
    source = MYSQL | {"table": "customers"}
    return meant(
        (
            tell(b"{}", written(envelope(op, source | {"ts_ms": day(at)}, before, after)), NOW, ())
            for at, (op, before, after) in enumerate(changes)
        ),
        rules,
    )


YES, MOVED = ANNE | {"accepts_sms": True}, ANNE | {"accepts_sms": True, "name": "Anne Marie"}
CHANGES: Final[tuple[tuple[str, Any, Any], ...]] = (
    ("c", None, ANNE), ("u", ANNE, YES), ("u", YES, MOVED), ("u", MOVED, ANNE), ("c", None, YES),
    ("d", YES, None),
)  # fmt: skip
WORDS: Final = [
    ConsentChanged("900", day(1), "sms", is_granted=True),
    ConsentChanged("900", day(3), "sms", is_granted=False),
    ConsentChanged("900", day(4), "sms", is_granted=True),
    Erased("900", day(5)),
]


def test_consent_is_told_when_it_changes_and_only_then() -> None:
    """Who opted out by a text must not be won back by a change of the name."""
    assert of_customers(CHANGES) == WORDS


def test_a_customer_whose_key_changes_is_not_erased() -> None:
    tell, _ = telling(RULES)
    gone = written(envelope("d", MYSQL | {"table": "customers"}, before=ANNE))

    moved = tell(b"{}", gone, NOW, (("__debezium.newkey", b'{"id":901}'),))
    assert moved == Skipped("key_changed")


def canal_row(told: dict[str, Any]) -> dict[str, str | None]:
    """Write a row as Canal does: everything is text, an instant is one of the wall clock."""
    amounts = {decimal_text(amount): amount for amount in ("99.90", "89.90", "79.80")}
    row = {
        name: None if value is None else str(int(value) if isinstance(value, bool) else value)
        for name, value in told.items()
    }
    if "amount" in told:
        row["amount"] = amounts[told["amount"]]
        row["paid_at"] = "2017-01-03 20:00:00" if told["paid_at"] else None
    return row


def canal_message(table: str, at: float, change: tuple[str, Any, Any]) -> dict[str, Any]:
    op, before, after = change
    now, then = canal_row(after or before), canal_row(before or after)
    old = {name: then[name] for name in now if now[name] != then[name]}
    return {
        "type": {"c": "INSERT", "u": "UPDATE", "d": "DELETE"}[op], "data": [now],
        "old": [old] if op == "u" else None, "table": table, "database": "shop", "es": day(at),
        "ts": 1, "id": 1, "isDdl": False, "pkNames": ["id"], "sqlType": {}, "mysqlType": {},
        "sql": "",
    }  # fmt: skip


def test_canal_tells_the_same_lives() -> None:
    text = rules_of_page("canal")
    orders = [canal_message("orders", 1 + place, change) for place, change in enumerate(LIFE)]
    customers = [canal_message("customers", at, told) for at, told in enumerate(CHANGES)]

    assert unnamed(of_orders(orders, text)) == WORTH
    assert of_orders(customers, text) == WORDS
