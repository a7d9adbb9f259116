"""The small version of ``make prove``: every kind of fault once, and nothing lost or doubled."""

from pathlib import Path

import pytest

from benchmarks.core_stages import RULES
from benchmarks.model import frozen_model
from benchmarks.workload import Shape, cached_csv
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.deployment import LINKS, Means, Setting
from tests.chaos.driver import Chaos
from tests.chaos.oracle import examine
from tests.chaos.proxy import Links
from tests.chaos.schedule import PLAIN, Fault, plan

SEED = 5
RATE = 3_000
SHAPE = Shape(users=1_600, days=100, seed=SEED, life_days=70.0)


def test_a_plan_is_made_of_its_seed_and_has_every_kind_of_fault() -> None:
    made = plan(SEED, 1.0, 61.0, 12)

    assert made == plan(SEED, 1.0, 61.0, 12) != plan(SEED + 1, 1.0, 61.0, 12)
    assert {planned.fault for planned in made[:6]} == set(PLAIN)
    assert all(1.0 <= planned.at_s <= 61.0 for planned in made)
    assert sorted(made) == made


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_faults_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """State, touches and decisions are those of the replay, after each kind of fault."""
    log, faults = cached_csv(SHAPE, tmp_path), (*PLAIN, Fault.CUT)
    setting = Setting(log, RULES, frozen_model(RULES, tmp_path), RATE, 2.0)
    told: list[str] = []
    with Links(LINKS) as links, EmbeddedKafka(more=links.properties) as kafka:
        chaos = Chaos(kafka, tmp_path / "run", setting, told.append, Means(links))
        ended = chaos.run(plan(SEED, 1.0, 21.0, len(faults), faults))
        found = examine(chaos.stand, log)

    assert found.is_exact, "\n".join([*told, *found.details])
    assert ended.faults == len(faults)
    assert found.touches > 100, "the log must lead to touches, or the test says little"
