"""What we are made of: locked by hash, free, listed, and loaded without running what is data."""

import ast
import io
import json
import re
from pathlib import Path
from typing import Any

import fastavro
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from msgspec import inspect

from streams.intake.wire import avro_code
from tests.supply_chain import (
    FAILED,
    FREE,
    LOCKS,
    OK,
    UNAVAILABLE,
    LockError,
    bill_of,
    licences,
    read_lock,
    verdict,
)

ROOT = Path(__file__).parents[3]
OURS = sorted(
    path
    for room in ("streams", "models", "sender/winback_sender")
    for path in (ROOT / room).rglob("*.py")
)
RUNS_DATA = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code",
    "codeop", "jsonpickle",
}  # fmt: skip
"""Modules that run what they read."""
SUSPECT = re.compile(rf"\b({'|'.join(sorted(RUNS_DATA))}|eval|exec|compile|__import__)\b")
CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE = re.compile(
    r"yaml\.(load|load_all|unsafe_load|full_load)\b(?!\()|yaml\.(unsafe_load|full_load)|"
    r"allow_pickle\s*=\s*True|numpy\.load\(|np\.load\("
)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_a_hash_for_every_line_and_names_no_host(name: str) -> None:
    text = LOCKS[name].read_text("utf-8")
    assert len(read_lock(text)) > 10
    assert "://" not in text
    assert not re.search(r"(?m)^\s*-(?!-hash)", text), "no option, no index, no editable"


def test_what_is_installed_in_production_is_what_development_has_tested() -> None:
    tested, *shipped = (
        {(each.name, each.version) for each in read_lock(LOCKS[name].read_text("utf-8"))}
        for name in ("winback-development", "winback", "winback-sender")
    )
    assert all(each <= tested for each in shipped)


@pytest.mark.parametrize(
    "text",
    [
        "", "a==1\n", "a>=1 \\\n    --hash=sha256:" + "0" * 64, "-e .\n",
        "--index-url https://x\n", "a @ https://x/a.whl\n", "a==1 \\\n    --hash=md5:" + "0" * 32,
    ],
)  # fmt: skip
def test_a_lock_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(LockError):
        read_lock(text)


@pytest.mark.parametrize("name", LOCKS)
def test_the_bill_of_materials_is_that_of_the_lock(name: str) -> None:
    lock = LOCKS[name].read_text("utf-8")
    bill = bill_of(name, lock)
    assert bill == bill_of(name, lock), "same lock, same bytes"
    facts = json.loads(bill)
    listed = {(each["name"], each["version"]): len(each["hashes"]) for each in facts["components"]}
    assert listed == {(each.name, each.version): len(set(each.hashes)) for each in read_lock(lock)}


def test_the_bill_of_materials_is_sound_cyclonedx() -> None:
    bill = bill_of("winback-sender", LOCKS["winback-sender"].read_text("utf-8"))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


@pytest.mark.parametrize("name", ["winback", "winback-sender"])
def test_what_is_shipped_may_be_used_by_anybody(name: str) -> None:
    found = [*licences(LOCKS[name].read_text("utf-8"))]
    assert len(found) > 10
    assert [(each.name, said) for each, said in found if not FREE.search(said)] == []


BAD = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
GOOD = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "x"}


@pytest.mark.parametrize(
    ("out", "errors", "code", "says"),
    [
        (None, "ConnectionError: no", UNAVAILABLE, "NOT AUDITED: the database cannot be asked"),
        (None, "", UNAVAILABLE, "NOT AUDITED"),
        ([], "", UNAVAILABLE, "NOT AUDITED: everything"),
        ([GOOD, SKIPPED], "", UNAVAILABLE, "NOT AUDITED: b"),
        ([BAD, SKIPPED], "", FAILED, "a 1: CVE-1, mended in 2"),
        ([GOOD], "", OK, "1 distributions, no vulnerability known"),
    ],
)
def test_no_answer_is_not_a_good_answer(
    out: list[object] | None, errors: str, code: int, says: str
) -> None:
    found, said = verdict("" if out is None else json.dumps({"dependencies": out}), errors)
    assert found == code
    assert says in said


def risks(tree: ast.AST) -> list[str]:
    """Return what in a module runs what it reads."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [each.name for each in names if each.name.partition(".")[0] in RUNS_DATA]
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in RUNS_DATA:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                found.append(name)
            case _:
                pass
    return found


def test_nothing_of_ours_runs_what_it_reads() -> None:
    """Models, rules and records are data: JSON, YAML without types, text of trees."""
    assert len(OURS) > 300
    found = {}
    for path in OURS:
        text = path.read_text("utf-8")
        worst = [match[0] for match in UNSAFE.finditer(text)]
        if SUSPECT.search(text):
            worst += risks(ast.parse(text))
        if worst:
            found[str(path.relative_to(ROOT))] = worst
    assert found == {"streams/intake/wire/avro_code.py": ["exec", "compile"]}, "the next test"


def test_the_one_that_writes_code_writes_no_text_of_a_schema_into_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader of Avro is made of lines of ours; a schema comes from others."""
    written: list[str] = []

    def spy(text: str, name: str, mode: str) -> object:
        written.append(text)
        return compile(text, name, mode)

    monkeypatch.setattr(avro_code, "compile", spy, raising=False)
    named: dict[str, Any] = {}
    schema = fastavro.parse_schema(
        {
            "type": "record", "name": "ZqRecord", "doc": "zq');import os#", "namespace": "zq.space",
            "fields": [
                {"name": "zq_text", "type": "string", "default": "zq');import os#"},
                {"name": "zq_kind", "type": {"type": "enum", "name": "ZqKind",
                                             "symbols": ["zq_one", "zq_two"]}},
                {"name": "zq_map", "type": {"type": "map", "values": ["null", "long"]}},
                {"name": "zq_fixed", "type": {"type": "fixed", "name": "ZqFixed", "size": 4}},
            ],
        },
        named,
    )  # fmt: skip
    read = avro_code.make_reader(schema, named, inspect.type_info(Any))
    out = io.BytesIO()
    value = {"zq_text": "a", "zq_kind": "zq_two", "zq_map": {"x": 1}, "zq_fixed": b"1234"}
    fastavro.schemaless_writer(out, schema, value)
    assert read(out.getvalue(), 0)[0]["zq_kind"] == "zq_two"
    assert written
    assert "zq" not in "".join(written).lower()


def test_the_scan_sees_what_it_is_for() -> None:
    text = "import pickle\nfrom joblib import load\neval('1')\n__import__('x')\nimport marshal as m"
    assert SUSPECT.search(text)
    assert sorted(risks(ast.parse(text))) == ["__import__", "eval", "joblib", "marshal", "pickle"]
    assert UNSAFE.search("yaml.unsafe_load(x)")
    assert UNSAFE.search("np.load(path)")


def test_the_linter_watches_too() -> None:
    """All of its security rules are on; what is ignored names no rule about running data."""
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'select = ["ALL"]' in settings
    for rule in ("S301", "S302", "S307", "S506", "S102"):
        assert rule not in settings
