"""Tongues: a native history, written as each foreign format writes it, and the rules that read it.

Whatever a tongue writes comes back as the very same native event: id, user, name, instant, amount,
currency and properties. So one history in all tongues must give the same states and touches.
"""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from streams.core.sources import LINK_EVENT
from streams.demo.tongues_binary import AVRO_SCHEMA, PROTO_SCHEMA, avro, protobuf
from streams.demo.tongues_rules import (
    CANAL,
    CLOUDEVENTS,
    COLUMNS,
    DEBEZIUM,
    JSON,
    SEGMENT,
    SENSORS,
)
from streams.replay.events import NativeEvent

SCHEMA_ID: Final = 7
"""Under which a registry must know the schema of a tongue that has one."""
FOREIGN: Final = {
    "visit": "Product Viewed",
    "purchase": "Order Completed",
    "refund": "Order Refunded",
    "complaint": "Complaint Filed",
    "cancellation": "Order Cancelled",
    "consent_changed": "Consent Updated",
    "opt_out": "Unsubscribed",
    "erasure_requested": "Account Deletion Requested",
    "traits_set": "Profile Updated",
    LINK_EVENT: "Logged In",
}
"""Native name to what others call it; a history knows no other names."""
SENSED: Final = {name: text.replace(" ", "") for name, text in FOREIGN.items()}
"""As `FOREIGN`, for those whose names hold no blank."""
TABLES: Final = {
    "visit": "visits",
    "purchase": "orders",
    "refund": "refunds",
    "complaint": "complaints",
    "cancellation": "cancellations",
    "consent_changed": "consents",
    "opt_out": "opt_outs",
    "erasure_requested": "erasures",
    "traits_set": "customers",
    LINK_EVENT: "logins",
}
"""Native name to the table of a database that tells of it."""
LINK_ID: Final = ":link"
"""End of the id of a link whose record says more than that, as the one of Sensors does."""
MONEY_SCALE: Final = 2

_encode = msgspec.json.Encoder().encode


class Record(NamedTuple):
    """One record of Kafka."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Tongue(NamedTuple):
    """One way to write a history.

    Attributes:
        name: What it is called.
        topic: That its rules name.
        rules: Its part of a rules file: the section ``inputs``.
        write: Makes the record of an event.
        schema: What its schema registry holds under `SCHEMA_ID`, empty = it needs none.
        has_headers: Its records are not understood without their headers.
    """

    name: str
    topic: str
    rules: str
    write: Callable[[NativeEvent], Record]
    schema: str = ""
    has_headers: bool = False


def iso(at_ms: int) -> str:
    """Return an instant as ISO 8601 UTC with milliseconds."""
    at = datetime.fromtimestamp(at_ms // 1_000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1_000:03d}Z"


def _said(event: NativeEvent, amount: str) -> dict[str, Any]:
    """Return the properties of an event, its money among them."""
    said = dict(event.properties or {})
    if event.amount is not None:
        said[amount] = event.amount
    if event.currency is not None:
        said["currency"] = event.currency
    return said


def _segment(event: NativeEvent) -> Record:
    told: dict[str, Any] = {"messageId": event.event_id, "userId": event.user_id}
    told |= {
        "timestamp": iso(event.event_time),
        "version": 2,
        "context": {"library": {"name": "java"}},
    }
    if event.event == LINK_EVENT:
        told |= {"type": "alias", "previousId": (event.properties or {})["anonymous_id"]}
    elif event.event == "traits_set":
        told |= {"type": "identify", "traits": event.properties or {}}
    else:
        name = FOREIGN[event.event]
        told |= {"type": "track", "event": name, "properties": _said(event, "total")}
    return Record(event.user_id.encode(), _encode(told))


def _sensors(event: NativeEvent) -> Record:
    told: dict[str, Any] = {"distinct_id": event.user_id, "login_id": event.user_id}
    told |= {"time": event.event_time, "project": "production", "lib": {"$lib": "java"}}
    said = _said(event, "amount") | {"event_id": event.event_id.removesuffix(LINK_ID)}
    if event.event == LINK_EVENT:
        told |= {"type": "track_signup", "event": "$SignUp", "original_id": said["anonymous_id"]}
    elif event.event == "traits_set":
        told |= {"type": "profile_set"}
    else:
        told |= {"type": "track", "event": SENSED[event.event]}
    return Record(event.user_id.encode(), _encode(told | {"properties": said}))


def _cloud(event: NativeEvent) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the attributes of an event, and its data."""
    attributes = {
        "specversion": "1.0", "id": event.event_id, "source": "/shop",
        "type": f"com.example.{SENSED[event.event]}", "time": iso(event.event_time),
    }  # fmt: skip
    return attributes, {"user_id": event.user_id} | _said(event, "amount")


def _structured(event: NativeEvent) -> Record:
    attributes, data = _cloud(event)
    value = attributes | {"datacontenttype": "application/json", "data": data}
    headers = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
    return Record(event.user_id.encode(), _encode(value), headers)


def _binary(event: NativeEvent) -> Record:
    attributes, data = _cloud(event)
    headers = tuple((f"ce_{name}", text.encode()) for name, text in attributes.items())
    told = (*headers, ("content-type", b"application/json"))
    return Record(event.user_id.encode(), _encode(data), told)


def _row(event: NativeEvent) -> tuple[str, dict[str, Any]]:
    """Return a table and a row of it, without time and amount, which databases tell apart."""
    said = event.properties or {}
    row = {"id": event.event_id, "customer_id": event.user_id, "currency": event.currency}
    return TABLES[event.event], row | {name: said[name] for name in COLUMNS if name in said}


def _unscaled(amount: float) -> str:
    """Return money as Kafka Connect's Decimal of scale 2: big-endian two's complement, base64."""
    units = int(Decimal(repr(amount)).scaleb(MONEY_SCALE))
    return b64encode(units.to_bytes(units.bit_length() // 8 + 1, "big", signed=True)).decode()


def _mysql(event: NativeEvent) -> Record:
    """Write as Debezium for MySQL does by default: with the schema, DATETIME(6), DECIMAL."""
    table, row = _row(event)
    row["at"] = event.event_time * 1_000
    row["amount"] = None if event.amount is None else _unscaled(event.amount)
    source = {"version": "3.0.0.Final", "connector": "mysql", "name": "shop", "snapshot": "false",
              "ts_ms": event.event_time, "db": "shop", "table": table, "file": "binlog.000007",
              "pos": 4, "server_id": 1}  # fmt: skip
    payload = {"before": None, "after": row, "source": source, "op": "c",
               "ts_ms": event.event_time + 40, "transaction": None}  # fmt: skip
    schema = {"type": "struct", "name": f"shop.shop.{table}.Envelope", "optional": False}
    key = {"schema": {"type": "struct", "optional": False}, "payload": {"id": event.event_id}}
    return Record(_encode(key), _encode({"schema": schema, "payload": payload}))


def _postgres(event: NativeEvent) -> Record:
    """Write as Debezium for PostgreSQL does without schemas: timestamptz, decimals as text."""
    table, row = _row(event)
    row["at"] = iso(event.event_time)
    row["amount"] = None if event.amount is None else repr(event.amount)
    source = {"version": "3.0.0.Final", "connector": "postgresql", "name": "shop", "db": "shop",
              "snapshot": "false", "ts_ms": event.event_time, "schema": "public", "table": table,
              "txId": 556, "lsn": 24_023_128, "xmin": None}  # fmt: skip
    payload = {"before": None, "after": row, "source": source, "op": "c",
               "ts_ms": event.event_time + 40}  # fmt: skip
    return Record(_encode({"id": event.event_id}), _encode(payload))


def _canal(event: NativeEvent) -> Record:
    table, row = _row(event)
    at = iso(event.event_time)[:-1].replace("T", " ")
    row |= {"at": at, "amount": None if event.amount is None else repr(event.amount)}
    texts = {name: _column(value) for name, value in row.items()}
    value = {
        "data": [texts], "database": "shop", "es": event.event_time, "id": 9, "isDdl": False,
        "mysqlType": {"id": "varchar(256)", "at": "datetime(3)", "amount": "decimal(18,2)"},
        "old": None, "pkNames": ["id"], "sql": "", "sqlType": {"id": 12, "at": 93, "amount": 3},
        "table": table, "ts": event.event_time + 798, "type": "INSERT",
    }  # fmt: skip
    return Record(event.event_id.encode(), _encode(value))


def _column(value: Any) -> str | None:
    """Return a column as Canal writes it: everything is text."""
    if isinstance(value, bool):
        return str(int(value))
    return None if value is None else str(value)


def _plain(event: NativeEvent) -> dict[str, Any]:
    said = event.properties or {}
    row = {"id": event.event_id, "uid": event.user_id, "at": event.event_time}
    row |= {"what": FOREIGN[event.event], "amount": event.amount}
    return row | {"currency": event.currency} | {name: said.get(name) for name in COLUMNS}


def _json(event: NativeEvent) -> Record:
    row = {name: value for name, value in _plain(event).items() if value is not None}
    return Record(event.user_id.encode(), _encode(row))


def _avro(event: NativeEvent) -> Record:
    return Record(event.user_id.encode(), avro(_plain(event), SCHEMA_ID))


def _protobuf(event: NativeEvent) -> Record:
    return Record(event.user_id.encode(), protobuf(_plain(event), SCHEMA_ID))


TONGUES: Final[dict[str, Tongue]] = {
    tongue.name: tongue
    for tongue in (
        Tongue("segment", "app.segment", SEGMENT, _segment),
        Tongue("sensors", "app.sensors", SENSORS, _sensors),
        Tongue("cloudevents", "app.cloudevents", CLOUDEVENTS, _structured),
        Tongue("cloudevents_binary", "app.cloudevents", CLOUDEVENTS, _binary, has_headers=True),
        Tongue("debezium_mysql", "shop.orders", DEBEZIUM["mysql"], _mysql),
        Tongue("debezium", "shop.orders", DEBEZIUM["postgres"], _postgres),
        Tongue("canal", "shop.canal", CANAL, _canal),
        Tongue("json", "app.events", JSON["json"], _json),
        Tongue("avro", "app.events", JSON["avro"], _avro, AVRO_SCHEMA),
        Tongue("protobuf", "app.events", JSON["protobuf"], _protobuf, PROTO_SCHEMA),
    )
}
"""Every tongue by its name."""
