"""The core is pure: no clock, no chance, no log, no input or output, no await."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PURE = sorted([*(ROOT / "streams/core").glob("*.py"), ROOT / "models/features.py"])
BANNED_MODULES = {
    "aiokafka", "asyncio", "faust", "kafka", "logging", "os", "pathlib", "random", "river",
    "secrets", "socket", "sys", "threading", "time", "uuid",
}  # fmt: skip
BANNED_CALLS = {"now", "utcnow", "today", "open", "print", "input", "default_rng", "urandom"}


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name)
def test_a_module_of_the_core_imports_and_calls_nothing_impure(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                assert not {alias.name.split(".")[0] for alias in names} & BANNED_MODULES
            case ast.ImportFrom(module=str(module)):
                assert module.split(".")[0] not in BANNED_MODULES
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                assert name not in BANNED_CALLS, f"{path.name}:{node.lineno}"
            case ast.AsyncFunctionDef() | ast.Await():
                pytest.fail(f"{path.name}:{node.lineno} awaits")


def test_importing_the_core_brings_neither_kafka_nor_river() -> None:
    code = (
        "import sys, streams.core.partition, models.features; "
        "sys.exit(bool({'faust', 'aiokafka', 'kafka', 'river'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
