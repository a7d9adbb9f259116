"""What docs/guarantees.md promises names proofs that are there."""

import re
from pathlib import Path
from typing import Final

import pytest

from benchmarks.prove import PROOFS

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
PROMISES: Final = [
    line.split(" | ")
    for line in PAGE.splitlines()
    if line.count("|") == 6 and not line.startswith(("|---", "| what |"))
]


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0][2:])
def test_each_promise_has_its_proof(row: list[str]) -> None:
    assert re.search(r"`(tests/|make prove-)", " ".join(row[3:])), row[0]


def test_each_proof_is_there() -> None:
    assert len(PROMISES) > 20
    tests = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    assert [path for path in tests if not (ROOT / path).exists()] == []
    proofs = set(re.findall(r"`make prove-([a-z]+)`", PAGE))
    assert sorted(proofs - PROOFS.keys()) == []
