"""Examples of Canal JSON from public documents, and what each comes to."""

from typing import Any, Final

from tests.unit.intake.spec_debezium import Example, written

_FLINK = "https://nightlies.apache.org/flink/flink-docs-stable/docs/connectors/table/formats/canal/"
_TICDC = "https://docs.pingcap.com/tidb/stable/ticdc-canal-json"
_CKAFKA = "https://cloud.tencent.com/document/product/597/83345"

SCOOTER: Final[dict[str, Any]] = {
    "data": [{"id": "111", "name": "scooter", "description": "Big 2-wheel scooter",
              "weight": "5.18"}],
    "database": "inventory", "es": 1589373560000, "id": 9, "isDdl": False,
    "mysqlType": {"id": "INTEGER", "name": "VARCHAR(255)", "description": "VARCHAR(512)",
                  "weight": "FLOAT"},
    "old": [{"weight": "5.15"}], "pkNames": ["id"], "sql": "",
    "sqlType": {"id": 4, "name": 12, "description": 12, "weight": 7},
    "table": "products", "ts": 1589373560798, "type": "UPDATE",
}  # fmt: skip
TP_INT: Final[dict[str, Any]] = {
    "id": 0, "database": "test", "table": "tp_int", "pkNames": ["id"], "isDdl": False,
    "type": "INSERT", "es": 1639633141221, "ts": 1639633142960, "sql": "",
    "sqlType": {"c_bigint": -5, "c_int": 4, "id": 4},
    "mysqlType": {"c_bigint": "bigint", "c_int": "int", "id": "int"},
    "data": [{"c_bigint": "9223372036854775807", "c_int": "2147483647", "c_tinyint": "127",
              "id": "2"}],
    "old": None, "_tidb": {"commitTs": 429918007904436226},
}  # fmt: skip
NEW_TP: Final = TP_INT["data"][0] | {"c_int": "0", "c_tinyint": "0"}
EMPTY: Final = {
    "id": 0, "pkNames": None, "sqlType": None, "mysqlType": None, "data": None, "old": None,
}  # fmt: skip

EXAMPLES: Final = (
    Example("update", _FLINK, written(SCOOTER), "products.update"),
    Example(
        "insert of two rows, as Canal writes the rows of one statement",
        "https://github.com/alibaba/canal, MQMessageUtils.messageConverter",
        written(
            SCOOTER | {"type": "INSERT", "old": None,
                       "data": [SCOOTER["data"][0], SCOOTER["data"][0] | {"id": "112"}]}
        ),
        "products.create, products.create",
        "one event a row",
    ),
    Example(
        "delete",
        "https://github.com/alibaba/canal, MQMessageUtils.messageConverter",
        written(SCOOTER | {"type": "DELETE", "old": None}),
        "products.delete",
        "`data` holds the row as it was",
    ),
    Example(
        "a table is altered",
        "https://github.com/alibaba/canal, MQMessageUtils.messageConverter",
        written(
            EMPTY | {"database": "shop", "table": "orders", "type": "ALTER", "isDdl": True,
                     "es": 1589373560000, "sql": "alter table orders add column x int"}
        ),
        "skipped: schema_change",
    ),
    Example(
        "a table is emptied",
        "https://github.com/alibaba/canal, MQMessageUtils.messageConverter",
        written(
            EMPTY | {"database": "shop", "table": "orders", "type": "TRUNCATE", "isDdl": True,
                     "es": 1589373560000, "sql": "truncate table orders"}
        ),
        "skipped: truncate",
        "nobody's row is named",
    ),
    Example(
        "TiCDC, a database is dropped",
        f"{_TICDC}#ddl-event",
        written(
            EMPTY | {"database": "test", "table": "", "isDdl": True, "type": "QUERY",
                     "es": 1639633094670, "ts": 1639633095489, "sql": "drop database test",
                     "_tidb": {"commitTs": 429918007904436226}}
        ),
        "skipped: schema_change",
    ),
    Example("TiCDC, insert", f"{_TICDC}#dml-event", written(TP_INT), "tp_int.create"),
    Example(
        "TiCDC, update: `old` has all columns",
        f"{_TICDC}#event-of-update-type",
        written(TP_INT | {"type": "UPDATE", "data": [NEW_TP], "old": TP_INT["data"]}),
        "tp_int.update",
    ),
    Example(
        "Canal, the same update: `old` has what changed",
        f"{_TICDC}#event-of-update-type",
        written(
            TP_INT | {"type": "UPDATE", "data": [NEW_TP],
                      "old": [{"c_int": "2147483647", "c_tinyint": "127"}]}
        ),
        "tp_int.update",
    ),
    Example(
        "TiCDC, a row that is too large: `onlyHandleKey`",
        "https://docs.pingcap.com/tidb/stable/ticdc-sink-to-kafka#handle-messages-that-exceed-the-kafka-topic-limit",
        written(TP_INT | {"data": [{"id": "2"}], "_tidb": {"commitTs": 1, "onlyHandleKey": True}}),
        "refused: bad_envelope",
        "only the key is told; so it is with `claimCheckLocation`",
    ),
    Example(
        "TiCDC, watermark",
        f"{_TICDC}#watermark-event",
        written(
            EMPTY | {"database": "", "table": "", "isDdl": False, "type": "TIDB_WATERMARK",
                     "es": 1640007049196, "ts": 1640007050284,
                     "_tidb": {"watermarkTs": 429918007904436226}}
        ),
        "skipped: watermark",
        "time goes on by the events; the source's `idle_after` ends a silence",
    ),
    Example(
        "Tencent CKafka, a database is created",
        _CKAFKA,
        written(
            EMPTY | {"database": "dip_test", "table": "", "es": 1655812326, "isDdl": True,
                     "ts": 1655812326, "sql": "CREATE DATABASE `dip_test`", "type": "QUERY"}
        ),
        "skipped: schema_change",
    ),
    Example(
        "Tencent CKafka, update: `es` in seconds, no `pkNames`, `old` whole",
        _CKAFKA,
        written(
            SCOOTER | {"es": 1655812326, "pkNames": None, "mysqlType": None, "sqlType": None,
                       "old": [SCOOTER["data"][0] | {"weight": "5.15"}]}
        ),
        "products.update",
        "seconds are no milliseconds: `time: {path: $.source.ts_ms, unit: s}`",
    ),
)  # fmt: skip
"""What public documents show of Canal JSON."""
