"""Tencent Cloud SMS as its documents describe it: the API of 2021-01-11 on the loopback.

It checks the signature (v3), what is required, the number, the signature and template of the text,
its variables, and how often one number gets what; it keeps messages for
``PullSmsSendStatusByPhoneNumber`` and pushes receipts and replies.

Source:
    https://cloud.tencent.com/document/api/382/55981: SendSms, 200 numbers, SessionContext below 512
    bytes; https://cloud.tencent.com/document/api/382/59177: codes;
    https://tencentcloud.com/document/product/382/13303: the same content once in 30 s, so many a
    day for a number (the stored copies say 2 and 10: it is set in the console);
    https://tencentcloud.com/document/api/382/40518: pulling;
    https://cloud.tencent.com/document/api/382/59178: receipts, two more tries, ``ext`` on request.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from winback_sender.adapters.replies import CHINA
from winback_sender.standins.limits import Rolling
from winback_sender.standins.sms_rules import missing, wrong_value
from winback_sender.standins.stand_in import Call, Plan, StandIn, all_is_well
from winback_sender.standins.tencent_gateway import Gateway

SECRET_ID: Final = "AKID-stand-in"  # noqa: S105 (of a stand-in)
SECRET_KEY: Final = "stand-in-secret"  # noqa: S105 (of a stand-in)
APP_ID: Final = "1400006666"
NUMBERS_MAX: Final = 200
SESSION_BYTES_MAX: Final = 512
VALUE_CHARACTERS_MAX: Final = 500
VALUE_FAULTS: Final = {
    "long": "InvalidParameterValue.ContentLengthLimit",
    "link": "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
    "sign": "FailedOperation.ContainSensitiveWord",
}
DAY_S: Final = 86_400.0
TRIES: Final = 3
STATUSES_MAX: Final = 100

_NUMBER: Final = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_PLACE: Final = re.compile(r"\{([0-9]+)\}")


class Tencent(StandIn):
    """Stands in for Tencent Cloud SMS.

    Args:
        plan: What happens to each call.
        templates: Approved texts with ``{1}``, by id; None: any id, any variables.
        signs: Approved signatures; None: any.
        now_s: The clock, epoch seconds.

    Attributes:
        account_fault: If not empty, SendSms answers this code as an error of the whole call.
        number_faults: Number (E.164) to the code that SendSms answers for it.
        descriptions: Number to the description of its receipt, which then says no.
        same_content_s, per_day: How often a number gets the same content, and anything.
        has_ext: Whether receipts carry ``ext``: Tencent switches it on when asked.
        callback_path: What was entered in the console, without ``/report`` and ``/reply``.
        again_s: Between two tries of a call-back.
    """

    def __init__(
        self,
        plan: Plan = all_is_well,
        *,
        templates: Mapping[str, str] | None = None,
        signs: frozenset[str] | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(plan)
        self.account_fault = ""
        self.number_faults: dict[str, str] = {}
        self.descriptions: dict[str, str] = {}
        self.same_content_s, self.per_day = 30.0, 10
        self.has_ext = True
        self.callback_path = "/callbacks/tencent"
        self.again_s = 0.5
        self._gateway = Gateway(SECRET_ID, SECRET_KEY, now_s)
        self._templates, self._signs = templates, signs
        self._now_s = now_s
        self._rolling = Rolling(now_s)

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Serve the API, which has one path."""
        routes.add_post("/", self._serve)

    def accepted(self, call: Call) -> web.StreamResponse:
        """Return Ok and the serial number."""
        return _status("Ok", call.address, call.ref, call.touch_id)

    def throttled(self, call: Call) -> web.StreamResponse:
        """Return the API's error for too many calls."""
        del call
        return _error("RequestLimitExceeded")

    def refused(self, call: Call) -> web.StreamResponse:
        """Return what an unapproved template gets."""
        return _status("FailedOperation.TemplateIncorrectOrUnapproved", call.address)

    async def send_receipt(self, call: Call) -> bool:
        """Push a receipt."""
        item = self._report(call)
        report = {
            "user_receive_time": datetime.fromtimestamp(item["at_s"], CHINA).strftime(
                "%Y-%m-%d %H:%M:%S"
            ),
            "nationcode": "86",
            "mobile": call.address.removeprefix("+86"),
            "report_status": item["status"],
            "errmsg": item["code"],
            "description": item["description"],
            "sid": call.ref,
        }
        return await self._push("/report", [
            report | ({"ext": call.touch_id} if self.has_ext else {})
        ])  # fmt: skip

    def reply(self, number: str, text: str) -> bool:
        """Let a person answer; return whether the sender has taken it."""
        bare = number.removeprefix("+86")
        return self._await(self._push("/reply", {
            "extend": "", "mobile": bare, "nationcode": "86", "sign": "某商城", "text": text,
            "time": int(self._now_s()),
        }))  # fmt: skip

    def record(self, touch_id: str, address: str, what: Any = None) -> Call:
        """Take note of a call; what is taken counts, whatever becomes of it."""
        call = super().record(touch_id, address, what)
        if call.was_sent:
            self._rolling.count(what)
            self._rolling.count(address)
        return call

    async def _push(self, path: str, body: Any) -> bool:
        status, answer = await self.post(self.callback_path + path, json=body)
        try:
            result = msgspec.json.decode(answer)["result"]
        except (msgspec.DecodeError, KeyError, TypeError):
            return False
        return bool(status == web.HTTPOk.status_code and result == 0)

    async def _receipt(self, call: Call, after_s: float) -> None:
        for attempt in range(TRIES):
            await asyncio.sleep(self.again_s if attempt else after_s)
            if await self._tell(call):
                return

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if code := self._gateway.fault(request.headers, raw):
            return _error(code)
        try:
            body = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError:
            return _error("InvalidParameter")
        if request.headers["x-tc-action"] == "PullSmsSendStatusByPhoneNumber":
            return self._pulled(body)
        return await self._send(request, body)

    async def _send(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if absent := missing(body, ("PhoneNumberSet", "SmsSdkAppId", "TemplateId")):
            return _error("MissingParameter", absent)
        if code := next(self._errors(body), ""):
            return _error(code)
        number = _e164(body["PhoneNumberSet"][0])
        touch_id = body.get("SessionContext", "")
        what = (number, body["TemplateId"], *body.get("TemplateParamSet", ()))
        if code := next(self._faults(body, number, what), ""):
            return _status(code, number, "", touch_id)
        return await self.take(request, touch_id, number, what)

    def _errors(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Yield why a whole call is refused; the first is the answer."""
        if self.account_fault:
            yield self.account_fault
        if body["SmsSdkAppId"] != APP_ID:
            yield "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
        if len(body["PhoneNumberSet"]) > NUMBERS_MAX:
            yield "LimitExceeded.PhoneNumberCountLimit"
        if len(body.get("SessionContext", "").encode()) >= SESSION_BYTES_MAX:
            yield "InvalidParameter.InvalidParameters"

    def _faults(self, body: Mapping[str, Any], number: str, what: tuple[str, ...]) -> Iterator[str]:
        """Yield why one number is not sent to; the first is the answer."""
        if not _NUMBER.fullmatch(number):
            yield "InvalidParameterValue.IncorrectPhoneNumber"
        if number in self.number_faults:
            yield self.number_faults[number]
        if self._signs is not None and body.get("SignName", "") not in self._signs:
            yield "FailedOperation.SignatureIncorrectOrUnapproved"
        if self._templates is not None and body["TemplateId"] not in self._templates:
            yield "FailedOperation.TemplateIncorrectOrUnapproved"
        values = body.get("TemplateParamSet", [])
        text = (self._templates or {}).get(body["TemplateId"])
        if text is not None and len(set(_PLACE.findall(text))) != len(values):
            yield "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        for value in values:
            if wrong := wrong_value(value, VALUE_CHARACTERS_MAX):
                yield VALUE_FAULTS[wrong]
        if self._rolling.within(what, self.same_content_s):
            yield "LimitExceeded.PhoneNumberThirtySecondLimit"
        if self._rolling.within(number, DAY_S) >= self.per_day:
            yield "LimitExceeded.PhoneNumberDailyLimit"

    def _pulled(self, body: Mapping[str, Any]) -> web.Response:
        required = ("BeginTime", "Limit", "PhoneNumber", "SmsSdkAppId")
        if absent := missing(body, required):
            return _error("MissingParameter", absent)
        if not 1 <= body["Limit"] <= STATUSES_MAX:
            return _error("InvalidParameterValue.LimitVerifyFail")
        told = {told.touch_id for told in self.told}
        found = [
            self._pulled_status(call)
            for call in self.calls
            if call.was_sent
            and call.touch_id in told
            and call.address == _e164(body["PhoneNumber"])
            and call.at_ms >= body["BeginTime"] * 1_000
        ]
        return _response({"PullSmsSendStatusSet": found[: body["Limit"]]})

    def _pulled_status(self, call: Call) -> dict[str, Any]:
        report = self._report(call)
        return {
            "UserReceiveTime": report["at_s"],
            "CountryCode": "86",
            "SubscriberNumber": call.address.removeprefix("+86"),
            "PhoneNumber": call.address,
            "SerialNo": call.ref,
            "ReportStatus": report["status"],
            "Description": report["description"],
            "SessionContext": call.touch_id,
        }

    def _report(self, call: Call) -> dict[str, Any]:
        is_good = call.turn.arrives and call.address not in self.descriptions
        return {
            "at_s": int(self._now_s()),
            "status": "SUCCESS" if is_good else "FAIL",
            "code": "DELIVRD" if is_good else "MK:0005",
            "description": (
                "用户短信送达成功" if is_good else self.descriptions.get(call.address, "关机")
            ),
        }


def _status(code: str, number: str, ref: str = "", session: str = "") -> web.Response:
    """Return what is said of one number."""
    return _response({
        "SendStatusSet": [{
            "SerialNo": ref, "PhoneNumber": number, "Fee": int(code == "Ok"),
            "SessionContext": session, "Code": code, "IsoCode": "CN",
            "Message": "send success" if code == "Ok" else code,
        }],
    })  # fmt: skip


def _error(code: str, message: str = "") -> web.Response:
    """Return an error of a whole call: 200 as well."""
    return _response({"Error": {"Code": code, "Message": message or code}})


def _response(fields: dict[str, Any]) -> web.Response:
    return web.json_response({"Response": {**fields, "RequestId": str(uuid.uuid4())}})


def _e164(number: str) -> str:
    found = _NUMBER.fullmatch(number)
    return number if found is None else f"+86{found[1]}"
