"""The adapter of Tencent Cloud asks what became of a message."""

import time

import pytest

from tests.unit.sender.adapters.tencent.stand import (
    NUMBER,
    World,
    sent,
    told,
    turn,
)
from winback_sender.contract.words import HARD, UNSENT, Status
from winback_sender.receipt import Receipt
from winback_sender.standins.stand_in import Fate


def test_asking_after_a_lost_answer(world: World) -> None:
    """First the carrier has not spoken, and nothing can be said."""
    world.provider.plan = turn(Fate.HTML)
    world.deliver()

    assert world.adapter.ask(sent()) is None

    told(world)
    assert world.adapter.ask(sent()) == Receipt(
        Status.DELIVERED, ref=world.provider.calls[0].ref, address=NUMBER
    )


@pytest.mark.parametrize(
    ("description", "outcome"),
    [("空号", HARD), ("手机号在黑名单中", HARD), ("用户已退订", HARD), ("关机", "soft"),
     ("停机", "soft"), ("内容含敏感词", UNSENT), ("触发运营商频率限制", UNSENT)],
)  # fmt: skip
def test_asking_for_a_message_that_failed(world: World, description: str, outcome: str) -> None:
    world.provider.descriptions[NUMBER] = description
    ref = world.deliver().ref
    told(world)

    assert world.adapter.ask(sent(ref=ref)) == Receipt(Status.FAILED, outcome, "FAIL", ref, NUMBER)


def test_asking_for_what_was_never_taken(world: World) -> None:
    world.deliver("t-other")
    told(world)

    assert world.adapter.ask(sent()) is None


def test_asking_too_often(world: World) -> None:
    """Twenty a second: the twenty-first gets no answer, and is asked again by the kit."""
    world.deliver()
    told(world)
    instant_s = time.time()
    world.provider._gateway._rolling._now_s = lambda: instant_s

    answers = [world.adapter.ask(sent()) for _ in range(21)]

    assert [answer is None for answer in answers] == [False] * 20 + [True]


def test_asking_a_provider_that_is_away(world: World) -> None:
    world.provider.go_away()

    assert world.adapter.ask(sent()) is None


def test_asking_about_a_user_who_has_no_address_any_more(world: World) -> None:
    world.addresses.clear()

    assert world.adapter.ask(sent()) is None
