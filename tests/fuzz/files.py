# ruff: noqa: E501, ISC004 (tables of samples)
"""Targets: files that people write, and settings: whatever is in them, it is said where and why."""

import io
import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import playbooks_source, read_playbooks
from streams.core.rules_file import parse_rules, playbook_paths
from streams.errors import UserError
from streams.replay.dump import Dump
from streams.replay.files import EventLog, OnBadRow
from streams.settings import load_settings
from tests.fuzz.engine import Target
from tests.fuzz.mutate import Tongue
from tests.fuzz.sender import _file
from tests.fuzz.tongues import JSON, TEXT, YAML
from winback_sender.documents.faults import RulesRefused
from winback_sender.documents.yaml_nodes import read_document
from winback_sender.law.changes import changed_law
from winback_sender.settings import load_sender_settings
from winback_sender.templating.templates_file import sound_templates

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
WHERE: Final = "RulesRefused, with the line and what would be right"
WORDS: Final = "UserError, with words"
YAML_CPU_S: Final = 2.0
"""A file is read once, at the start; PyYAML reads some 200 KB a second."""
RULES: Final = """
mode: observe
churn: {horizon: 30d, min_active_days: 3, kinds: [visit, purchase]}
events: {purchase: purchase, visit: activity}
money: {currency: CNY, minor_units: 100, rates: {USD: 7.1}}
budget: {day: 200, zone: Asia/Shanghai}
holdout: {share: 0.1}
contact: {consent_default: denied, zone: Asia/Shanghai, quiet_hours: {start: "21:00", end: "09:00"}}
traits: [member_name]
outages: [{from: 2017-01-01, to: 2017-01-02}]
"""
INPUTS: Final = """
inputs:
  app: {format: json, keyed_by: user, user: $.u, id: $.i, event: $.e, time: {path: $.t, unit: s}, drop: [{path: $.a, is: b, reason: bot}],
    map: [{event: Order, as: purchase, when: [{path: $.s, is: [paid, 1]}], amount: {path: $.a, unit: minor}, currency: $.c}]}
  cdc: {format: debezium, keyed_by: anything, lateness: 1h, map: [{event: [o.create], as: traits, user: $.after.u, traits: {member_name: $.after.n}}]}
"""  # a file
LAW: Final = """
law:
  - {provider: aliyun, channel: sms, hours: {start: "08:00", end: "21:00"}}
"""
CSV: Final = (
    b"user_id,ts,event,amount,currency\nada,2017-01-01T11:53:26Z,visit,,\nbob,1483271606000,purchase,"
    b'12.50,CNY\n"c,d",2017-02-01T00:00:00+08:00,visit,1,\n',
    b"\xef\xbb\xbfevent_time,user_id,event,sku\n2017-01-01T11:53:26Z,ada,visit,x\n",
)
JSONL: Final = (
    b'{"user_id":"ada","event_time":"2017-01-01T00:00:00Z","event":"visit"}\n'
    b'{"user_id":"bob","ts":1483271606000,"event":"purchase","amount":12.5,"currency":"CNY",'
    b'"properties":{"a":[1]}}\n',
)
DUMPS: Final = (
    b'{"topic":"t","partition":0,"offset":1,"tstype":"create","ts":1700000000000,"broker":0,'
    b'"headers":["ce_id","1"],"key":"ada","payload":"{\\"a\\":1}"}\n{"topic":"t","key":null,'
    b'"value":{"a":1}}\n',
    b'{"a":1}\n{"a":2}\n', *CSV,
)  # fmt: skip


def _refusals(error: RulesRefused) -> str:
    assert str(error), "a refusal without words"
    return " ".join(word for word in str(error).split("\n")[0].split()[1:8] if word.isalpha())


def _yaml(read: Callable[[str], Any], sample: bytes) -> str:
    try:
        text = sample.decode()
    except UnicodeDecodeError:
        text = sample.decode("latin-1")
    try:
        read(text)
    except RulesRefused as error:
        return f"refused {_refusals(error)}"
    return "taken"


def _playbooks(text: str) -> None:
    reading = read_playbooks(playbooks_source(text, "p"), Known())
    for complaint in reading.complaints:
        assert str(complaint), "a complaint without words"


def _rules(text: str) -> None:
    playbook_paths(text, "rules")
    parse_rules(text)


def _log(sample: bytes) -> str:
    _file().write_bytes(sample)
    log = EventLog(str(_file()), on_bad_row=OnBadRow.SKIP if len(sample) % 2 else OnBadRow.STOP)
    try:
        for block in log.blocks():
            msgspec.json.encode([block.event_ids, block.user_ids, block.times_ms, block.amounts])
    except UserError as error:
        return f"refused {error.message.replace(str(_file()), '')[:40]}"
    return f"{log.rows > 0} {log.skipped > 0}"


def _dump(sample: bytes) -> str:
    _file().write_bytes(sample)
    count = 0
    try:
        for foreign in Dump(str(_file())):
            count += isinstance(foreign.value, bytes)
    except UserError as error:
        return f"refused {error.message.replace(str(_file()), '')[:40]}"
    return f"{min(count, 9)}"


def _settings(sample: bytes) -> str:
    """Read settings: one variable a line."""
    environ = {}
    for line in io.StringIO(sample.decode("utf-8", "surrogateescape").replace("\0", "")):
        name, is_pair, value = line.rstrip("\n").partition("=")
        if is_pair and not name.endswith("_FILE"):
            environ[name] = value
    try:
        load_settings(environ)
        load_sender_settings(environ)
    except UserError as error:
        return f"refused {error.message[:40]}"
    return "settings"


@cache
def _texts(folder: str) -> Sequence[bytes]:
    return [path.read_bytes() for path in sorted((DEPLOY / folder).glob("*.yaml"))]


ENVIRON: Final = (
    b"WINBACK_KAFKA=localhost:9092\nWINBACK_WEB_PORT=0\nWINBACK_ID_KEY=x\nWINBACK_RULES=\n"
    b"WINBACK_SENDER_WEB_PORT=8080\nWINBACK_SENDER_PARALLEL=8\nWINBACK_APP_ID=winback\n",
    b"WINBACK_TOPIC_ACTIVITY=a\nWINBACK_TOPIC_TOUCHES=a\nWINBACK_LOG_LEVEL=info\n",
)


def _of_yaml(name: str, seeds: Callable[[], Sequence[bytes]], read: Callable[[str], Any]) -> Target:
    return Target(name, "files", YAML, seeds, lambda: partial(_yaml, read), WHERE, cpu_s=YAML_CPU_S)


def _of_file(name: str, tongue: Tongue, seeds: Sequence[bytes], call: Callable[[bytes], str],
             cpu_s: float = 0.1) -> Target:  # fmt: skip
    def make() -> Callable[[bytes], str]:
        logging.disable(logging.WARNING)
        return call

    return Target(name, "files", tongue, lambda: seeds, make, WORDS, cpu_s=cpu_s)


TARGETS: Final = (
    _of_yaml("yaml", lambda: [b"a: &a {b: [1, 2]}\nc: *a\n", b"- x\n- 'y'\n"],
             lambda text: read_document(text, "file")),
    _of_yaml("yaml-rules", lambda: [RULES.encode(), INPUTS.encode()], _rules),
    _of_yaml("yaml-playbooks", lambda: _texts("playbooks"), _playbooks),
    _of_yaml("yaml-templates", lambda: _texts("templates"),
             lambda text: sound_templates(text, "file")),
    _of_yaml("yaml-law", lambda: [LAW.encode()], lambda text: changed_law(text, "file")),
    _of_file("log-csv", TEXT, CSV, _log),
    _of_file("log-jsonl", JSON, JSONL, _log),
    _of_file("dump", JSON, DUMPS, _dump),
    _of_file("settings", TEXT, ENVIRON, _settings),
)  # fmt: skip
