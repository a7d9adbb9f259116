"""What the stories of the mapping are told with: topics, tables, and what became of a record."""

import json
from collections.abc import Mapping
from typing import Any

from streams.core.decoded import Rejected, RejectReason, Skipped
from streams.core.interpret import NativeEvent
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.intake.decoder import make_source_decode, make_tell
from streams.intake.told import Told
from streams.intake.wire.json_values import json_parse_as

AT = 1_700_000_000_000  # 2023-11-14T22:13:20Z
TOPIC = "format: json, user: $.u, id: $.i, event: $.e, time: {path: $.t, unit: ms}"
KEY = {"u": "ada", "i": "i1", "t": AT}


def rules_of(rule: str, topic: str = TOPIC, money: str = "{rates: {USD: 7.1}}") -> Rules:
    """Return rules with one topic that has one rule, in line 4."""
    return parse_rules(f"money: {money}\ninputs:\n  t: {{{topic}, map: [\n    {{{rule}}}]}}\n")


def told(rules: Rules, record: Any, at_ms: int = AT) -> Told:
    """Return what a record of the first topic is told as."""
    value = record if isinstance(record, bytes) else json.dumps(record).encode()
    return make_tell(rules.sources[0], rules, json_parse_as)(b"", value, at_ms, ())


def of_json(rule: str, said: Mapping[str, Any], **kept: str) -> Told:
    """Return what one event named x of a topic of JSON is told as."""
    return told(rules_of(f"event: x, {rule}", **kept), KEY | {"e": "x"} | dict(said))


def event(outcome: Told) -> NativeEvent:
    """Return the one event that was told."""
    assert isinstance(outcome, tuple), outcome
    (only,) = outcome
    return only


def said(outcome: Told) -> Any:
    """Return the properties of the one event that was told."""
    return json.loads(bytes(event(outcome).properties))


def refused(outcome: Any, reason: RejectReason, *words: str) -> None:
    """Assert that a record was rejected for a reason, with some words in its detail."""
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason is reason
    for each in words:
        assert each in outcome.detail, outcome.detail


def skipped(outcome: Any, reason: str) -> None:
    """Assert that a record was skipped for a reason."""
    assert outcome == Skipped(reason)


def change(op: str, before: Any, after: Any, place: int = 7) -> bytes:
    """Return a change of a row of ``orders`` as Debezium tells it."""
    source = {"db": "shop", "table": "orders", "file": "b", "pos": place, "row": 0, "ts_ms": AT}
    return json.dumps({"op": op, "before": before, "after": after, "source": source}).encode()


def decoded(rules: Rules, key: bytes, record: Any) -> Any:
    """Return what a record of the first topic is decoded as where it lies."""
    decode = make_source_decode(rules.sources[0], rules, json_parse_as)
    return decode(key, json.dumps(record).encode(), AT)
