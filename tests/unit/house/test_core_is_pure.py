"""The core reads no clock, rolls no dice, does no IO: import-linter sees imports, this calls."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CORE = [
    *sorted((ROOT / "streams" / "core").glob("*.py")),
    ROOT / "models" / "features.py",
    ROOT / "models" / "hazard.py",
]
IMPURE_MODULES = {
    "aiokafka", "asyncio", "click", "faust", "kafka", "logging", "os", "prometheus_client",
    "random", "rich", "river", "secrets", "socket", "subprocess", "sys", "threading", "time",
    "uuid",
}  # fmt: skip
IMPURE_NAMES = {"breakpoint", "input", "print"}
IMPURE_METHODS = {"default_rng", "monotonic", "now", "perf_counter", "today", "urandom", "utcnow"}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_has_no_clock_no_chance_no_io(path: Path) -> None:
    faults = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found = {alias.name.partition(".")[0] for alias in names} & IMPURE_MODULES
            case ast.ImportFrom(module=module):
                found = {str(module).partition(".")[0]} & IMPURE_MODULES
            case ast.Call(func=ast.Name(id=name)):
                found = {name} & IMPURE_NAMES
            case ast.Call(func=ast.Attribute(attr=name)):
                found = {name} & IMPURE_METHODS
            case ast.AsyncFunctionDef() | ast.Await() | ast.Global():
                found = {type(node).__name__}
            case _:
                continue
        faults += [f"{path.name}:{node.lineno}: {name}" for name in found]
    assert faults == []
