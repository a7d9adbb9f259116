"""The adapter of Tencent Cloud against a stand-in that behaves as the documents say."""

import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch
from winback_sender.adapter import Request, Sent
from winback_sender.adapters import tencent
from winback_sender.adapters.signatures import tc3_headers
from winback_sender.adapters.tencent_codes import CODES
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.stand_in import Fate, Told, Turn
from winback_sender.standins.tencent import APP_ID, SECRET_ID, SECRET_KEY, Tencent
from winback_sender.templating.templates import ProviderTemplate

NUMBER = "+8613800138000"
KEY = "member_care_greeting"
TEXTS = {"1110": "尊敬的{1}，您的{2}已保留。", "1111": "感谢您的陪伴。"}
TWO = ProviderTemplate("1110", "某商城", ("first_name", "benefit"))
NONE = ProviderTemplate("1111", "某商城")

LATER = {
    "LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.PhoneNumberOneHourLimit",
    "LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit",
    "LimitExceeded.DeliveryFrequencyLimit", "FailedOperation.MarketingSendTimeConstraint",
    "LimitExceeded.AppDailyLimit", "LimitExceeded.DailyLimit",
    "FailedOperation.InsufficientBalanceInSmsPackage",
    "FailedOperation.NotEnterpriseCertification", "InvalidParameterValue.SdkAppIdNotExist",
    "InternalError.RequestTimeException", "InternalError.SigFieldMissing",
    "InternalError.SigVerificationFail", "IpInBlacklist", "IpNotInWhitelist",
}  # fmt: skip
GONE = {
    "InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist",
    "FailedOperation.PhoneNumberOnBlacklist",
}  # fmt: skip
PERHAPS = {
    "FailedOperation", "FailedOperation.OtherError", "FailedOperation.ParametersOtherError",
    "InternalError", "InternalError.OtherError", "InternalError.SendAndRecvFail",
    "InternalError.Timeout", "InternalError.UnknownError",
}  # fmt: skip
NEVER = {
    "FailedOperation.ContainSensitiveWord", "FailedOperation.FailResolvePacket",
    "FailedOperation.JsonParseFail", "FailedOperation.MissingSignature",
    "FailedOperation.MissingSignatureList", "FailedOperation.MissingTemplateList",
    "FailedOperation.SignatureIncorrectOrUnapproved",
    "FailedOperation.TemplateIncorrectOrUnapproved",
    "FailedOperation.TemplateUnapprovedOrNotExist",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
    "LimitExceeded.PhoneNumberCountLimit", "InternalError.JsonParseFail",
    "InternalError.RestApiInterfaceNotExist",
}  # fmt: skip
BY_PREFIX = {
    "RequestLimitExceeded.UinLimitExceeded": 1.0,
    "LimitExceeded": 900.0,
    "AuthFailure.TokenFailure": 300.0,
    "UnauthorizedOperation.SerivceSuspendDueToArrears": 300.0,  # as the page spells it
}


class World(SimpleNamespace):
    """A provider, an adapter, and what can be changed: clock, address, template, variables."""

    provider: Tencent
    adapter: Any
    addresses: dict[str, str]
    templates: dict[str, ProviderTemplate]
    params: dict[str, str]
    now_s: float

    def deliver(self, touch_id: str = "t-1") -> Receipt:
        asked = msgspec.structs.replace(touch(touch_id), params=self.params)
        receipt: Receipt = self.adapter.deliver(asked)
        return receipt

    def make(self, **more: str) -> Any:
        made = tools(environ(self.provider.url, **more), self.addresses, self.templates)
        return tencent.make(made)

    def refusal(self, touch_id: str = "t-1") -> NotSentError:
        with pytest.raises(NotSentError) as caught:
            self.deliver(touch_id)
        return caught.value


@pytest.fixture
def world() -> Iterator[World]:
    made = World(now_s=0.0)
    with Tencent(
        templates=TEXTS, signs=frozenset({"某商城"}), now_s=lambda: time.time() + made.now_s
    ) as provider:
        made.provider = provider
        made.addresses = {"ada": "138 0013 8000"}
        made.templates = {KEY: TWO}
        made.params = {"first_name": "王女士", "benefit": "会员礼遇"}
        made.adapter = made.make()
        yield made
        made.adapter.close()


def environ(url: str, **more: str) -> dict[str, str]:
    named = {
        "secret_id": SECRET_ID, "secret_key": SECRET_KEY, "sdk_app_id": APP_ID, "endpoint": url,
        **more,
    }  # fmt: skip
    return {tencent.PREFIX + name.upper(): value for name, value in named.items()}


def sent(touch_id: str = "t-1", ref: str = "") -> Sent:
    at_ms = time.time_ns() // 1_000_000
    return Sent(touch_id, "ada", "sms", ref, at_ms, Receipt(Status.UNKNOWN))


def turn(fate: Fate) -> Any:
    return lambda _touch, _tried: Turn(fate)


def told(world: World) -> None:
    """Let the carrier speak of every message."""
    world.provider._told += [Told(call.touch_id, 0, arrived=True) for call in world.provider.calls]


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


def test_every_code_is_in_one_group() -> None:
    assert set(CODES) == LATER | GONE | PERHAPS | NEVER


@pytest.mark.parametrize("is_of_number", [False, True])
@pytest.mark.parametrize("code", sorted(LATER))
def test_it_may_go_later(world: World, code: str, *, is_of_number: bool) -> None:
    fail(world, code, is_of_number=is_of_number)

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, True)
    assert error.after_s > 0


@pytest.mark.parametrize(("code", "after_s"), BY_PREFIX.items())
def test_it_may_go_later_by_the_first_word(world: World, code: str, after_s: float) -> None:
    world.provider.account_fault = code

    assert (world.refusal().retry, world.refusal().after_s) == (True, after_s)


@pytest.mark.parametrize("is_of_number", [False, True])
@pytest.mark.parametrize(
    "code", [*sorted(NEVER), "InvalidParameterValue.New", "UnsupportedOperation.UnsuportedRegion"]
)
def test_it_will_never_go(world: World, code: str, *, is_of_number: bool) -> None:
    fail(world, code, is_of_number=is_of_number)

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, False)


@pytest.mark.parametrize("code", sorted(GONE))
def test_the_number_cannot_be_reached(world: World, code: str) -> None:
    fail(world, code, is_of_number=True)

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, HARD, False)


@pytest.mark.parametrize("is_of_number", [False, True])
@pytest.mark.parametrize("code", [*sorted(PERHAPS), "FailedOperation.New", "Whatever"])
def test_it_may_have_been_sent(world: World, code: str, *, is_of_number: bool) -> None:
    fail(world, code, is_of_number=is_of_number)

    assert world.deliver() == Receipt(Status.UNKNOWN, "", code, address=NUMBER)


def fail(world: World, code: str, *, is_of_number: bool) -> None:
    if is_of_number:
        world.provider.number_faults[NUMBER] = code
    else:
        world.provider.account_fault = code


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
    ("change", "code"),
    [
        ({"secret_key": "another"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKID-other"}, "AuthFailure.SecretIdNotFound"),
        ({"sdk_app_id": "1400000000"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
    ],
)
def test_keys_that_are_wrong(world: World, change: Mapping[str, str], code: str) -> None:
    world.adapter = world.make(**change)

    assert (world.refusal().reason, world.refusal().retry) == (code, True)


def test_a_clock_that_is_off(world: World) -> None:
    world.now_s = 400.0

    assert world.refusal().reason == "AuthFailure.SignatureExpire"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x-tc-version": "2019-07-11"}, "NoSuchVersion"),
        ({"x-tc-region": ""}, "MissingParameter"),
        ({"authorization": "Basic eA=="}, "AuthFailure.InvalidAuthorization"),
        ({"x-tc-timestamp": "now"}, "AuthFailure.SignatureExpire"),
    ],
)
def test_what_the_gateway_does_not_let_pass(
    world: World, change: Mapping[str, str], code: str
) -> None:
    assert _raw(world, "SendSms", {}, change)["Error"]["Code"] == code


def test_an_action_that_there_is_not(world: World) -> None:
    assert _raw(world, "SendBird", {})["Error"]["Code"] == "InvalidAction"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MissingParameter"),
        ({"PhoneNumberSet": [NUMBER] * 201}, "LimitExceeded.PhoneNumberCountLimit"),
        ({"PhoneNumberSet": [NUMBER], "SessionContext": "x" * 512},
         "InvalidParameter.InvalidParameters"),
    ],
)  # fmt: skip
def test_a_call_that_is_refused_as_a_whole(world: World, body: dict[str, Any], code: str) -> None:
    fields = {"SmsSdkAppId": APP_ID, "TemplateId": "1111", **body} if body else {}

    assert _raw(world, "SendSms", fields)["Error"]["Code"] == code


def test_a_number_that_is_none(world: World) -> None:
    fields = {"SmsSdkAppId": APP_ID, "TemplateId": "1111", "PhoneNumberSet": ["12345"]}

    (status,) = _raw(world, "SendSms", fields)["SendStatusSet"]

    assert status["Code"] == "InvalidParameterValue.IncorrectPhoneNumber"


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


def test_pulling_more_than_a_hundred(world: World) -> None:
    fields = {"BeginTime": 1, "Limit": 101, "PhoneNumber": NUMBER, "SmsSdkAppId": APP_ID}

    said = _raw(world, "PullSmsSendStatusByPhoneNumber", fields)

    assert said["Error"]["Code"] == "InvalidParameterValue.LimitVerifyFail"


def test_asking_a_provider_that_is_away(world: World) -> None:
    world.provider.go_away()

    assert world.adapter.ask(sent()) is None


def test_asking_about_a_user_who_has_no_address_any_more(world: World) -> None:
    world.addresses.clear()

    assert world.adapter.ask(sent()) is None


def call_back(world: World, path: str, body: bytes) -> Any:
    routes = {route.path: route for route in world.adapter.routes()}
    return routes[f"/callbacks/tencent{path}"].handle(Request("POST", {}, {}, body))


PUBLISHED = """[{"user_receive_time": "2015-10-17 08:03:04", "nationcode": "86",
  "mobile": "13800138000", "report_status": "SUCCESS", "errmsg": "DELIVRD",
  "description": "用户短信送达成功", "sid": "5000:1045710669157053657849499619"}]"""
PUBLISHED_REPLY = """{"extend": "扩展码", "mobile": "13800138000", "nationcode": "86",
  "sign": "短信签名", "text": "用户回复的内容", "time": 1457336869}"""


def test_the_published_example_of_a_receipt(world: World) -> None:
    """Without ``ext`` the serial number is all there is."""
    answer = call_back(world, "/report", PUBLISHED.encode())

    assert msgspec.json.decode(answer.body) == {"result": 0, "errmsg": "OK"}
    (heard,) = answer.heard
    assert (heard.touch_id, heard.ref) == ("", "5000:1045710669157053657849499619")
    assert heard.receipt.status is Status.DELIVERED
    assert heard.at_ms == 1_445_040_184_000  # 2015-10-17T00:03:04Z


def test_a_receipt_with_our_id(world: World) -> None:
    item = {"report_status": "FAIL", "errmsg": "MK:100F", "description": "空号", "sid": "9",
            "ext": "t-1"}  # fmt: skip

    (heard,) = call_back(world, "/report", msgspec.json.encode([item])).heard

    assert (heard.touch_id, heard.at_ms) == ("t-1", 0)
    assert heard.receipt == Receipt(Status.FAILED, HARD, "MK:100F", "9")


def test_one_receipt_that_cannot_be_read_does_not_lose_the_others(world: World) -> None:
    """Another system that shares the application may put an object into ``ext``."""
    body = f'[{{"sid": 7, "report_status": "SUCCESS", "ext": {{}}}}, {PUBLISHED[1:]}'

    assert len(call_back(world, "/report", body.encode()).heard) == 1


def test_the_published_example_of_a_reply(world: World) -> None:
    (heard,) = call_back(world, "/reply", PUBLISHED_REPLY.encode()).heard

    assert heard.receipt == Receipt(Status.REPLIED)
    assert (heard.address, heard.at_ms) == (NUMBER, 1_457_336_869_000)


@pytest.mark.parametrize("said", [0, -1, 10**18, 1_457_336_869_000])
def test_an_instant_that_nobody_can_have_meant(world: World, said: int) -> None:
    """It is taken for now: a journal must not have it."""
    body = PUBLISHED_REPLY.replace("1457336869", str(said))

    assert [heard.at_ms for heard in call_back(world, "/reply", body.encode()).heard] == [0]


def test_a_reply_that_is_an_opt_out(world: World) -> None:
    body = PUBLISHED_REPLY.replace("用户回复的内容", "ＴＤ")

    (heard,) = call_back(world, "/reply", body.encode()).heard

    assert heard.receipt.status is Status.OPTED_OUT


@pytest.mark.parametrize("path", ["/report", "/reply"])
def test_a_call_back_that_is_none(world: World, path: str) -> None:
    answer = call_back(world, path, b"<html>")

    assert (answer.status, tuple(answer.heard)) == (400, ())


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("endpoint", "ftp://example.com", "ENDPOINT"),
        ("endpoint", "https://example.com/v2?x", "ENDPOINT"),
        ("timeout_s", "0", "TIMEOUT_S"),
        ("per_s", "99999", "PER_S"),
        ("timout_s", "3", "did you mean"),
    ],
)
def test_settings_that_cannot_be(world: World, name: str, value: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        world.make(**{name: value})


def test_settings_that_are_missing() -> None:
    with pytest.raises(UserError, match=r"SECRET_ID.*SECRET_KEY.*SDK_APP_ID is not set"):
        tencent.make(tools({}))


def _raw(
    world: World, action: str, fields: dict[str, Any], change: Mapping[str, str] | None = None
) -> dict[str, Any]:
    body = msgspec.json.encode(fields)
    host = world.provider.url.removeprefix("http://")
    headers = tc3_headers(host, "sms", action, body, int(time.time()), SECRET_ID, SECRET_KEY)
    headers |= {"x-tc-version": "2021-01-11", "x-tc-region": "ap-guangzhou"} | dict(change or {})
    answer = httpx.post(f"{world.provider.url}/", content=body, headers=headers)
    said: dict[str, Any] = answer.json()["Response"]
    return said
