"""Debezium in Avro: the same tables, as Kafka Connect's Avro converter writes them."""

import io
import json
from decimal import Decimal
from typing import Any, Final

import fastavro

from streams.core.decoded import Rejected, RejectReason, Skipped
from streams.core.rules_file import parse_rules
from streams.core.sources import Encoding
from streams.intake.decoder import Tell, make_tell
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.schemas import Schema, Schemas
from tests.unit.core.stories import day
from tests.unit.intake.spec_debezium import MYSQL
from tests.unit.intake.test_cdc_stories import LIFE, NOW, ORDERS, WORTH, meant, unnamed

TEXT = ["null", "string"]
COLUMNS: Final = [
    {"name": "id", "type": "int"},
    {"name": "customer_id", "type": "long"},
    {"name": "status", "type": "string"},
    {"name": "currency", "type": "string"},
    {
        "name": "amount",
        "type": {
            "type": "bytes", "scale": 2, "precision": 10, "logicalType": "decimal",
            "connect.name": "org.apache.kafka.connect.data.Decimal",
        },
    },
    {
        "name": "paid_at",
        "type": ["null", {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"}],
        "default": None,
    },
]  # fmt: skip
VALUE: Final = {"type": "record", "name": "Value", "namespace": "shop.orders", "fields": COLUMNS}
SOURCE: Final = {
    "type": "record", "name": "Source", "namespace": "io.debezium.connector.mysql",
    "fields": [
        {"name": "version", "type": "string"}, {"name": "connector", "type": "string"},
        {"name": "ts_ms", "type": "long"}, {"name": "snapshot", "type": TEXT},
        {"name": "db", "type": "string"}, {"name": "table", "type": TEXT},
        {"name": "file", "type": "string"}, {"name": "pos", "type": "long"},
        {"name": "row", "type": "int"},
    ],
}  # fmt: skip
ENVELOPE: Final = {
    "type": "record", "name": "Envelope", "namespace": "shop.orders",
    "fields": [
        {"name": "before", "type": ["null", VALUE]}, {"name": "after", "type": ["null", "Value"]},
        {"name": "source", "type": SOURCE}, {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"]},
    ],
}  # fmt: skip
FLAT: Final = VALUE | {
    "fields": [
        *COLUMNS, {"name": "__op", "type": TEXT}, {"name": "__table", "type": TEXT},
        {"name": "__source_ts_ms", "type": ["null", "long"]},
    ]
}  # fmt: skip
BEAT: Final = {
    "type": "record", "name": "Heartbeat", "fields": [{"name": "ts_ms", "type": "long"}]
}  # fmt: skip
IDS: Final = {7: ENVELOPE, 8: FLAT, 9: BEAT}


def telling() -> tuple[Tell, Any]:
    text = ORDERS.replace("format: debezium", "format: debezium\n    encoding: avro")
    rules, schemas = parse_rules(text.replace(", scale: 2", "")), Schemas()
    for number, schema in IDS.items():
        schemas.learn(number, Schema("AVRO", json.dumps(schema)))
    return make_tell(rules.sources[0], rules, parse_as_of(Encoding.AVRO, schemas)), rules


def framed(number: int, told: dict[str, Any]) -> bytes:
    out, schema = io.BytesIO(), fastavro.parse_schema(json.loads(json.dumps(IDS[number])))
    fastavro.schemaless_writer(out, schema, told)
    return b"\0" + number.to_bytes(4, "big") + out.getvalue()


def row(told: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a row whose amount is a decimal; `LIFE` has those of JSON."""
    if told is None:
        return None
    cents = {"JwY=": "99.90", "Ix4=": "89.90", "Hyw=": "79.80"}
    return told | {"amount": Decimal(cents[told["amount"]])}


def test_the_life_of_an_order_in_avro() -> None:
    tell, rules = telling()
    source = MYSQL | {"table": "orders", "snapshot": "false"}
    life = [
        framed(
            7,
            {"before": row(before), "after": row(after), "op": op, "ts_ms": None,
             "source": source | {"ts_ms": day(1 + place), "pos": place}},
        )
        for place, (op, before, after) in enumerate(LIFE)
    ]  # fmt: skip

    told = meant((tell(b"\0\0\0\0\x01\x0e", change, NOW, ()) for change in life), rules)
    assert unnamed(told) == WORTH


def test_a_row_without_its_envelope_in_avro() -> None:
    tell, rules = telling()
    paid = row(LIFE[2][2])
    assert paid is not None
    flat = paid | {"__op": "c", "__table": "orders", "__source_ts_ms": day(2)}

    assert meant([tell(b"k", framed(8, flat), NOW, ())], rules) == WORTH[:1]


def test_what_tells_of_no_row_in_avro() -> None:
    tell, _ = telling()
    beat = framed(9, {"ts_ms": day(2)})

    assert tell(b"\0\0\0\0\x02\x14serverName", beat, NOW, ()) == Skipped("heartbeat")
    unknown = tell(b"k", beat, NOW, ())
    assert isinstance(unknown, Rejected)
    assert unknown.reason is RejectReason.BAD_ENVELOPE
    source = MYSQL | {"snapshot": "false"}
    made = {"before": None, "after": row(LIFE[0][2]), "source": source, "op": "c", "ts_ms": None}
    assert isinstance(tell(b"k", framed(7, made)[:-9], NOW, ()), Rejected)
