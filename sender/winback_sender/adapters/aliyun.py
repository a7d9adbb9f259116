"""Aliyun SMS: ``SendSms`` of dysmsapi 2017-05-25, its receipts, its replies.

It does not know a repeat as such ("均不支持幂等的能力"): ``OutId`` is our ``touch_id``, and what
became of a touch after a time-out is asked of ``QuerySendDetails`` or comes as a receipt.

Source:
    https://help.aliyun.com/document_detail/419273.html (SendSms),
    https://help.aliyun.com/document_detail/55284.html (time-outs, repeats),
    https://help.aliyun.com/document_detail/419277.html (QuerySendDetails).
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from winback_sender.adapter import Adapter, Route, Sent
from winback_sender.adapters.aliyun_callbacks import PROVIDER, failed, replies, reports
from winback_sender.adapters.aliyun_codes import CODES, PREFIXES
from winback_sender.adapters.callbacks import callback_base
from winback_sender.adapters.replies import CHINA
from winback_sender.adapters.signatures import Endpoint, acs3_headers, query_string
from winback_sender.adapters.sms import SmsAdapter
from winback_sender.adapters.verdicts import conclude, verdict
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.http.calls import UnclearError
from winback_sender.own_settings import load_own
from winback_sender.receipt import Receipt
from winback_sender.settings import SENDER_PREFIX
from winback_sender.settings_catalogue import says
from winback_sender.tools import Tools

PREFIX: Final = f"{SENDER_PREFIX}ALIYUN_"
VERSION: Final = "2017-05-25"
OK: Final = "OK"
EXTRA: Final = ("SmsUpExtendCode",)
"""What a template may add to a call: the end of the number that is shown and answered."""
PAGE: Final = 50
PAGES_MAX: Final = 20
MIDNIGHT: Final = timedelta(minutes=10)
"""A call that begins so shortly before midnight may be a message of the next day."""

T = TypeVar("T")


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of Aliyun SMS: ``WINBACK_SENDER_ALIYUN_*``."""

    access_key_id: Annotated[str, says("AccessKey ID of a RAM user.", is_secret=True)]
    access_key_secret: Annotated[str, says("AccessKey secret.", is_secret=True)]
    security_token: Annotated[
        str, says("Token of a temporary key (STS); empty: none.", is_secret=True)
    ] = ""
    sign_name: Annotated[str, says("Signature of templates that name none.")] = ""
    endpoint: Annotated[Endpoint, says("Where the API is.")] = "https://dysmsapi.aliyuncs.com"
    timeout_s: Annotated[
        float, Meta(ge=1, le=60), says("Patience with one call; Aliyun asks for 1 s at least.", "s")
    ] = 10.0
    per_s: Annotated[
        float,
        Meta(ge=0.1, le=5_000),
        says("Calls a second; the account has 5,000 for all it does."),
    ] = 1_000.0
    callback_token: Annotated[
        str,
        says(
            "Secret part of the path of call-backs, `/callbacks/aliyun/<token>/report` and `/up`; "
            "they are not signed. Empty: the path has none.",
            is_secret=True,
        ),
    ] = ""


class Said(msgspec.Struct):
    """What every call answers, errors of the gateway as well."""

    Code: str
    BizId: str = ""


class Detail(msgspec.Struct):
    """One message in ``QuerySendDetails``; status 1 = waiting for the carrier, 2 = no, 3 = yes."""

    OutId: str = ""
    SendStatus: int = 0
    ErrCode: str = ""


class DetailList(msgspec.Struct):
    """Their wrapping of a list."""

    SmsSendDetailDTO: list[Detail] = []


class Details(msgspec.Struct):
    """The answer of ``QuerySendDetails``."""

    Code: str
    TotalCount: int | str = 0
    SmsSendDetailDTOs: DetailList | None = None


def make(tools: Tools) -> Adapter:
    """Return the adapter.

    Raises:
        UserError: A setting is missing or cannot be.
    """
    return Aliyun(tools, load_own(AdapterSettings, tools.environ, PREFIX))


class Aliyun(SmsAdapter):
    """Sends text messages through Aliyun.

    Args:
        tools: Addresses, templates, environment.
        settings: Keys, and where the API is.
    """

    name = PROVIDER

    def __init__(self, tools: Tools, settings: AdapterSettings) -> None:
        super().__init__(tools, settings.endpoint, settings.timeout_s, settings.per_s)
        self._settings = settings

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Send one text message; raises as `Adapter.deliver` does."""
        number, template, values = self._text(touch)
        query = {
            "PhoneNumbers": _theirs(number),
            "SignName": template.sign or self._settings.sign_name,
            "TemplateCode": template.id,
            "OutId": touch.touch_id,
        } | {field: template.extra[field] for field in EXTRA if field in template.extra}
        if values:
            query["TemplateParam"] = msgspec.json.encode(values).decode()
        try:
            said = self._call("SendSms", query, Said)
        except UnclearError as error:
            return error.receipt(number)
        if said.Code == OK:
            return Receipt(Status.ACCEPTED, ref=said.BizId, address=number)
        return conclude(said.Code, verdict(said.Code, CODES, PREFIXES), number)

    def routes(self) -> Sequence[Route]:
        """Return where receipts and replies come in."""
        token = self._settings.callback_token
        base, is_guarded = callback_base(PROVIDER, token), bool(token)
        return (
            Route(f"{base}/report", reports, is_guarded),
            Route(f"{base}/up", replies, is_guarded),
        )

    def _find(self, sent: Sent, number: str) -> Receipt | None:
        """Look for it on its day."""
        for detail in self._details(number, sent):
            if detail.OutId == sent.touch_id:
                return _receipt(detail, sent.ref, number)
        return None

    def _details(self, number: str, sent: Sent) -> Iterator[Detail]:
        began = datetime.fromtimestamp(sent.at_ms / 1_000, CHINA)
        query = {"PhoneNumber": _theirs(number), "PageSize": str(PAGE)}
        if sent.ref:
            query["BizId"] = sent.ref
        for day in sorted({began.date(), (began + MIDNIGHT).date()}):
            for page in range(1, PAGES_MAX + 1):
                query |= {"SendDate": day.strftime("%Y%m%d"), "CurrentPage": str(page)}
                said = self._call("QuerySendDetails", query, Details)
                found = said.SmsSendDetailDTOs.SmsSendDetailDTO if said.SmsSendDetailDTOs else []
                yield from found
                if said.Code != OK or not found or page * PAGE >= int(said.TotalCount):
                    break

    def _call(self, action: str, query: Mapping[str, str], kind: type[T]) -> T:
        settings = self._settings
        text = query_string(query)
        headers = {
            "x-acs-action": action,
            "x-acs-version": VERSION,
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
        }
        if settings.security_token:
            headers["x-acs-security-token"] = settings.security_token
        signed = acs3_headers(
            self._host, text, headers, settings.access_key_id, settings.access_key_secret
        )
        return self._calls.post(f"/?{text}", b"", headers=signed).json(kind)


def _receipt(detail: Detail, ref: str, number: str) -> Receipt | None:
    match detail.SendStatus:
        case 1:
            return Receipt(Status.ACCEPTED, ref=ref, address=number)
        case 2:
            return failed(detail.ErrCode, ref, number)
        case 3:
            return Receipt(Status.DELIVERED, ref=ref, address=number)
        case _:
            return None


def _theirs(number: str) -> str:
    """Return a number as Aliyun has it: 11 digits at home, with the country's code abroad."""
    return number.removeprefix("+86").removeprefix("+")
