"""The adapter of Tencent Cloud sends to a stand-in that behaves as the documents say."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tests.unit.sender.adapters.tencent.stand import KEY, NONE, NUMBER, World, turn
from winback_sender.adapters import tencent
from winback_sender.contract.words import HARD, Status, Why
from winback_sender.receipt import Receipt
from winback_sender.standins.stand_in import Fate
from winback_sender.templating.templates import ProviderTemplate


def test_a_touch_is_taken(world: World) -> None:
    receipt = world.deliver()

    call = world.provider.calls[0]
    assert receipt == Receipt(Status.ACCEPTED, ref=call.ref, address=NUMBER)
    assert (call.touch_id, call.address) == ("t-1", NUMBER)
    assert call.what == (NUMBER, "1110", "王女士", "会员礼遇"), "positions in the template's order"


def test_a_template_without_variables(world: World) -> None:
    world.templates[KEY] = NONE

    assert world.deliver().status is Status.ACCEPTED


def test_eleven_variables_stay_in_order(world: World) -> None:
    """Positions are numbers: 10 comes after 9, not after 1."""
    names = tuple(f"p{n}" for n in range(1, 12))
    world.provider._templates = {"7": "".join(f"{{{n}}}，" for n in range(1, 12))}
    world.templates[KEY] = ProviderTemplate("7", "某商城", names)
    world.params = {name: name for name in names}
    world.deliver()

    assert world.provider.calls[0].what[2:] == names


@pytest.mark.parametrize("params", [{"name": "first_name"}, {"0": "first_name"}])
def test_variables_without_a_position_are_not_sent(world: World, params: dict[str, str]) -> None:
    """Nothing has left, so the touch is not unknown."""
    world.templates[KEY] = ProviderTemplate("1110", "某商城", params)

    assert (world.refusal().reason, world.provider.calls) == (Why.BAD_VARIABLES, [])


def test_what_a_template_adds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def call(_action: str, fields: Mapping[str, Any]) -> tencent.Content:
        asked.update(fields)
        return tencent.Content(SendStatusSet=[tencent.SendStatus("Ok", "9")])

    monkeypatch.setattr(world.adapter, "_call", call)
    extra = {"ExtendCode": "90", "SessionContext": "another"}
    world.templates[KEY] = msgspec.structs.replace(NONE, extra=extra)
    world.deliver()

    assert (asked["ExtendCode"], asked["SessionContext"]) == ("90", "t-1")


def test_there_is_no_address(world: World) -> None:
    world.addresses.clear()

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (Why.NO_ADDRESS, HARD, False)


def test_the_address_is_no_number(world: World) -> None:
    world.addresses["ada"] = "1380013800"

    assert (world.refusal().reason, world.refusal().outcome) == (Why.BAD_ADDRESS, HARD)


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (Fate.HTML, Why.UNREADABLE),
        (Fate.ERROR_AFTER, "http_500"),
        (Fate.ERROR_BEFORE, "http_500"),
        (Fate.LOST_CALL, Why.TIMED_OUT),
    ],
)
def test_an_answer_that_says_nothing(world: World, fate: Fate, reason: str) -> None:
    world.provider.plan = turn(fate)

    assert world.deliver() == Receipt(Status.UNKNOWN, "", reason, address=NUMBER)


def test_an_answer_of_no_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an error nor a status: not the protocol."""
    empty = tencent.Said(tencent.Content())
    monkeypatch.setattr("winback_sender.http.calls.Reply.json", lambda _self, _kind: empty)

    assert world.deliver() == Receipt(Status.UNKNOWN, "", Why.UNREADABLE, address=NUMBER)


def test_too_many_calls(world: World) -> None:
    world.provider.plan = turn(Fate.THROTTLED)

    error = world.refusal()

    assert (error.reason, error.retry, error.after_s) == ("RequestLimitExceeded", True, 1.0)


def test_a_template_that_is_refused_in_the_end(world: World) -> None:
    world.provider.plan = turn(Fate.REFUSED)

    assert world.refusal().reason == "FailedOperation.TemplateIncorrectOrUnapproved"


def test_a_provider_that_is_away(world: World) -> None:
    world.provider.go_away()

    assert (world.refusal().reason, world.refusal().retry) == (Why.UNAVAILABLE, True)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("很" * 501, "InvalidParameterValue.ContentLengthLimit"),
        ("http://t.cn/x", "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"),
        ("王女士🎁", "FailedOperation.ContainSensitiveWord"),
    ],
)
def test_a_variable_that_is_refused(world: World, value: str, code: str) -> None:
    world.params["first_name"] = value

    assert (world.refusal().reason, world.refusal().retry) == (code, False)


@pytest.mark.parametrize("value", ["𠮷野", "䶮", "ＶＩＰ１２３", 'a"b\\c'])
def test_a_variable_that_looks_strange_and_is_not(world: World, value: str) -> None:
    world.params["first_name"] = value
    world.deliver()

    assert world.provider.calls[0].what[2] == value


@pytest.mark.parametrize(
    ("template", "code"),
    [
        (ProviderTemplate("9", "某商城"), "FailedOperation.TemplateIncorrectOrUnapproved"),
        (ProviderTemplate("1111", "别家"), "FailedOperation.SignatureIncorrectOrUnapproved"),
        (ProviderTemplate("1110", "某商城", ("first_name",)),
         "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
    ],
)  # fmt: skip
def test_a_template_that_is_not_approved(
    world: World, template: ProviderTemplate, code: str
) -> None:
    world.templates[KEY] = template

    assert world.refusal().reason == code


def test_the_same_content_once_in_thirty_seconds(world: World) -> None:
    world.deliver("t-1")

    error = world.refusal("t-2")
    assert (error.reason, error.after_s) == ("LimitExceeded.PhoneNumberThirtySecondLimit", 30.0)

    world.now_s = 31.0
    assert world.deliver("t-3").status is Status.ACCEPTED


def test_so_many_a_day_for_a_number_and_the_day_rolls(world: World) -> None:
    world.provider.same_content_s = 0.0
    for n in range(10):
        world.deliver(f"t-{n}")

    assert world.refusal("t-10").reason == "LimitExceeded.PhoneNumberDailyLimit"
