"""The JSON Schema of rules: what an editor takes is what the reader takes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from streams.core.meanings import Meaning
from streams.core.rules_file import parse_rules
from streams.core.rules_page import page, schema
from tests.unit.core.test_sources_file import SHOP
from winback_sender.documents.faults import RulesRefused

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "deploy/rules").glob("*.yaml"))
EDITOR = Draft202012Validator(schema())
TOPIC = "inputs: {t: {format: segment, map: [{event: a, as: "


PAGE = (ROOT / "docs/mapping.md").read_text(encoding="utf-8")


def is_taken_by_editor(text: str) -> bool:
    data: Any = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return bool(EDITOR.is_valid(data))


def is_taken_by_reader(text: str) -> bool:
    try:
        parse_rules(text)
    except RulesRefused:
        return False
    return True


def test_the_schema_is_one_and_up_to_date() -> None:
    Draft202012Validator.check_schema(schema())
    assert (ROOT / "deploy/rules/rules.schema.json").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_it_takes_the_rules_that_are_shipped(path: Path) -> None:
    assert is_taken_by_editor(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        SHOP,
        re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0],
        "playbooks:\n- name: a\n  steps: [{channel: sms, template_key: x}]\n",
        TOPIC + "consent, channel: sms, granted: true}]}}\n",
        TOPIC + "refund, amount: 3}]}}\n",
        TOPIC + "refund, amount: {path: $.a, scale: own, sign: either}}]}}\n",
        TOPIC + "traits, traits: {level: {path: $.a, table: {'1': gold}, others: none}}}]}}\n",
        "inputs: {t: {format: segment, drop: [{path: '$.a[0][\"b c\"]', in: [1], reason: x}]}}\n",
    ],
)
def test_both_take_what_is_right(text: str) -> None:
    assert is_taken_by_reader(text)
    assert is_taken_by_editor(text)


@pytest.mark.parametrize(
    "text",
    [
        "chrun: {}\n",
        "money: {rates: {USD: seven}}\n",
        "inputs: {t: {}}\n",
        "inputs: {t: {format: avro}}\n",
        "inputs: {t: {format: segment, lateness: 5}}\n",
        "inputs: {t: {format: segment, idle: 5m}}\n",
        "inputs: {t: {format: segment, drop: [{path: $.a, is: 1}]}}\n",
        "inputs: {t: {format: segment, drop: [{path: $.a, is: 1, reason: No Way}]}}\n",
        "inputs: {t: {format: segment, drop: [{path: a.b, is: 1, reason: x}]}}\n",
        "inputs: {t: {format: segment, time: {path: $.a, unit: minutes}}}\n",
        TOPIC + "buy}]}}\n",
        TOPIC + "refund, amount: {path: $.a, scale: 19}}]}}\n",
        TOPIC + "refund, amount: {path: $.a, sign: minus}}]}}\n",
        TOPIC + "consent, channel: [sms], granted: true}]}}\n",
        TOPIC + "feedback, status: {path: $.a, tabel: {}}}]}}\n",
    ],
)
def test_both_refuse_what_is_wrong(text: str) -> None:
    assert not is_taken_by_reader(text)
    assert not is_taken_by_editor(text)


def test_the_page_names_every_field_and_every_meaning() -> None:
    parts = schema()["$defs"]
    fields = {
        name
        for part in ("SourceFile", "MapFile", "PickFile", "AmountFile", "TimeFile", "ConditionFile")
        for name in parts[part]["properties"]
    }
    words = set(re.findall(r"[a-z_]+", PAGE))
    assert not (fields | set(Meaning)) - words
