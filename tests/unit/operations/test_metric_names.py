"""Whatever is said of metrics, in rules, dashboards and documents, is of metrics that exist."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from streams.runtime.metrics import METRICS
from tests.prometheus_tools import ROOT
from winback_sender.engine.metrics import METRICS as OF_SENDERS
from winback_sender.instruments import PROCESS, Spec

KNOWN = {str(name): spec for catalogue in (METRICS, OF_SENDERS) for name, spec in catalogue.items()}
WORD = re.compile(r"(?<![\w./:-])((?:winback|process)_[a-z0-9_]+)(?![\w./-])")
NO_METRIC = {
    "winback_sender", "winback_origin_topic", "winback_origin_partition", "winback_origin_offset",
}  # fmt: skip
"""The package of the kit, and headers of records."""


def series_of(name: str, spec: Spec) -> set[str]:
    """Return the names under which a metric is scraped."""
    if spec.kind != "histogram":
        return {name}
    return {name, f"{name}_bucket", f"{name}_sum", f"{name}_count"}


SERIES = {one for name, spec in KNOWN.items() for one in series_of(name, spec)} | set(PROCESS)


def pages() -> Iterable[Path]:
    yield from (ROOT / "deploy/prometheus").glob("*.yml")
    yield from (ROOT / "deploy/grafana").rglob("*.json")
    yield from (ROOT / "docs").glob("*.md")
    yield from ROOT.glob("README*.md")


@pytest.mark.parametrize("page", [*pages()], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_metric_that_is_named_exists(page: Path) -> None:
    named = set(WORD.findall(page.read_text(encoding="utf-8"))) - NO_METRIC
    assert named <= SERIES, sorted(named - SERIES)


def test_the_rules_do_name_metrics() -> None:
    """Or the pattern would find nothing, and the test above say nothing."""
    rules = (ROOT / "deploy/prometheus/winback.rules.yml").read_text(encoding="utf-8")
    assert len(set(WORD.findall(rules)) & SERIES) > 15
