"""``winback init``: what is proposed from a sample, and that it holds for it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.core.rules_file import parse_rules
from streams.core.sources import Form, KeyedBy, Unit
from streams.demo.tongues import SCHEMA_ID, TONGUES
from streams.errors import UserError
from streams.intake.foreign import Foreign
from streams.intake.wire.registry import Registry
from streams.intake.wire.schemas import Schema
from streams.replay.events import NativeEvent
from streams.replay.findings import Found
from streams.replay.origins import Understanding
from streams.replay.propose.fields import unit_of
from streams.replay.propose.framed import unframed
from streams.replay.propose.proposal import proposed
from streams.replay.propose.text import proposal_text
from streams.settings import load_settings

AT_MS = 1_483_271_606_000
READABLE = [name for name, tongue in TONGUES.items() if not tongue.schema]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def history() -> list[NativeEvent]:
    """Return what ten users do: nine purchases of ten, and a refund, with visits between them."""
    told = []
    for n in range(60):
        name = ("purchase", "visit", "visit", "refund")[0 if n % 10 else 3] if n % 2 else "visit"
        event = NativeEvent(f"e{n}", f"u{n % 10}", name, AT_MS + n * 60_000, n + 0.25, "USD")
        told.append(event)
    consent = {"channel": "sms", "granted": True}
    told.append(NativeEvent("c1", "u1", "consent_changed", AT_MS, properties=consent))
    return told


def run(*arguments: str) -> Result:
    return CliRunner().invoke(winback, ["init", *arguments], standalone_mode=False)


def lines(path: str, *records: Any) -> str:
    Path(path).write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


@pytest.mark.parametrize("tongue", READABLE)
def test_each_format_is_recognised_and_its_money_found(tongue: str) -> None:
    spoken = TONGUES[tongue]
    sample = [
        Foreign("", record.key, record.value, event.event_time, record.headers, 0, str(place))
        for place, event in enumerate(history())
        for record in (spoken.write(event),)
    ]
    proposal = proposed(sample, spoken.topic, "sample")
    text = proposal_text([proposal], "sample", {}, partitions=0, own_partitions=4)
    (source,) = parse_rules(text).sources
    assert source.form is parse_rules(spoken.rules).sources[0].form
    (amount,) = {rule.amount for rule in source.rules if rule.meaning == "purchase"}
    (truth,) = {
        rule.amount for rule in parse_rules(spoken.rules).sources[0].rules
        if rule.meaning == "purchase"
    }  # fmt: skip
    assert amount is not None
    assert truth is not None
    assert (amount.path, amount.scale) == (truth.path, truth.scale)
    assert parse_rules(text).currency == "USD"
    assert "consent" not in {rule.meaning.value for rule in source.rules}, "it binds: never guessed"
    assert "# - {event:" in text, "but the rule that would make it one is shown"


def test_the_proposal_is_written_holds_and_says_what_comes_next() -> None:
    spoken = TONGUES["segment"]
    events = history()
    lines("导出 1.jsonl", *(json.loads(spoken.write(event).value) for event in events))
    result = run("导出 1.jsonl", "-o", "rules.yaml", "--topic", "app.events")
    assert result.return_value == 0, result.output
    assert "61 understood, 0 left out, 0 refused" in result.output
    assert "winback inputs check --file '导出 1.jsonl' --rules rules.yaml" in result.output
    text = Path("rules.yaml").read_text(encoding="utf-8")
    assert "# guess: 61 of 61 records have a `type` of the Segment specification" in text
    assert parse_rules(text).mode == "observe"
    check = ["inputs", "check", "--file", "导出 1.jsonl", "--rules", "rules.yaml"]
    assert CliRunner().invoke(winback, check, standalone_mode=False).return_value == 0
    error = run("导出 1.jsonl", "-o", "rules.yaml").exception
    assert isinstance(error, UserError)
    assert "is there already" in error.message
    assert run("导出 1.jsonl", "-o", "rules.yaml", "--force").return_value == 0


def test_calls_of_a_batch_are_looked_into_and_a_missing_currency_is_that_of_most() -> None:
    def call(n: int, kind: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, "messageId": f"m{n}", "userId": f"u{n % 3}", **more,
                "timestamp": f"2026-10-01T00:00:{n:02d}Z"}  # fmt: skip

    def order(n: int) -> dict[str, Any]:
        money = {"total": n + 0.5} | ({"currency": "USD"} if n else {})
        return call(n, "track", event="Order Completed", properties=money)

    batches = [
        [call(40 + n, "identify", anonymousId=f"a{n}"), call(50 + n, "alias", previousId=f"b{n}"),
         order(n)]
        for n in range(9)
    ]  # fmt: skip
    lines("batches.jsonl", *({"batch": batch} for batch in batches))
    result = run("batches.jsonl")
    said = yaml.safe_load(result.stdout)
    (source,) = said["inputs"].values()
    assert source["format"] == "segment"
    assert "9 of 9 have $.properties.total" in result.stdout
    assert said["money"] == {"currency": "USD"}
    assert source["map"][0]["currency"] == {"path": "$.properties.currency", "default": "USD"}
    assert "identify (9)" in result.stdout


def test_plain_records_with_other_names_units_and_chinese_words() -> None:
    rows = [
        {"订单号": f"A{n}", "用户ID": f"m{n % 7}", "事件": "支付成功" if n % 3 else "浏览",
         "时间": f"2026-10-01 08:{n:02d}:00", "实付金额": f"{n}.50", "pay_fen": n * 100 + 150}
        for n in range(30)
    ]  # fmt: skip
    lines("订单.jsonl", *rows)
    result = run("订单.jsonl")
    said = yaml.safe_load(result.stdout)["inputs"]
    (source,) = said.values()
    assert source["format"] == "json"
    assert source["event"] == "$.事件"
    assert source["user"] == "$.用户ID"
    assert source["time"] == {"path": "$.时间", "zone": "Asia/Shanghai"}
    assert "they name no zone, taken as Asia/Shanghai: check" in " ".join(result.stdout.split())
    (rule,) = source["map"]
    assert (rule["event"], rule["as"], rule["amount"]) == ("支付成功", "purchase", "$.实付金额")
    assert "30 understood" in result.stderr


def test_an_order_that_is_paid_later_counts_when_it_is_paid_and_once() -> None:
    def change(n: int, status: str, before: str | None) -> dict[str, Any]:
        row = {"id": n, "customer_id": n % 5, "amount": "12.50", "created_at": AT_MS}
        was = None if before is None else row | {"status": before}
        source = {"table": "orders", "db": "shop", "ts_ms": AT_MS, "file": "b", "pos": n, "row": 0}
        return {"before": was, "after": row | {"status": status}, "op": "u" if was else "c",
                "source": source, "ts_ms": AT_MS}  # fmt: skip

    told = [c for n in range(20) for c in (change(n, "new", None), change(n, "paid", "new"))]
    lines("orders.jsonl", *told)
    said = yaml.safe_load(run("orders.jsonl").stdout)["inputs"]["orders"]
    (rule,) = said["map"]
    assert rule["when"] == [{"path": "$.after.status", "is": "paid", "was_not": "paid"}]
    assert rule["once_per"] == "$.after.id"
    assert rule["time"] == {"path": "$.after.created_at", "unit": "ms"}
    assert rule["user"] == "$.after.customer_id"


def test_an_order_whose_status_is_a_number_counts_once_it_has_a_time_of_payment() -> None:
    def change(n: int, paid_at: str | None) -> dict[str, Any]:
        row = {"id": str(n), "buyer_id": str(n % 5), "pay_amount": "9.90", "pay_time": paid_at,
               "order_status": "2" if paid_at else "1"}  # fmt: skip
        old = [{"pay_time": None, "order_status": "1"}] if paid_at else None
        return {"data": [row], "old": old, "type": "UPDATE" if old else "INSERT", "isDdl": False,
                "database": "trade", "table": "t_order", "es": AT_MS + n, "ts": AT_MS + n,
                "id": n, "pkNames": ["id"]}  # fmt: skip

    told = [change(n, paid) for n in range(20) for paid in (None, "2016-10-01 09:09:00")]
    lines("orders.jsonl", *told[:-2], change(20, None), change(21, None))
    result = run("orders.jsonl")
    (rule,) = yaml.safe_load(result.stdout)["inputs"]["orders"]["map"]
    assert rule["when"] == [{"path": "$.after.pay_time", "is_set": True}]
    assert rule["event"] == ["t_order.create", "t_order.update", "t_order.read"]
    assert rule["time"] == {"path": "$.after.pay_time", "zone": "Asia/Shanghai"}
    assert rule["once_per"] == "$.after.id"
    assert "19 understood, 21 left out, 0 refused" in result.stderr


def test_a_table_of_which_nobody_can_tell_the_meaning_gets_rules_to_begin_with() -> None:
    def change(n: int) -> dict[str, Any]:
        row = {"id": n, "mobile": "…", "accepts_sms": n % 2}
        source = {"table": "customers", "db": "shop", "ts_ms": AT_MS, "file": "b", "pos": n}
        return {"before": None, "after": row, "op": "c", "source": source, "ts_ms": AT_MS}

    lines("customers.jsonl", *(change(n) for n in range(20)))
    result = run("customers.jsonl")
    assert result.return_value == 1, "nothing is understood yet"
    (rule,) = yaml.safe_load(result.stdout)["inputs"]["customers"]["map"]
    assert rule == {"event": ["customers.create", "customers.update"], "as": "ignored"}
    assert "its columns: $.after.id, $.after.mobile, $.after.accepts_sms" in result.stdout
    assert "may be consent, which is never guessed: $.after.accepts_sms" in result.stdout


def test_json_that_a_registry_has_framed_is_json() -> None:
    told = TONGUES["json"].write(history()[1])
    sample = [Foreign("t", None, b"\0\0\0\0\7" + told.value)]
    assert proposed(sample, "t", "t").form.form is Form.JSON
    assert "event" in proposed(sample, "t", "t").places


def test_keys_partitions_and_disorder_decide_how_it_is_read() -> None:
    sample = [
        Foreign("t", b"u1", json.dumps({"user_id": "u1", "event": "a", "event_time": AT_MS,
                                        "event_id": f"e{n}"}).encode(), AT_MS, (), 0, str(n))
        for n in range(3)
    ]  # fmt: skip
    proposal = proposed(sample, "t", "t")
    assert proposal.form.form is Form.WINBACK
    found = json.loads(FOUND)

    def keyed(**others: int) -> KeyedBy:
        keys = {**found["keys"], **others}
        text = proposal_text(
            [proposal],
            "t",
            {"t": convert_found(found | {"keys": keys})},
            partitions=4,
            own_partitions=4,
        )
        return parse_rules(text).sources[0].keyed_by

    assert keyed() is KeyedBy.USER
    assert keyed(placed=1) is KeyedBy.ANYTHING
    assert keyed(equal=1) is KeyedBy.ANYTHING


FOUND = """{"records": 3, "accepted": 3, "skipped": 0, "rejected": 0, "groups": [], "users": 1,
"links": 0, "given_up": 0, "first_ms": 1, "last_ms": 2, "keys": {"known": 3, "equal": 3,
"placed": 3, "placeable": 3}, "disorder": {"quantiles": {"1": 0}, "late": 0, "proposed_ms": 10000},
"currencies": {}, "duplicates": 0, "duplicate": null, "properties": {}}"""


def convert_found(told: dict[str, Any]) -> Found:
    import msgspec  # noqa: PLC0415

    return msgspec.convert(told, Found)


def test_no_name_of_a_sample_adds_a_line_to_the_rules() -> None:
    """To YAML some characters end a line that nobody sees as one."""
    bad = "\u2028mode: live #\x85\n"
    call = {"type": "track", "userId": "u", "timestamp": "2024-01-01T00:00:00Z"}
    order = {"messageId": "m", "event": f"Order Completed{bad}", "properties": {"total": 4.5}}
    row = {"id": 1, "user_id": "u", "amount": 4.0, "created_at": "2024-01-01T00:00:00Z"}
    origin = {"table": f"orders{bad}", "ts_ms": 1_700_000_000_000, "file": "f", "pos": 1}
    for body in (call | order, {"before": None, "after": row, "op": "c", "source": origin}):
        record = Foreign("t", b"u", json.dumps(body).encode(), 1_700_000_000_000, (), 0, "1")
        text = proposal_text(
            [proposed([record], "t", "f")], f"f{bad}", {}, partitions=0, own_partitions=4
        )
        assert yaml.safe_load(text)["mode"] == "observe"
        (rule,) = yaml.safe_load(text)["inputs"]["t"]["map"]
        assert bad in str(rule["event"] if isinstance(rule["event"], str) else rule["event"][0])


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (1_700_000_000, (Unit.SECONDS, True)),
        ("1700000000000", (Unit.MILLISECONDS, True)),
        (1_700_000_000_000_000, (Unit.MICROSECONDS, True)),
        ("2026-10-01", (Unit.DAY, False)),
        ("2026-10-01T08:00:00+08:00", (Unit.ISO, True)),
        ("2026-10-01 08:00:00", (Unit.ISO, False)),
        ("2026-13-01 08:00:00", None),
        (12.5, None),
        ("soon", None),
    ],
)
def test_units_of_instants_are_told_by_their_size(value: Any, unit: object) -> None:
    assert unit_of(value) == unit


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        (b"", "the file is empty", ""),
        (b'"a"\n"b"\n', "neither JSON nor a csv header", "kcat"),
        (b"{oops\n", "no value is a JSON object", "right file"),
        (b'{"key": "k", "value": "\\u0000\\u0000\\u0000\\u0000\\u0007abc", "ts": 1}\n',
         "framed by a schema registry", "WINBACK_SCHEMA_REGISTRY_URL"),
    ],
)  # fmt: skip
def test_a_sample_that_shows_nothing_is_refused_in_words(
    content: bytes, said: str, hint: str
) -> None:
    Path("dump").write_bytes(content)
    error = run("dump").exception
    assert isinstance(error, UserError)
    assert said in error.message
    assert hint in (error.hint or "")


def test_a_name_that_no_topic_can_have_is_refused_in_words() -> None:
    lines("dump.jsonl", json.loads(TONGUES["segment"].write(history()[1]).value))
    error = run("dump.jsonl", "--topic", "a b").exception
    assert isinstance(error, UserError)
    assert "'a b' is no name of a Kafka topic" in error.message


def test_without_a_sample_it_says_how_to_give_one() -> None:
    error = run().exception
    assert isinstance(error, UserError)
    assert error.hint == "winback init FILE, or winback init --topic TOPIC"


@pytest.mark.parametrize("tongue", [name for name, spoken in TONGUES.items() if spoken.schema])
def test_what_a_registry_has_framed_is_read_by_its_schemas(
    tongue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = TONGUES[tongue]

    async def fetch(_registry: Registry, schema_id: int) -> Schema | None:
        return Schema(tongue.upper(), spoken.schema) if schema_id == SCHEMA_ID else None

    monkeypatch.setattr(Registry, "fetch", fetch)
    settings = load_settings({"WINBACK_SCHEMA_REGISTRY_URL": "http://127.0.0.1:1"})
    sample = [Foreign("t", None, spoken.write(event).value, AT_MS) for event in history()]
    shown, encoding = unframed(sample, "t", settings)
    proposal = proposed(shown, "t", "t")._replace(encoding=encoding)
    text = proposal_text([proposal], "t", {}, partitions=4, own_partitions=4)
    (source,) = parse_rules(text).sources
    assert source.encoding == tongue
    assert "purchase" in {rule.meaning for rule in source.rules}
    meaning = Understanding(parse_rules(text), "rules", settings)
    told = meaning.tell(source, is_file=False)(None, sample[1].value, AT_MS + 10**9, ())
    assert isinstance(told, tuple)
