"""The examples conform, and are as small as they say; those in Go and Java: ``make prove``."""

from pathlib import Path

import pytest

from benchmarks.examples import SOURCES, node
from winback_sender.cluster import Cluster
from winback_sender.conformance.evidence import End
from winback_sender.conformance.plan import Trouble
from winback_sender.conformance.series import Series, verdicts

PROGRAMS = {
    "python": "python/sender.py", "node": "node/sender.mjs", "go": "go/main.go",
    "java": "java/src/Sender.java",
}  # fmt: skip


def lines_of_code(name: str) -> int:
    lines = (SOURCES / PROGRAMS[name]).read_text(encoding="utf-8").splitlines()
    return sum(not line.strip().startswith(("#", "//", "/**")) for line in lines if line.strip())


@pytest.mark.parametrize(("name", "most"), [("python", 20), ("node", 120)])
def test_an_example_is_small(name: str, most: int) -> None:
    assert lines_of_code(name) <= most


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_says_how_small(name: str) -> None:
    page = (SOURCES / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| [{name}]"))
    assert row.endswith(f"| {lines_of_code(name)} |")


@pytest.mark.kafka
@pytest.mark.slow
def test_the_sender_in_node_conforms(kafka: str, tmp_path: Path) -> None:
    troubles = (Trouble.KILL, Trouble.PROVIDER_AWAY)
    cluster = Cluster.plain(kafka)
    series = Series(node(), cluster, instances=1, touches=60, length_s=5.0, troubles=troubles)
    (found,) = verdicts(series, [1], tmp_path)

    assert {each.kind: len(each.faults) for each in found.findings if each.faults} == {}
    assert any(life.end == End.KILLED for life in found.outcome.evidence.lives)
