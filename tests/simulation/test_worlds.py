"""Worlds: the same seed gives the same one, and touches change what was drawn beforehand."""

import msgspec
import pytest

from streams.core.time import DAY_MS
from streams.simulation.catalogue import SCENARIOS, resized
from streams.simulation.kinds import KINDS, response
from streams.simulation.life import Life
from streams.simulation.scenario import Scenario
from streams.simulation.world import make_world

DOGS = Scenario(name="dogs", what="All leave when disturbed.", users=30, days=60,
                mix={"sleeping_dog": 1.0})  # fmt: skip
HELD = Scenario(name="held", what="All can be held.", users=30, days=60, mix={"persuadable": 1.0})


def test_a_world_is_a_pure_function_of_scenario_and_seed() -> None:
    steady = resized(SCENARIOS["steady"], 20, 30)

    assert make_world(steady, 3) == make_world(steady, 3)
    assert make_world(steady, 3) != make_world(steady, 4)
    assert make_world(steady, 3).people != make_world(resized(SCENARIOS["drift"], 20, 30), 3).people


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_scenario_makes_a_world_and_says_what_it_shows(scenario: Scenario) -> None:
    world = make_world(resized(scenario, 12, 30), 1)

    assert len(world.people) == 12 + scenario.bots
    assert {person.kind for person in world.people} <= set(KINDS)
    assert len(scenario.what) > 20
    for person in world.people:
        times = [event.at_ms for event in person.untouched]
        assert times == sorted(times)


def test_there_are_twenty_scenarios_at_least() -> None:
    assert len(SCENARIOS) >= 20


def test_a_sleeping_dog_that_is_touched_never_comes_again() -> None:
    world = make_world(DOGS, 1)
    fates = set()
    for person in world.people:
        life = Life(person, world)
        at_ms = world.start_ms + 20 * DAY_MS
        life.until(at_ms)
        fate = life.touched(at_ms, "sms")
        fates.add(fate)
        assert bool(life.until(world.end_ms)) == (fate != "pushed")

    assert "pushed" in fates


def test_a_touch_brings_back_who_can_be_held_and_only_sooner() -> None:
    world = make_world(HELD, 1)
    pulled = 0
    for person in world.people:
        life = Life(person, world)
        last_ms = person.untouched[-1].at_ms
        at_ms = last_ms + DAY_MS
        if not life.until(at_ms) or life.touched(at_ms, "sms") != "pulled":
            continue
        pulled += 1
        back = life.until(world.end_ms + 100 * DAY_MS)
        assert back[0].at_ms > at_ms
        assert life.figures(world).untouched_minor <= life.figures(world).value_minor

    assert pulled > 3


def test_a_user_who_is_about_to_come_is_not_brought_back() -> None:
    world = make_world(HELD, 1)
    life = Life(world.people[0], world)
    at_ms = world.people[0].untouched[5].at_ms - 1
    life.until(at_ms)

    assert life.prospect(at_ms, "call", world.horizon_ms).returns
    assert life.prospect(at_ms, "call", world.horizon_ms).effect == 0.0


def test_the_pull_fades_with_silence_and_without_an_effect_there_is_none() -> None:
    soon, late = (response("persuadable", "sms", silence, 1.0)[0] for silence in (0.5, 2.0))

    assert soon > late > 0.0
    assert response("persuadable", "sms", 0.5, 0.0) == (0.0, 0.0)
    assert response("sleeping_dog", "sms", 0.5, 1.0)[1] == KINDS["sleeping_dog"].push


def test_an_outage_loses_what_happened_meanwhile() -> None:
    dark = resized(SCENARIOS["outage"], 30, 80)
    light = msgspec.structs.replace(dark, outages=())

    assert make_world(dark, 1).people == make_world(light, 1).people
