"""The adapter of Aliyun asks what became of a message."""

from types import SimpleNamespace

from tests.unit.sender.adapters.aliyun.stand import FIRST, KEY, NUMBER, SECOND, World, sent, turn
from winback_sender.contract.words import HARD, Status
from winback_sender.receipt import Receipt
from winback_sender.standins.stand_in import Fate


def test_asking_after_a_lost_answer(world: World) -> None:
    """First the carrier has not spoken, then it has."""
    world.provider.plan = turn(Fate.HTML)
    world.deliver()

    assert world.adapter.ask(sent()) == Receipt(Status.ACCEPTED, address=NUMBER)

    call = world.provider.calls[0]
    world.provider._told.append(SimpleNamespace(touch_id=call.touch_id))  # type: ignore[arg-type]  # as told
    assert world.adapter.ask(sent(ref=call.ref)) == Receipt(
        Status.DELIVERED, ref=call.ref, address=NUMBER
    )


def test_asking_for_a_message_that_failed(world: World) -> None:
    world.provider.receipt_codes["13800138000"] = "MOBILE_IN_BLACK"
    world.deliver()
    world.provider._told.append(SimpleNamespace(touch_id="t-1"))  # type: ignore[arg-type]  # as told

    assert world.adapter.ask(sent()) == Receipt(
        Status.FAILED, HARD, "MOBILE_IN_BLACK", address=NUMBER
    )


def test_asking_finds_one_among_many(world: World) -> None:
    """Pages have 50 lines."""
    for n in range(60):
        world.templates[KEY] = (FIRST, SECOND)[n % 2]
        world.deliver(f"t-{n}")

    assert world.adapter.ask(sent("t-59")) is not None


def test_asking_for_what_was_never_taken(world: World) -> None:
    assert world.adapter.ask(sent()) is None


def test_asking_a_provider_that_is_away(world: World) -> None:
    world.provider.go_away()

    assert world.adapter.ask(sent()) is None


def test_asking_about_a_user_who_has_no_address_any_more(world: World) -> None:
    world.addresses.clear()

    assert world.adapter.ask(sent()) is None
