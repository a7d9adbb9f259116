"""Tencent Cloud SMS: ``SendSms`` 2021-01-11, its receipts, its replies.

``SessionContext`` is our ``touch_id``. It comes back in receipts (``ext``) only if Tencent has
switched that on for the account; without it a receipt is matched by its serial number, and what
became of a touch after a time-out is asked of ``PullSmsSendStatusByPhoneNumber``, 20 times a second
at most.

Source:
    https://cloud.tencent.com/document/api/382/55981 (SendSms, 3,000 a second),
    https://tencentcloud.com/document/api/382/40518 (PullSmsSendStatusByPhoneNumber, 7 days).
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from winback_sender.adapter import Adapter, Route, Sent
from winback_sender.adapters.callbacks import callback_base
from winback_sender.adapters.signatures import Endpoint, tc3_headers
from winback_sender.adapters.sms import SmsAdapter
from winback_sender.adapters.tencent_callbacks import PROVIDER, receipt_of, replies, reports
from winback_sender.adapters.tencent_codes import CODES, PREFIXES
from winback_sender.adapters.verdicts import conclude, verdict
from winback_sender.clock import now_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.http.calls import UnclearError, Unreadable
from winback_sender.own_settings import load_own
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.settings import SENDER_PREFIX
from winback_sender.settings_catalogue import says
from winback_sender.tools import Tools

PREFIX: Final = f"{SENDER_PREFIX}TENCENT_"
SERVICE: Final = "sms"
VERSION: Final = "2021-01-11"
OK: Final = "Ok"
EXTRA: Final = ("ExtendCode", "SenderId")
"""What a template may add to a call: the end of the number shown, or who is shown abroad."""
STATUSES_MAX: Final = 100
BEFORE_S: Final = 60
"""Their clock may be so much behind ours."""

T = TypeVar("T")


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of Tencent Cloud SMS: ``WINBACK_SENDER_TENCENT_*``."""

    secret_id: Annotated[str, says("SecretId.", is_secret=True)]
    secret_key: Annotated[str, says("SecretKey.", is_secret=True)]
    token: Annotated[str, says("Token of a temporary key (STS); empty: none.", is_secret=True)] = ""
    sdk_app_id: Annotated[str, says("SmsSdkAppId of the application, as in `1400006666`.")]
    sign_name: Annotated[str, says("Signature of templates that name none.")] = ""
    region: Annotated[str, says("Region of the API.")] = "ap-guangzhou"
    endpoint: Annotated[Endpoint, says("Where the API is.")] = "https://sms.tencentcloudapi.com"
    timeout_s: Annotated[float, Meta(ge=1, le=60), says("Patience with one call.", "s")] = 10.0
    per_s: Annotated[
        float,
        Meta(ge=0.1, le=3_000),
        says("Calls a second; the account has 3,000 for all it does."),
    ] = 1_000.0
    callback_token: Annotated[
        str,
        says(
            "Secret part of the path of call-backs, `/callbacks/tencent/<token>/report` and "
            "`/reply`; they are not signed. Empty: the path has none.",
            is_secret=True,
        ),
    ] = ""


class Fault(msgspec.Struct):
    """Why a call was refused as a whole."""

    Code: str


class SendStatus(msgspec.Struct):
    """What was said of one number."""

    Code: str
    SerialNo: str = ""


class PulledStatus(msgspec.Struct):
    """One message in ``PullSmsSendStatusByPhoneNumber``: the carrier has spoken."""

    ReportStatus: str
    Description: str = ""
    SerialNo: str = ""
    SessionContext: str = ""


class Content(msgspec.Struct):
    """What stands in ``Response``."""

    Error: Fault | None = None
    SendStatusSet: list[SendStatus] = []
    PullSmsSendStatusSet: list[PulledStatus] | None = None


class Said(msgspec.Struct):
    """Every answer."""

    Response: Content


def make(tools: Tools) -> Adapter:
    """Return the adapter.

    Raises:
        UserError: A setting is missing or cannot be.
    """
    return Tencent(tools, load_own(AdapterSettings, tools.environ, PREFIX))


class Tencent(SmsAdapter):
    """Sends text messages through Tencent Cloud.

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
        body = {
            "PhoneNumberSet": [number],
            "SmsSdkAppId": self._settings.sdk_app_id,
            "TemplateId": template.id,
            "SignName": template.sign or self._settings.sign_name,
            "TemplateParamSet": _in_order(values),
            "SessionContext": touch.touch_id,
        } | {field: template.extra[field] for field in EXTRA if field in template.extra}
        try:
            said = self._call("SendSms", body)
            code, ref = _spoken(said)
        except UnclearError as error:
            return error.receipt(number)
        if code == OK:
            return Receipt(Status.ACCEPTED, ref=ref, address=number)
        return conclude(code, verdict(code, CODES, PREFIXES), number)

    def _find(self, sent: Sent, number: str) -> Receipt | None:
        """Look for it since it was begun."""
        body = {
            "BeginTime": sent.at_ms // 1_000 - BEFORE_S,
            "Offset": 0,
            "Limit": STATUSES_MAX,
            "PhoneNumber": number,
            "SmsSdkAppId": self._settings.sdk_app_id,
        }
        found = self._call("PullSmsSendStatusByPhoneNumber", body).PullSmsSendStatusSet
        for status in found or ():
            is_ours = status.SessionContext == sent.touch_id
            if is_ours or (sent.ref and status.SerialNo == sent.ref):
                ref = status.SerialNo
                return receipt_of(status.ReportStatus, "", status.Description, ref, number)
        return None

    def routes(self) -> Sequence[Route]:
        """Return where receipts and replies come in."""
        token = self._settings.callback_token
        base, is_guarded = callback_base(PROVIDER, token), bool(token)
        return (
            Route(f"{base}/report", reports, is_guarded),
            Route(f"{base}/reply", replies, is_guarded),
        )

    def _call(self, action: str, fields: Mapping[str, Any]) -> Content:
        settings = self._settings
        body = msgspec.json.encode(fields)
        headers = tc3_headers(
            self._host, SERVICE, action, body, now_ms() // 1_000,
            settings.secret_id, settings.secret_key,
        )  # fmt: skip
        headers |= {"x-tc-version": VERSION, "x-tc-region": settings.region}
        if settings.token:
            headers["x-tc-token"] = settings.token
        return self._calls.post("/", body, headers=headers).json(Said).Response


def _in_order(values: Mapping[str, str]) -> list[str]:
    """Return variables by their positions ``1``, ``2``, ….

    Raises:
        NotSentError: They have none: the template names no ``params``, or maps names to them.
    """
    try:
        return [values[str(place)] for place in range(1, len(values) + 1)]
    except KeyError:
        raise NotSentError(Why.BAD_VARIABLES) from None


def _spoken(said: Content) -> tuple[str, str]:
    """Return the code and the serial number; neither fault nor status is not the protocol."""
    if said.Error is not None:
        return said.Error.Code, ""
    if not said.SendStatusSet:
        raise Unreadable
    return said.SendStatusSet[0].Code, said.SendStatusSet[0].SerialNo
