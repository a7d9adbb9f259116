"""Erasure of somebody with several ids: all that are the person's, and none that is another's."""

from itertools import pairwise
from random import Random

import pytest

from streams.core.inputs import Erased
from streams.core.state import Column
from tests.unit.core.kin import Town, link
from tests.unit.core.stories import act, day


@pytest.mark.parametrize("seed", range(12))
def test_every_id_of_a_chain_is_forgotten_whichever_message_comes_first(seed: int) -> None:
    town = Town()
    chain = ["a", "b", "c", "d", "ada"]
    for number, (other, user) in enumerate(pairwise(chain)):
        town.say(act(day(number), other), link(day(number, 13), user, other))
    town.apply(Erased("ada", day(5)))
    town.settle(Random(seed))

    assert [len(partition.relations.stubs) for partition in town.partitions] == [0, 0, 0, 0]
    town.say(*(act(day(6), each) for each in chain))
    assert town.states() == {}
    assert town.counts("skipped_erased") == len(chain)


@pytest.mark.parametrize("seed", range(12))
def test_an_id_that_is_somebody_elses_is_not_forgotten_with_who_asked_for_it(seed: int) -> None:
    """Bo logs in on two devices of Ada's; both links are refused, and both stay in Bo's memory."""
    town = Town()
    town.say(act(day(0), "phone"), link(day(1), "tablet", "phone"), link(day(2), "ada", "tablet"))
    town.say(act(day(3), "bo"), link(day(3, 13), "bo", "tablet"), link(day(3, 14), "bo", "phone"))
    town.apply(Erased("bo", day(4)))
    town.settle(Random(seed))

    town.say(act(day(5), "phone"), act(day(6), "tablet"))
    assert {user: state[Column.EVENTS] for user, state in town.states().items()} == {"ada": 3.0}
    assert town.counts("skipped_erased") == 0


@pytest.mark.parametrize("seed", range(150))
def test_all_that_leads_to_a_person_is_forgotten_and_nothing_else(seed: int) -> None:
    """Links and acts by chance, delivered by chance; then somebody asks under any id."""
    chance, ids = Random(seed), "abcdefg"
    town = Town(partitions=chance.randint(1, 4))
    for hours in range(0, 42, 3):
        user, other = chance.sample(ids, 2)
        said = act(day(0, hours), user)
        town.apply(said if chance.random() < 0.4 else link(day(0, hours), user, other))
        full = [number for number, queue in enumerate(town.waiting) if queue]
        if full and chance.random() < 0.4:
            town.deliver(chance.choice(full))
    town.settle(chance)
    roots = {user: root_of(town, user) for user in ids}
    gone = chance.choice(ids)
    town.apply(Erased(gone, day(3)))
    town.settle(chance)

    theirs = {user for user in ids if roots[user] == roots[gone]}
    town.say(*(act(day(4), user) for user in ids))
    assert town.counts("skipped_erased") == len(theirs)
    assert {root_of(town, user) for user in theirs} == theirs
    assert not theirs & town.states().keys()


def root_of(town: Town, user: str) -> str:
    """Return under which id somebody is known."""
    while (into := town.of(user).relations.stubs.into(user, day(2))) is not None:
        user = into
    return user
