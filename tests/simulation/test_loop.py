"""Worlds run through the service: the law of never, and what is said of them beside the truth."""

from typing import Any

import msgspec
import pytest

from benchmarks.decisions.budget import uses
from benchmarks.decisions.pipeline import EFFECT, looked
from streams.core.messages import Episode
from streams.simulation.catalogue import LEAVERS, SCENARIOS
from streams.simulation.policies import Policy
from streams.simulation.referee import Referee
from streams.simulation.rulebook import sections_of
from streams.simulation.scenario import Scenario
from streams.simulation.simulate import Choices, Outcome, simulated
from streams.simulation.small import refereed, small_scenario, small_worlds
from winback_sender.contract.messages import TouchRequested

BUSY = Scenario(name="busy", what="Most leave, and there is place for two.", users=90, days=24,
                horizon_days=4.0, partitions=1, mix=LEAVERS, step_hours=12.0,
                rules="budget: {touches_per_day: 2, calls_per_day: 1}")  # fmt: skip


@pytest.fixture(scope="module")
def busy() -> Outcome:
    return simulated(BUSY, 1)


@pytest.mark.parametrize("group", range(0, 15, 3))
def test_what_must_never_happen_does_not(group: int) -> None:
    """Fifty of the 20,000 of ``make prove``: all rules, one and two partitions, two steps."""
    found = refereed(group)

    assert found.violations == []
    assert found.touches > 5


def test_small_worlds_have_people_in_every_zone() -> None:
    assert len(small_scenario(1).zones) >= 12
    assert len({person.user_id for person in small_worlds(1).people}) == 80


def test_the_same_world_runs_the_same_way() -> None:
    tiny = msgspec.structs.replace(BUSY, users=25, days=14)
    first, again = simulated(tiny, 2), simulated(tiny, 2)

    assert first.verdicts == again.verdicts
    assert [said.message for said in first.run.said] == [said.message for said in again.run.said]


@pytest.mark.parametrize(
    ("section", "value", "rule"),
    [
        ("contact", {"quiet_hours": {"start": "00:00", "end": "23:59"}}, "quiet_hours"),
        ("contact", {"caps": [{"touches": 1, "per": "30d"}]}, "cap"),
        ("budget", {"touches_per_day": 1}, "budget"),
        ("mode", "observe", "mode"),
    ],
)
def test_the_referee_sees_when_other_rules_were_in_force(
    busy: Outcome, section: str, value: Any, rule: str
) -> None:
    stricter = sections_of(BUSY)
    before = stricter.get(section)
    stricter[section] = before | value if isinstance(before, dict) else value
    referee = Referee(busy.run.rules, stricter)
    referee.watch(busy.run)

    assert rule in {broken.rule for broken in referee.violations}


def test_a_budget_is_used_whole_where_many_wait_and_never_exceeded(busy: Outcome) -> None:
    (messages, calls) = busy.verdicts.spending
    made = [use for use in uses(busy.run) if use.has_demand]

    assert busy.verdicts.violations == ()
    assert messages.most == 1.0
    assert messages.mean > 0.9
    assert calls.most <= 1.0
    assert all(use.share == 1.0 for use in made)


def test_every_episode_has_its_truth(busy: Outcome) -> None:
    truths = {made.case_id: made for made in busy.run.exposed}
    episodes = [said.message for said in busy.run.said if isinstance(said.message, Episode)]

    assert len(episodes) > 10
    for made in episodes:
        truth = truths[made.case_id]
        assert truth.is_held_out == made.is_held_out
        if made.is_held_out:
            assert truth.prospect.returns == made.returned


def test_touches_that_do_nothing_have_no_effect() -> None:
    nothing = simulated(msgspec.structs.replace(EFFECT, users=120, days=24, effect=0.0), 1)
    made = nothing.verdicts

    assert made.effect.truth == 0.0
    assert (made.harm.pulled, made.harm.pushed, made.harm.value_minor) == (0, 0, 0)
    assert looked(nothing.run)[1]


def test_nothing_goes_out_while_the_service_observes() -> None:
    watched = simulated(msgspec.structs.replace(BUSY, users=30, days=14, rules="mode: observe"), 1)

    assert not any(isinstance(said.message, TouchRequested) for said in watched.run.said)
    assert watched.verdicts.decisions["observed"] > 0
    assert watched.verdicts.violations == ()


def test_dogs_that_sleep_are_woken_by_any_policy_that_does_not_ask() -> None:
    dogs = msgspec.structs.replace(
        SCENARIOS["sleeping_dogs"], users=60, days=24, horizon_days=4.0, step_hours=12.0
    )

    made = simulated(dogs, 1, Choices(policy=Policy.RISK_FIRST)).verdicts

    assert made.harm.pushed > 0
    assert made.harm.net_effect < 0.0
