"""The adapter of Aliyun sends to a stand-in that behaves as the documents say."""

import msgspec
import pytest

from tests.unit.sender.adapters.aliyun.stand import KEY, NUMBER, SECOND, World, turn
from winback_sender.adapters import aliyun
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.receipt import Receipt
from winback_sender.standins.stand_in import Fate, Turn
from winback_sender.templating.templates import ProviderTemplate


def test_a_touch_is_taken(world: World) -> None:
    receipt = world.deliver()

    call = world.provider.calls[0]
    assert receipt == Receipt(Status.ACCEPTED, ref=call.ref, address=NUMBER)
    assert (call.touch_id, call.address) == ("t-1", "13800138000")
    assert call.what == ("某商城", "SMS_1", "13800138000")


@pytest.mark.parametrize(
    "written", ["138 0013 8000", "+86 138-0013-8000", "008613800138000", "１３８００１３８０００"]
)
def test_numbers_as_people_write_them(world: World, written: str) -> None:
    world.addresses["ada"] = written

    assert world.deliver().address == NUMBER


def test_a_template_without_variables(world: World) -> None:
    world.templates[KEY] = SECOND

    assert world.deliver().status is Status.ACCEPTED


def test_what_a_template_adds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension code, and nothing that would change what is ours."""
    asked: dict[str, str] = {}

    def call(_action: str, query: dict[str, str], _kind: object) -> aliyun.Said:
        asked.update(query)
        return aliyun.Said("OK", "b")

    monkeypatch.setattr(world.adapter, "_call", call)
    extra = {"SmsUpExtendCode": "90", "OutId": "another"}
    world.templates[KEY] = msgspec.structs.replace(SECOND, extra=extra)
    world.deliver()

    assert (asked["SmsUpExtendCode"], asked["OutId"]) == ("90", "t-1")


def test_there_is_no_address(world: World) -> None:
    world.addresses.clear()

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (Why.NO_ADDRESS, HARD, False)


def test_the_address_is_no_number(world: World) -> None:
    world.addresses["ada"] = "ada@example.com"

    error = world.refusal()

    assert (error.reason, error.outcome) == (Why.BAD_ADDRESS, HARD)
    assert not world.provider.calls


def test_too_many_calls_of_the_account(world: World) -> None:
    world.provider.plan = turn(Fate.THROTTLED)

    error = world.refusal()

    assert (error.reason, error.retry, error.after_s) == ("Throttling.User", True, 1.0)


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


def test_a_provider_that_is_away(world: World) -> None:
    world.provider.go_away()

    error = world.refusal()

    assert (error.reason, error.retry) == (Why.UNAVAILABLE, True)


def test_the_wrong_secret(world: World) -> None:
    world.adapter = world.make(access_key_secret="another")

    assert world.refusal().reason == "SignatureDoesNotMatch"


def test_a_key_that_nobody_knows(world: World) -> None:
    world.adapter = world.make(access_key_id="LTAI-other")

    error = world.refusal()

    assert (error.reason, error.retry) == ("InvalidAccessKeyId.NotFound", True)


def test_a_temporary_key_is_signed_with_its_token(world: World) -> None:
    world.adapter = world.make(security_token="sts")

    assert world.deliver().status is Status.ACCEPTED


def test_a_clock_that_is_off(world: World) -> None:
    world.now_s = 1_000.0

    assert world.refusal().reason == "InvalidTimeStamp.Expired"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("很" * 36, "isv.PARAM_LENGTH_LIMIT"),
        ("http://t.cn/x", "isv.PARAM_NOT_SUPPORT_URL"),
        ("王女士🎁", "isv.UNSUPPORTED_CONTENT"),
        ("【王】", "isv.UNSUPPORTED_CONTENT"),
    ],
)
def test_a_variable_that_is_refused(world: World, value: str, code: str) -> None:
    world.params["first_name"] = value

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, False)


@pytest.mark.parametrize("value", ["𠮷野", "䶮", "ＶＩＰ１２３", "a b&c=d%+~*"])
def test_a_variable_that_looks_strange_and_is_not(world: World, value: str) -> None:
    """Rare Han characters are in names; full width is a way of writing; signs are encoded."""
    world.params["first_name"] = value

    assert world.deliver().status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("template", "code"),
    [
        (ProviderTemplate("SMS_9", "某商城"), "isv.SMS_TEMPLATE_ILLEGAL"),
        (ProviderTemplate("SMS 1", "某商城"), "isv.SMS_TEMPLATE_ILLEGAL"),
        (ProviderTemplate("SMS_1", "某 商城"), "isv.SMS_SIGNATURE_ILLEGAL"),
        (ProviderTemplate("SMS_1", ""), "MissingSignName"),
    ],
)
def test_a_template_that_is_not_approved(
    world: World, template: ProviderTemplate, code: str
) -> None:
    world.templates[KEY] = template

    assert world.refusal().reason == code


def test_fifty_of_a_template_in_a_day_that_rolls(world: World) -> None:
    """What is taken counts, also when its answer was lost on the way."""
    world.provider.plan = lambda _touch, tried: Turn(Fate.HTML if tried else Fate.OK)
    for _ in range(50):
        world.deliver("t-1")

    assert world.refusal("t-2").reason == "isv.BUSINESS_LIMIT_CONTROL"
    assert world.refusal("t-3").after_s == 900.0
