"""A grocer and its systems: an app, a shop's database, a CRM and a gateway; real baskets of 2017.

What the app sees is Segment's, keyed by user; orders are rows of a database, keyed by order, and so
are the consents of the CRM; the gateway tells of messages in a form of its own.
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

LOG = Path(__file__).resolve().parents[3] / "data" / "complete_journey.csv.gz"
HOUSEHOLDS, BASKETS = 60, 4_000
LEAVES = 4
"""One household of so many buys nothing any more from the middle of February on."""
MINUTE_MS = 60_000
RULES = """
mode: live
churn: {{horizon: 14d, min_active_days: 2}}
alert: {{examples_min: 0, backstop: 9d}}
money: {{currency: USD}}
lateness: 1h
holdout: {{share: 0.0}}
contact: {{zone: UTC, quiet_hours: {{start: "00:00", end: "00:00"}}}}
channels: {{sms: {{hours: always}}}}
playbooks:
  - name: care
    steps: [{{channel: sms, template_key: care, expires: 30d}}]
inputs:
  {name}-app:
    format: segment
    keyed_by: user
    lateness: 1h
    idle_after: 2s
    others: activity
  {name}-orders:
    format: debezium
    lateness: 3h
    idle_after: 2s
    user: $.after.household
    map:
      - event: [orders.create, orders.update]
        when: [{{path: $.after.status, is: paid, was_not: paid}}]
        as: purchase
        amount: {{path: $.after.total, scale: 2}}
        once_per: $.after.id
      - event: orders.update
        when: [{{path: $.after.status, is: refunded, was_not: refunded}}]
        as: refund
        amount: {{path: $.after.total, scale: 2}}
        once_per: $.after.id
      - event: orders.update
        when: [{{path: $.after.status, is: paid, was: paid}}]
        as: correction
        amount: {{path: $.after.total, scale: 2, less: $.before.total}}
  {name}-crm:
    format: canal
    lateness: 1h
    idle_after: 2s
    user: $.after.household
    map:
      - event: [contacts.create, contacts.update]
        as: consent
        channel: sms
        granted: {{path: $.after.sms, table: {{"1": true, "0": false}}}}
        time: {{path: $.after.at, zone: UTC}}
  {name}-gateway:
    format: json
    idle_after: 2s
    event: $.kind
    id: $.receipt
    user: $.member
    time: {{path: $.at, unit: s}}
    map:
      - event: receipt
        as: feedback
        touch_id: $.out_id
        status: {{path: $.code, table: {{DELIVRD: delivered, UNDELIV: failed}}}}
        channel: sms
"""


class Basket(NamedTuple):
    """What a household bought, cents."""

    number: int
    household: str
    at_ms: int
    cents: int


class Message(NamedTuple):
    """A record of one of the systems."""

    system: str
    at_ms: int
    key: str
    value: dict[str, Any]


class Person(NamedTuple):
    """What is to be known of a household in the end."""

    acts: int
    cents: int
    consent: bool | None


def baskets() -> list[Basket]:
    """Return the first baskets of some households, in order of time."""
    with gzip.open(LOG, "rt", encoding="utf-8") as file:
        rows = islice(csv.DictReader(file), 40_000)
        found: list[Basket] = []
        households: dict[str, str] = {}
        for number, row in enumerate(rows):
            if row["event"] != "purchase" or float(row["amount"]) <= 0:
                continue
            user = row["user_id"]
            if user not in households and len(households) < HOUSEHOLDS:
                households[user] = f"家{user}"
            if user in households and len(found) < BASKETS:
                if row["ts"] >= "2017-02-15" and int(user) % LEAVES == 1:
                    continue
                at_ms = round(datetime.fromisoformat(row["ts"]).timestamp() * 1_000)
                cents = round(float(row["amount"]) * 100)
                found.append(Basket(number, households[user], at_ms, cents))
    return found


def messages(bought: list[Basket]) -> list[Message]:
    """Return all that the systems say, in the order in which they say it."""
    told: list[Message] = []
    seen: dict[str, int] = defaultdict(int)
    for basket in bought:
        visit = seen[basket.household]
        seen[basket.household] += 1
        told += _app(basket, visit)
        told += _orders(basket)
        if visit in {0, 12}:
            told.append(_contact(basket, visit))
    return sorted(told, key=lambda message: message.at_ms)


def _app(basket: Basket, visit: int) -> Iterator[Message]:
    """A visit before the purchase; every fifth household logs in at its fourth visit only."""
    at_ms, user = basket.at_ms - 20 * MINUTE_MS, basket.household
    before = f"anon-{user}"
    is_anonymous = int(user[1:]) % 5 == 0 and visit < 3
    call = {"messageId": f"v{basket.number}", "timestamp": _iso(at_ms), "type": "track",
            "event": "Shop Opened"}  # fmt: skip
    if is_anonymous:
        yield Message("app", at_ms, before, call | {"anonymousId": before})
        return
    if int(user[1:]) % 5 == 0 and visit == 3:
        login = {"messageId": f"l{basket.number}", "timestamp": _iso(at_ms), "type": "identify",
                 "userId": user, "anonymousId": before}  # fmt: skip
        yield Message("app", at_ms - 1, user, login)
    yield Message("app", at_ms, user, call | {"userId": user})


def _orders(basket: Basket) -> Iterator[Message]:
    """An order is made, paid, and now and then corrected or refunded; every state is told."""
    before: dict[str, Any] | None = None
    for status, at_ms, cents in _states(basket):
        row = {"id": basket.number, "household": basket.household, "status": status, "total": cents}
        source = {"db": "shop", "table": "orders", "ts_ms": at_ms, "file": "bin.1", "pos": at_ms}
        value = {"before": before, "after": row, "op": "u" if before else "c", "source": source}
        yield Message("orders", at_ms, str(basket.number), value)
        before = row


def _states(basket: Basket) -> Iterator[tuple[str, int, int]]:
    yield "new", basket.at_ms - MINUTE_MS, basket.cents
    yield "paid", basket.at_ms, basket.cents
    if basket.number % 7 == 0:
        yield "paid", basket.at_ms + 5 * MINUTE_MS, basket.cents - basket.cents // 2
    elif basket.number % 11 == 0:
        yield "refunded", basket.at_ms + 30 * MINUTE_MS, basket.cents


def _contact(basket: Basket, visit: int) -> Message:
    """Consent at the first visit, by two of three; one of four takes it back later."""
    number = int(basket.household[1:])
    sms = number % 3 > 0 if visit == 0 else number % 3 > 0 and number % 4 > 0
    at_ms = basket.at_ms + MINUTE_MS
    row = {"id": basket.household, "household": basket.household, "sms": str(int(sms)),
           "at": _iso(at_ms)[:-1].replace("T", " ")}  # fmt: skip
    value = {"database": "crm", "table": "contacts", "type": "UPDATE" if visit else "INSERT",
             "isDdl": False, "es": at_ms, "pkNames": ["id"], "data": [row],
             "old": [{"at": "2016-01-01 00:00:00"}] if visit else None}  # fmt: skip
    return Message("crm", at_ms, f"c{basket.number}", value)


def people(bought: list[Basket]) -> dict[str, Person]:
    """Return what is to be known of every household, counted without any of winback."""
    acts: dict[str, int] = defaultdict(int)
    cents: dict[str, int] = defaultdict(int)
    consents: dict[str, bool] = {}
    for message in messages(bought):
        value = message.value
        if message.system == "app" and value["type"] == "track":
            acts[value.get("userId") or value["anonymousId"].removeprefix("anon-")] += 1
        elif message.system == "crm":
            consents[value["data"][0]["household"]] = value["data"][0]["sms"] == "1"
    for basket in bought:
        states = list(_states(basket))[1:]
        acts[basket.household] += 1 + (states[-1][0] == "refunded")
        cents[basket.household] += 0 if states[-1][0] == "refunded" else states[-1][2]
    return {user: Person(acts[user], cents[user], consents.get(user)) for user in acts}


def _iso(at_ms: int) -> str:
    from streams.core.time import iso  # noqa: PLC0415 (of all the house the clock alone)

    return iso(at_ms)


def encoded(message: Message) -> bytes:
    """Return the bytes of a record."""
    return json.dumps(message.value, ensure_ascii=False).encode()
