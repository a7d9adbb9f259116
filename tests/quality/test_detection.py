"""Detection on the committed logs keeps its promises, and is not worse than it was.

Each log is back-tested once, and once more without its later part; all scenarios share that. The
scenarios of the logs that are not committed, and three cuts instead of one, are in `make prove`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.quality.runs import SETS, Bench, located
from benchmarks.quality.scenarios import SCENARIOS, promises

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SETS_HERE = ("complete_journey", "cdnow")
QUICK = [
    name for name, scenario in SCENARIOS.items()
    if scenario.set in SETS_HERE and not name.endswith("-batch")  # It fits models for minutes.
]  # fmt: skip


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    found = Bench(tmp_path_factory.mktemp("quality"), jobs=2, cuts=1)
    for name in SETS_HERE:
        found.begin(name)
    for name in SETS_HERE:
        found.begin(name, SETS[name].cuts[0])
    return found


@pytest.mark.parametrize("name", QUICK)
def test_a_scenario_keeps_its_promises_and_is_no_worse_than_it_was(bench: Bench, name: str) -> None:
    scenario, promised = SCENARIOS[name], promises()
    found = scenario.measure(bench, scenario.set)
    checks = [check.metric for check in scenario.checks]
    assert checks
    complaints = [promised[f"{name}.{metric}"].complaint(found[metric]) for metric in checks]
    assert not list(filter(None, complaints)), found


def test_every_scenario_has_a_log_and_a_reference_of_what_it_was() -> None:
    for name, scenario in SCENARIOS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert scenario.set in SETS
        assert scenario.checks
    for name, promise in promises().items():
        assert promise.relation, name
        if promise.reference is not None and promise.holds(promise.bound):
            assert promise.tolerance > 0, f"{name} may not be exactly as it was"


def test_a_log_that_is_not_here_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINBACK_DATA", raising=False)
    assert located(SETS["raku_irc"]) is None
    assert all(isinstance(located(SETS[name]), Path) for name in SETS_HERE)
