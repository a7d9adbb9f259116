"""Examples of Debezium's documentation, shortened to what is read, and what each comes to."""

import json
from typing import Any, Final, NamedTuple

DOCS: Final = "https://debezium.io/documentation/reference/stable/"


class Example(NamedTuple):
    """One record of a public specification.

    Attributes:
        what: In words, as the page has it.
        at: Where it stands.
        value: Of the record.
        comes_to: Names of its events, ``skipped: <reason>``, or ``refused: <reason>``.
        note: What is worth knowing.
        key: Of the record.
    """

    what: str
    at: str
    value: bytes | None
    comes_to: str
    note: str = ""
    key: bytes | None = b'{"id":1004}'


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


ANNE: Final = {
    "id": 1004,
    "first_name": "Anne",
    "last_name": "Kretchmar",
    "email": "annek@noanswer.org",
}
MARIE: Final = ANNE | {"first_name": "Anne Marie"}
MYSQL: Final = {
    "version": "3.0.0.Final", "connector": "mysql", "name": "mysql-server-1",
    "ts_ms": 1465581029100, "snapshot": False, "db": "inventory", "table": "customers",
    "server_id": 223344, "gtid": None, "file": "mysql-bin.000003", "pos": 484, "row": 0,
    "thread": 7, "query": None,
}  # fmt: skip
POSTGRES: Final = {
    "version": "3.0.0.Final", "connector": "postgresql", "name": "PostgreSQL_server",
    "ts_ms": 1559033904863, "ts_us": 1559033904863769, "snapshot": False, "db": "postgres",
    "schema": "public", "table": "customers", "txId": 556, "lsn": 24023128, "xmin": None,
}  # fmt: skip
SQL_SERVER: Final = {
    "version": "3.0.0.Final", "connector": "sqlserver", "name": "server1",
    "ts_ms": 1559729995937, "snapshot": False, "db": "testDB", "schema": "dbo",
    "table": "customers", "change_lsn": "00000027:00000ac0:0002",
    "commit_lsn": "00000027:00000ac0:0007", "event_serial_no": "2",
}  # fmt: skip
TIDB: Final = {
    "version": "2.4.0.Final", "connector": "TiCDC", "name": "test_cluster", "ts_ms": 1701326309000,
    "snapshot": "false", "db": "test", "table": "t1", "server_id": 0, "gtid": None, "file": "",
    "pos": 0, "row": 0, "thread": 0, "query": None, "commit_ts": 1, "cluster_id": "test_cluster",
}  # fmt: skip


def envelope(
    op: str,
    source: dict[str, Any],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    told = {"before": before, "after": after, "source": source, "op": op, "ts_ms": 1465581029523}
    return told | more


def wrapped(payload: Any) -> bytes:
    """Write as Kafka Connect's JSON converter does by default: with a schema."""
    fields = [
        {"type": "struct", "optional": True, "name": "s.Value", "field": name,
         "fields": [{"type": "int32", "optional": False, "field": "id"}]}
        for name in ("before", "after")
    ]  # fmt: skip
    fields.append({"type": "string", "optional": False, "field": "op"})
    schema = {"type": "struct", "fields": fields, "optional": False, "name": "s.Envelope"}
    return json.dumps({"schema": schema, "payload": payload}, separators=(",", ":")).encode()


_MYSQL, _PG = f"{DOCS}connectors/mysql.html", f"{DOCS}connectors/postgresql.html"
_FLAT = f"{DOCS}transformations/event-flattening.html"
_TICDC = "https://docs.pingcap.com/tidb/stable/ticdc-debezium"
_FLINK = (
    "https://nightlies.apache.org/flink/flink-docs-stable/docs/connectors/table/formats/debezium/"
)

EXAMPLES: Final = (
    Example(
        "MySQL, create, with its schema",
        f"{_MYSQL}#mysql-create-events",
        wrapped(envelope("c", MYSQL | {"ts_ms": 0, "pos": 154}, after=ANNE)),
        "customers.create",
        "`source.ts_ms` is 0: the rule says the time",
    ),
    Example(
        "MySQL, update",
        f"{_MYSQL}#mysql-update-events",
        wrapped(envelope("u", MYSQL, before=ANNE, after=MARIE)),
        "customers.update",
    ),
    Example(
        "MySQL, update, without a schema",
        f"{_MYSQL}#mysql-update-events",
        written(envelope("u", MYSQL, before=ANNE, after=MARIE)),
        "customers.update",
    ),
    Example(
        "MySQL, delete",
        f"{_MYSQL}#mysql-delete-events",
        wrapped(envelope("d", MYSQL | {"pos": 805}, before=MARIE)),
        "customers.delete",
    ),
    Example("tombstone", f"{_MYSQL}#mysql-tombstone-events", None, "skipped: tombstone"),
    Example(
        "MySQL, truncate",
        f"{_MYSQL}#mysql-truncate-events",
        wrapped({"source": MYSQL, "op": "t", "ts_ms": 1465581029523}),
        "skipped: truncate",
        "nobody's row is named",
        None,
    ),
    Example(
        "MySQL, a row read by a snapshot",
        f"{_MYSQL}#mysql-snapshots",
        written(envelope("r", MYSQL | {"snapshot": "first"}, after=ANNE)),
        "customers.read",
        "has no time: nobody knows since when the row is there",
    ),
    Example(
        "the same behind `ReadToInsertEvent`",
        f"{DOCS}transformations/read-to-insert-event.html",
        written(envelope("c", MYSQL | {"snapshot": "last"}, after=ANNE)),
        "customers.read",
        "its source says that a snapshot read it",
    ),
    Example(
        "within a transaction, with its metadata",
        f"{_MYSQL}#mysql-transaction-metadata",
        written(
            {"before": None, "after": {"pk": "2", "aa": "1"}, "source": MYSQL, "op": "c",
             "ts_ms": "1580390884335", "transaction": {"id": "0e4d5dcd", "total_order": "1",
             "data_collection_order": "1"}}
        ),
        "customers.create",
    ),
    Example(
        "a transaction begins",
        f"{_MYSQL}#mysql-transaction-metadata",
        written(
            {"status": "BEGIN", "id": "0e4d5dcd-a33b:1", "ts_ms": 1486500577125,
             "event_count": None, "data_collections": None}
        ),
        "skipped: transaction",
    ),
    Example(
        "a transaction ends",
        f"{_MYSQL}#mysql-transaction-metadata",
        written(
            {"status": "END", "id": "0e4d5dcd-a33b:1", "ts_ms": 1486500577691, "event_count": 2,
             "data_collections": [{"data_collection": "s1.a", "event_count": 2}]}
        ),
        "skipped: transaction",
    ),
    Example(
        "MySQL, the schema changes",
        f"{_MYSQL}#mysql-schema-change-topic",
        wrapped(
            {"source": MYSQL, "ts_ms": 1651535750218, "databaseName": "inventory",
             "schemaName": None, "ddl": "ALTER TABLE customers ADD middle_name varchar(255)",
             "tableChanges": [{"type": "ALTER", "id": '"inventory"."customers"', "table": {}}]}
        ),
        "skipped: schema_change",
        "",
        b'{"databaseName":"inventory"}',
    ),
    Example(
        "heartbeat",
        f"{_MYSQL}#mysql-property-heartbeat-interval-ms",
        written({"ts_ms": 1565787098802}),
        "skipped: heartbeat",
        "",
        b'{"serverName":"mysql-server-1"}',
    ),
    Example(
        "notification",
        f"{DOCS}configuration/notification.html",
        written(
            {"id": "5563ae14-49f8-4579-9641-c1bbc2d76f99", "aggregate_type": "Initial Snapshot",
             "type": "COMPLETED", "additional_data": {"connector_name": "my-connector"},
             "timestamp": "1695817046353"}
        ),
        "skipped: notification",
    ),
    Example(
        "PostgreSQL, create",
        f"{_PG}#postgresql-create-events",
        wrapped(envelope("c", POSTGRES, after=ANNE | {"id": 1})),
        "customers.create",
    ),
    Example(
        "PostgreSQL, update, REPLICA IDENTITY DEFAULT",
        f"{_PG}#postgresql-update-events",
        wrapped(envelope("u", POSTGRES, before={"id": 1}, after=MARIE | {"id": 1})),
        "customers.update",
        "of the row before, only the key is known",
    ),
    Example(
        "PostgreSQL, delete, REPLICA IDENTITY DEFAULT",
        f"{_PG}#postgresql-delete-events",
        wrapped(envelope("d", POSTGRES | {"lsn": 46523128}, before={"id": 1})),
        "customers.delete",
        "only the key is known: whose row it was, only if the key says so",
    ),
    Example(
        "PostgreSQL, truncate",
        f"{_PG}#postgresql-truncate-events",
        wrapped({"source": POSTGRES, "op": "t", "ts_ms": 1559033904961}),
        "skipped: truncate",
        "",
        None,
    ),
    Example(
        "PostgreSQL, message of a transaction",
        f"{_PG}#postgresql-message-events",
        wrapped(
            {"source": POSTGRES | {"schema": "", "table": ""}, "op": "m", "ts_ms": 1559033904961,
             "message": {"prefix": "foo", "content": "Ymfy"}}
        ),
        "skipped: message",
        "",
        b'{"prefix":"foo"}',
    ),
    Example(
        "PostgreSQL, a large column that did not change",
        f"{_PG}#postgresql-toasted-values",
        written(
            envelope("u", POSTGRES, after=MARIE | {"email": "__debezium_unavailable_value"})
        ),
        "customers.update",
        "the column is as if it were null, or what it was before",
    ),
    Example(
        "SQL Server, create",
        f"{DOCS}connectors/sqlserver.html#sqlserver-create-events",
        wrapped(envelope("c", SQL_SERVER, after=ANNE | {"id": 1005})),
        "customers.create",
    ),
    Example(
        "MongoDB, create",
        f"{DOCS}connectors/mongodb.html#mongodb-create-events",
        wrapped(
            {"op": "c", "ts_ms": 1558965515240, "before": None, "after": '{"_id": {}}',
             "source": {"connector": "mongodb", "collection": "customers"}}
        ),
        "refused: not_decodable",
        "a document is written as text; `format: json` reads it behind its own flattening",
    ),
    Example(
        "TiCDC in Debezium's format",
        _TICDC,
        written(envelope("c", TIDB, after={"a": 1, "b": 2})),
        "t1.create",
        "",
        b'{"a":1}',
    ),
    Example(
        "Flink's `debezium-json`, which has no source",
        _FLINK,
        written({"before": None, "after": ANNE, "op": "c"}),
        "orders.create",
        "the table is the last part of the topic's name; the rule says id and time",
    ),
    Example(
        "flattened, nothing kept",
        _FLAT,
        written({"field1": "newvalue1", "field2": "newvalue2"}),
        "refused: bad_envelope",
        "who cannot add fields reads it as `format: json`",
    ),
    Example(
        "flattened, `add.fields=op,table,lsn,source.ts_ms`",
        _FLAT,
        written(
            ANNE | {"__op": "c", "__table": "MY_TABLE", "__lsn": "123456789",
                    "__source_ts_ms": "123456789"}
        ),
        "MY_TABLE.create",
        "the instant of the example is none: the rule says the time",
    ),
    Example(
        "flattened, a row that was deleted, without `__op`",
        _FLAT,
        written({"pk": 2, "cola": None, "__deleted": "true"}),
        "orders.delete",
        "the table is the last part of the topic's name",
    ),
    Example(
        "flattened, a row that was not, without `__op`",
        _FLAT,
        written({"pk": 2, "cola": 1, "__deleted": "false"}),
        "refused: bad_envelope",
        "created or updated? `add.fields=op` says so",
    ),
)  # fmt: skip
"""Read from a topic named ``shop.inventory.orders``."""
