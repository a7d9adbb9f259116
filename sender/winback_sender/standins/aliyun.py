"""Aliyun SMS as its documents describe it: dysmsapi 2017-05-25 on the loopback.

It checks the signature (v3), what is required, the number, the signature and template of the text,
its variables, and how often one number gets one template; it keeps messages for
``QuerySendDetails`` and pushes ``SmsReport`` and ``SmsUp``.

Source:
    https://help.aliyun.com/document_detail/419273.html: SendSms;
    https://help.aliyun.com/document_detail/101346.html: codes; variables of 1 to 35 characters;
    https://help.aliyun.com/document_detail/2881383.html: notices and promotions 50 in 24 hours for
    a signature, template and number, counted when they are taken, the day rolls;
    https://help.aliyun.com/document_detail/419277.html: QuerySendDetails;
    https://help.aliyun.com/document_detail/101867.html: SmsReport again after 1, 5 and 10 minutes;
    https://help.aliyun.com/zh/sms/developer-reference/receipt-message-faq: 700 ms for an answer;
    https://help.aliyun.com/document_detail/149360.htm: the form of a fault of the gateway.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from winback_sender.adapters.replies import CHINA
from winback_sender.standins.aliyun_gateway import Gateway
from winback_sender.standins.limits import Rolling
from winback_sender.standins.sms_rules import missing, wrong_value
from winback_sender.standins.stand_in import Call, Plan, StandIn, all_is_well

KEY_ID: Final = "LTAI-stand-in"
SECRET: Final = "stand-in-secret"  # noqa: S105 (of a stand-in)
NUMBERS_MAX: Final = 1_000
TEMPLATE_PER_DAY: Final = 50
DAY_S: Final = 86_400.0
VALUE_CHARACTERS_MAX: Final = 35
VALUE_FAULTS: Final = {
    "long": "isv.PARAM_LENGTH_LIMIT",
    "link": "isv.PARAM_NOT_SUPPORT_URL",
    "sign": "isv.UNSUPPORTED_CONTENT",
}
PAGE_MAX: Final = 50
ANSWER_S: Final = 0.7
AGAIN_MINUTES: Final = (1, 5, 10)

_NUMBER: Final = re.compile(r"(?:\+86|0086|86|\+)?(1[3-9][0-9]{9})")
_TEMPLATE: Final = re.compile(r"SMS_[0-9]+")


class Aliyun(StandIn):
    """Stands in for Aliyun SMS.

    Args:
        plan: What happens to each call.
        templates: Approved texts with ``${name}``, by code; None: any code, any variables.
        signs: Approved signatures; None: any.
        now_s: The clock, epoch seconds.

    Attributes:
        account_fault: If not empty, SendSms answers this code: ``isv.AMOUNT_NOT_ENOUGH``.
        number_faults: Number (11 digits) to the code that SendSms answers for it.
        receipt_codes: Number to the code of its receipt, instead of ``DELIVERED``.
        callback_path: What was entered in the console, without ``/report`` and ``/up``.
        minute_s: How long a minute of the documents lasts between two tries of a call-back.
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
        self.receipt_codes: dict[str, str] = {}
        self.callback_path = "/callbacks/aliyun"
        self.minute_s = 0.2
        self._gateway = Gateway(KEY_ID, SECRET, now_s)
        self._templates, self._signs = templates, signs
        self._now_s = now_s
        self._rolling = Rolling(now_s)

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Serve the API, which has one path."""
        routes.add_post("/", self._serve)

    def accepted(self, call: Call) -> web.StreamResponse:
        """Return OK and the number of the message."""
        return _said("OK", BizId=call.ref)

    def throttled(self, call: Call) -> web.StreamResponse:
        """Return the gateway's fault for too many calls of an account."""
        del call
        return _fault("Throttling.User", "Request was denied due to user flow control.")

    def refused(self, call: Call) -> web.StreamResponse:
        """Return what an unapproved template gets."""
        del call
        return _said("isv.SMS_TEMPLATE_ILLEGAL")

    async def send_receipt(self, call: Call) -> bool:
        """Push ``SmsReport``."""
        code = self.receipt_codes.get(
            call.address, "DELIVERED" if call.turn.arrives else "MOBILE_NOT_ON_SERVICE"
        )
        return await self._push("/report", {
            "phone_number": call.address,
            "send_time": _china(call.at_ms / 1_000),
            "report_time": _china(self._now_s()),
            "success": code == "DELIVERED",
            "err_code": code,
            "err_msg": "用户接收成功" if code == "DELIVERED" else code,
            "sms_size": "1",
            "biz_id": call.ref,
            "out_id": call.touch_id,
        })  # fmt: skip

    def reply(self, number: str, text: str) -> bool:
        """Let a person answer; return whether the sender has taken ``SmsUp``."""
        return self._await(self._push("/up", {
            "phone_number": number,
            "content": text,
            "send_time": _china(self._now_s()),
            "dest_code": "1234",
            "sequence_id": "1234567890",
        }))  # fmt: skip

    async def _push(self, path: str, item: dict[str, Any]) -> bool:
        began_s = time.monotonic()
        status, body = await self.post(self.callback_path + path, json=[item])
        if status != web.HTTPOk.status_code or time.monotonic() - began_s > ANSWER_S:
            return False
        try:
            return isinstance(msgspec.json.decode(body)["code"], int)
        except (msgspec.DecodeError, KeyError, TypeError):
            return False

    async def _receipt(self, call: Call, after_s: float) -> None:
        for minutes in (0, *AGAIN_MINUTES):
            await asyncio.sleep(minutes * self.minute_s if minutes else after_s)
            if await self._tell(call):
                return

    def record(self, touch_id: str, address: str, what: Any = None) -> Call:
        """Take note of a call; what is taken counts, whatever becomes of it."""
        call = super().record(touch_id, address, what)
        if call.was_sent:
            self._rolling.count(what)
        return call

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if fault := self._gateway.fault(request.headers, dict(request.query), body):
            return _fault(fault)
        query = dict(request.query) | dict(parse_qsl(body.decode(), keep_blank_values=True))
        if request.headers["x-acs-action"] == "QuerySendDetails":
            return self._details(query)
        if absent := missing(query, ("PhoneNumbers", "SignName", "TemplateCode")):
            return _fault(f"Missing{absent}")
        numbers = query["PhoneNumbers"].split(",")
        if code := next(self._faults(query, numbers), ""):
            return _said(code)
        number = _bare(numbers[0])
        what = (query["SignName"], query["TemplateCode"], number)
        return await self.take(request, query.get("OutId", ""), number, what)

    def _faults(self, query: Mapping[str, str], numbers: list[str]) -> Iterator[str]:
        """Yield why the service does not send; the first is its answer."""
        if self.account_fault:
            yield self.account_fault
        if len(numbers) > NUMBERS_MAX:
            yield "isv.MOBILE_COUNT_OVER_LIMIT"
        if not all(_NUMBER.fullmatch(number) for number in numbers):
            yield "isv.MOBILE_NUMBER_ILLEGAL"
        number, sign, template = _bare(numbers[0]), query["SignName"], query["TemplateCode"]
        if number in self.number_faults:
            yield self.number_faults[number]
        if self._signs is not None and sign not in self._signs:
            yield "isv.SMS_SIGNATURE_ILLEGAL"
        is_known = self._templates is None or template in self._templates
        if not _TEMPLATE.fullmatch(template) or not is_known:
            yield "isv.SMS_TEMPLATE_ILLEGAL"
        yield from self._variable_faults(query)
        if self._rolling.within((sign, template, number), DAY_S) >= TEMPLATE_PER_DAY:
            yield "isv.BUSINESS_LIMIT_CONTROL"

    def _variable_faults(self, query: Mapping[str, str]) -> Iterator[str]:
        try:
            values = msgspec.json.decode(query.get("TemplateParam", "{}"), type=dict[str, str])
        except msgspec.DecodeError:
            yield "isv.INVALID_JSON_PARAM"
            return
        text = (self._templates or {}).get(query["TemplateCode"], "")
        if any(not values.get(name) for name in re.findall(r"\$\{([^{}]*)\}", text)):
            yield "isv.TEMPLATE_MISSING_PARAMETERS"
        for value in values.values():
            if wrong := wrong_value(value, VALUE_CHARACTERS_MAX):
                yield VALUE_FAULTS[wrong]

    def _details(self, query: Mapping[str, str]) -> web.Response:
        if absent := missing(query, ("PhoneNumber", "SendDate", "PageSize", "CurrentPage")):
            return _fault(f"Missing{absent}")
        size, page = int(query["PageSize"]), int(query["CurrentPage"])
        if not re.fullmatch(r"[0-9]{8}", query["SendDate"]) or not 1 <= size <= PAGE_MAX:
            return _said("isv.INVALID_PARAMETERS")
        told = {told.touch_id for told in self.told}
        found = [
            self._detail(call, is_told=call.touch_id in told)
            for call in self.calls
            if call.was_sent
            and call.address == _bare(query["PhoneNumber"])
            and _china(call.at_ms / 1_000)[:10].replace("-", "") == query["SendDate"]
            and query.get("BizId", call.ref) == call.ref
        ]
        shown = found[(page - 1) * size : page * size]
        return _said("OK", TotalCount=len(found), SmsSendDetailDTOs={"SmsSendDetailDTO": shown})

    def _detail(self, call: Call, *, is_told: bool) -> dict[str, Any]:
        code = self.receipt_codes.get(
            call.address, "DELIVERED" if call.turn.arrives else "MOBILE_NOT_ON_SERVICE"
        )
        end = 3 if code == "DELIVERED" else 2
        return {
            "PhoneNum": call.address,
            "OutId": call.touch_id,
            "SendDate": _china(call.at_ms / 1_000),
            "SendStatus": end if is_told else 1,
            "ErrCode": code if is_told else "",
            "TemplateCode": call.what[1],
        }


def _said(code: str, **fields: Any) -> web.Response:
    """Return an answer of the service: always 200."""
    message = "OK" if code == "OK" else f"({code})"
    body = {"RequestId": str(uuid.uuid4()).upper(), "Message": message, "Code": code, **fields}
    return web.json_response(body)


def _fault(code: str, message: str = "") -> web.Response:
    """Return a fault of the gateway."""
    body = {
        "RequestId": str(uuid.uuid4()).upper(),
        "HostId": "dysmsapi.aliyuncs.com",
        "Code": code,
        "Message": message or code,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={code}",
    }
    return web.json_response(body, status=404 if code.endswith("NotFound") else 400)


def _bare(number: str) -> str:
    found = _NUMBER.fullmatch(number)
    return number if found is None else found[1]


def _china(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, CHINA).strftime("%Y-%m-%d %H:%M:%S")
