"""The adapter of Aliyun against a stand-in that behaves as the documents say."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch
from winback_sender.adapter import Request, Sent
from winback_sender.adapters import aliyun
from winback_sender.adapters.aliyun_codes import CODES, RECEIPTS
from winback_sender.adapters.signatures import acs3_headers, query_string
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.aliyun import KEY_ID, SECRET, Aliyun
from winback_sender.standins.stand_in import Fate, Turn
from winback_sender.templating.templates import ProviderTemplate

NUMBER = "+8613800138000"
TEXTS = {"SMS_1": "尊敬的${name}，您的权益已保留。", "SMS_2": "感谢您的陪伴。"}
KEY = "member_care_greeting"
FIRST = ProviderTemplate("SMS_1", "某商城", {"name": "first_name"})
SECOND = ProviderTemplate("SMS_2", "某商城")

LATER = {
    "isv.BUSINESS_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE",
    "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL", "isv.SECURITY_FROZEN_ACCOUNT",
    "isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE", "isv.DENY_IP_RANGE",
    "isp.RAM_PERMISSION_DENY", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL",
    "InvalidTimeStamp.Expired", "SignatureDoesNotMatch",
}  # fmt: skip
GONE = {"isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.CUSTOMER_REFUSED"}
PERHAPS = {"isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "SignatureNonceUsed"}
NEVER = {
    "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL", "isv.SMS_SIGN_ILLEGAL",
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL", "isv.SIGN_STATE_ILLEGAL", "isv.SMS_CONTENT_ILLEGAL",
    "isv.UNSUPPORTED_CONTENT", "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
    "isv.TEMPLATE_MISSING_PARAMETERS", "isv.TEMPLATE_PARAMS_ILLEGAL", "isv.INVALID_PARAMETERS",
    "isv.INVALID_JSON_PARAM", "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL",
    "isv.MOBILE_COUNT_OVER_LIMIT", "isv.EXTEND_CODE_ERROR", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
    "isv.SMS_TEST_NUMBER_LIMIT", "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT",
    "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL",
}  # fmt: skip


class World(SimpleNamespace):
    """A provider, an adapter, and what can be changed: clock, address, template, variables."""

    provider: Aliyun
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
        return aliyun.make(
            tools(environ(self.provider.url, **more), self.addresses, self.templates)
        )

    def refusal(self, touch_id: str = "t-1") -> NotSentError:
        with pytest.raises(NotSentError) as caught:
            self.deliver(touch_id)
        return caught.value


@pytest.fixture
def world() -> Iterator[World]:
    made = World(now_s=0.0)
    with Aliyun(
        templates=TEXTS, signs=frozenset({"某商城"}), now_s=lambda: time.time() + made.now_s
    ) as provider:
        made.provider = provider
        made.addresses = {"ada": "138 0013 8000"}
        made.templates = {KEY: FIRST}
        made.params = {"first_name": "王女士"}
        made.adapter = made.make()
        yield made
        made.adapter.close()


def environ(url: str, **more: str) -> dict[str, str]:
    named = {"access_key_id": KEY_ID, "access_key_secret": SECRET, "endpoint": url, **more}
    return {aliyun.PREFIX + name.upper(): value for name, value in named.items()}


def sent(touch_id: str = "t-1", ref: str = "") -> Sent:
    at_ms = time.time_ns() // 1_000_000
    return Sent(touch_id, "ada", "sms", ref, at_ms, Receipt(Status.UNKNOWN))


def turn(fate: Fate) -> Any:
    return lambda _touch, _tried: Turn(fate)


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


def test_every_code_is_in_one_group() -> None:
    assert set(CODES) == LATER | GONE | PERHAPS | NEVER


BY_PREFIX = {
    "InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed", "IncompleteSignature",
    "InvalidAccessKeyId.Inactive", "Forbidden.RAM", "NoPermission",
}  # fmt: skip
"""What people mend: keys, rights."""


@pytest.mark.parametrize("code", sorted(LATER | BY_PREFIX))
def test_it_may_go_later(world: World, code: str) -> None:
    world.provider.account_fault = code

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, True)
    assert error.after_s > 0


@pytest.mark.parametrize("code", [*sorted(NEVER), "isv.NOT_YET_KNOWN"])
def test_it_will_never_go(world: World, code: str) -> None:
    world.provider.account_fault = code

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, False)


@pytest.mark.parametrize("code", sorted(GONE))
def test_the_number_cannot_be_reached(world: World, code: str) -> None:
    world.provider.number_faults["13800138000"] = code

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, HARD, False)


@pytest.mark.parametrize("code", [*sorted(PERHAPS), "isp.NOT_YET_KNOWN", "InternalError"])
def test_it_may_have_been_sent(world: World, code: str) -> None:
    world.provider.account_fault = code

    assert world.deliver() == Receipt(Status.UNKNOWN, "", code, address=NUMBER)


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


def test_a_request_that_comes_twice(world: World) -> None:
    """A box on the way that repeats requests is found out by the nonce."""
    query = query_string({"PhoneNumbers": "13800138000", "SignName": "某商城",
                          "TemplateCode": "SMS_2", "OutId": "t-1"})  # fmt: skip
    headers = acs3_headers(
        world.provider.url.removeprefix("http://"), query,
        {"x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-signature-nonce": "n",
         "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        KEY_ID, SECRET,
    )  # fmt: skip

    said = [
        httpx.post(f"{world.provider.url}/?{query}", headers=headers).json()["Code"]
        for _ in range(2)
    ]

    assert said == ["OK", "SignatureNonceUsed"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x-acs-version": "2018-05-01"}, "InvalidVersion"),
        ({"x-acs-action": "SendBird"}, "InvalidAction.NotFound"),
        ({"x-acs-date": "yesterday"}, "InvalidTimeStamp.Format"),
    ],
)
def test_what_the_gateway_does_not_let_pass(
    world: World, change: Mapping[str, str], code: str
) -> None:
    named = {"x-acs-action": "SendSms", "x-acs-version": "2017-05-25",
             "x-acs-signature-nonce": "n", "x-acs-date": "2026-01-01T00:00:00Z"}  # fmt: skip
    host = world.provider.url.removeprefix("http://")
    headers = acs3_headers(host, "", named | {"x-acs-date": _now()} | dict(change), KEY_ID, SECRET)

    assert httpx.post(f"{world.provider.url}/", headers=headers).json()["Code"] == code


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


def test_a_thousand_numbers_at_most(world: World) -> None:
    assert _raw_send(world, PhoneNumbers=",".join(["13800138000"] * 1_001)) == (
        "isv.MOBILE_COUNT_OVER_LIMIT"
    )


def test_variables_are_a_json_object_of_texts(world: World) -> None:
    assert _raw_send(world, TemplateParam='{"name": 7}') == "isv.INVALID_JSON_PARAM"


def test_what_is_required(world: World) -> None:
    assert _raw_send(world, PhoneNumbers="") == "MissingPhoneNumbers"


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


def _call_back(world: World, path: str, body: bytes) -> Any:
    routes = {route.path: route for route in world.adapter.routes()}
    return routes[f"/callbacks/aliyun{path}"].handle(Request("POST", {}, {}, body))


PUBLISHED = """[{"phone_number" : "13800138000", "send_time" : "2017-01-01 00:00:00",
  "report_time" : "2017-01-01 00:00:05", "success" : true, "err_code" : "DELIVERED",
  "err_msg" : "用户接收成功", "sms_size" : "1", "biz_id" : "12345", "out_id" : "t-1"}]"""


def test_the_published_example_of_a_receipt(world: World) -> None:
    answer = _call_back(world, "/report", PUBLISHED.encode())

    assert msgspec.json.decode(answer.body) == {"code": 0, "msg": "接收成功"}
    (heard,) = answer.heard
    assert (heard.touch_id, heard.ref) == ("t-1", "12345")
    assert heard.receipt == Receipt(Status.DELIVERED, ref="12345")
    assert heard.at_ms == 1_483_200_005_000  # 2016-12-31T16:00:05Z


@pytest.mark.parametrize("code", sorted(RECEIPTS))
def test_a_receipt_that_says_no(world: World, code: str) -> None:
    item = {"phone_number": "13800138000", "success": False, "err_code": code, "out_id": "t-1"}
    expected = {
        "REQUEST_SUCCESS": (),  # the carrier has said nothing
        "MOBILE_IN_BLACK": (HARD,), "USER_REJECT": (HARD,),
        "isv.BLACK_KEY_CONTROL_LIMIT": (HARD,), "isv.CUSTOMER_REFUSED": (HARD,),
        "CONTENT_KEYWORD": (UNSENT,), "CONTENT_ERROR": (UNSENT,), "NO_ROUTE": (UNSENT,),
        "IS_CLOSE": (UNSENT,), "PARAMS_ILLEGAL": (UNSENT,), "PORT_NOT_REGISTERED": (UNSENT,),
        "SIGNATURE_BLACKLIST": (UNSENT,),
    }.get(code, ("soft",))  # fmt: skip

    heard = _call_back(world, "/report", msgspec.json.encode([item])).heard

    assert tuple(word.receipt.outcome for word in heard) == expected
    assert all(word.receipt.status is Status.FAILED for word in heard)
    assert all(word.receipt.reason == code for word in heard)


def test_one_receipt_that_cannot_be_read_does_not_lose_the_others(world: World) -> None:
    body = f'[{{"success": []}}, 7, {PUBLISHED[1:]}'

    answer = _call_back(world, "/report", body.encode())

    assert answer.status == 200
    assert [heard.touch_id for heard in answer.heard] == ["t-1"]


def test_a_receipt_of_a_message_of_others(world: World) -> None:
    """It has no id of ours, or a number for an id; the kit knows it by nothing."""
    body = b'[{"success": true, "biz_id": "9"}, {"success": true, "out_id": 7}]'

    assert [heard.touch_id for heard in _call_back(world, "/report", body).heard] == ["", "7"]


@pytest.mark.parametrize("at", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "yesterday", ""])
def test_an_instant_that_nobody_can_have_meant(world: World, at: str) -> None:
    body = PUBLISHED.replace("2017-01-01 00:00:05", at).encode()

    assert [heard.at_ms for heard in _call_back(world, "/report", body).heard] == [0]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[{", b"\xff", b'"x', b"[" * 99_999])
@pytest.mark.parametrize("path", ["/report", "/up"])
def test_a_call_back_that_is_none(world: World, path: str, body: bytes) -> None:
    answer = _call_back(world, path, body)

    assert not answer.heard
    assert answer.status == (400 if body else 200)


def test_the_path_has_a_secret_part(world: World) -> None:
    assert not any(route.is_guarded for route in world.make().routes())
    adapter = world.make(callback_token="s3cret")
    assert all(route.is_guarded for route in adapter.routes())

    assert [route.path for route in adapter.routes()] == [
        "/callbacks/aliyun/s3cret/report", "/callbacks/aliyun/s3cret/up",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["R", "r", "Ｒ", "td", "T", " 退订 ", "退订！", "请不要再发了", "R。"]
)
def test_a_reply_that_is_an_opt_out(world: World, text: str) -> None:
    body = {"phone_number": "13800138000", "content": text, "send_time": "2017-09-01 00:00:00",
            "dest_code": "1234", "sequence_id": "1234567890"}  # fmt: skip

    (heard,) = _call_back(world, "/up", msgspec.json.encode([body])).heard

    assert heard.receipt.status is Status.OPTED_OUT
    assert (heard.address, heard.touch_id, heard.ref) == (NUMBER, "", "")


@pytest.mark.parametrize("text", ["好的，谢谢", "Really?", "订", "TT", "", "我要退货"])
def test_a_reply_that_is_none(world: World, text: str) -> None:
    body = [{"phone_number": "13800138000", "content": text}]

    (heard,) = _call_back(world, "/up", msgspec.json.encode(body)).heard

    assert (heard.receipt.status, heard.at_ms) == (Status.REPLIED, 0)


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
    with pytest.raises(UserError, match=r"ACCESS_KEY_ID is not set.*ACCESS_KEY_SECRET is not set"):
        aliyun.make(tools({}))


def test_a_secret_in_a_file(tmp_path: Path, world: World) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    given = environ(world.provider.url)
    del given[f"{aliyun.PREFIX}ACCESS_KEY_SECRET"]
    given[f"{aliyun.PREFIX}ACCESS_KEY_SECRET_FILE"] = str(tmp_path / "key")
    world.adapter = aliyun.make(tools(given, world.addresses, world.templates))

    assert world.deliver().status is Status.ACCEPTED


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _raw_send(world: World, **change: str) -> str:
    """Send with the parameters in the body, where Aliyun takes them as well."""
    fields = {"PhoneNumbers": "13800138000", "SignName": "某商城", "TemplateCode": "SMS_2"}
    body = query_string(fields | change).encode()
    named = {"x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-date": _now(),
             "x-acs-signature-nonce": "n"}  # fmt: skip
    host = world.provider.url.removeprefix("http://")
    headers = acs3_headers(host, "", named, KEY_ID, SECRET, body=body)
    headers["content-type"] = "application/x-www-form-urlencoded"
    answer = httpx.post(f"{world.provider.url}/", content=body, headers=headers)
    return str(answer.json()["Code"])
