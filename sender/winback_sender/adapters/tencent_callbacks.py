"""What Tencent Cloud SMS calls back: receipts and replies. Nothing of it is signed.

It wants ``{"result": 0}``, else it comes again twice. Up to 100 receipts come at once, replies one
by one.

Source:
    https://cloud.tencent.com/document/api/382/59178 (短信下发状态通知, 2026-01-05),
    https://cloud.tencent.com/document/api/382/5809 (短信回复).
"""

from typing import Final

import msgspec

from winback_sender.adapter import Answer, Heard, Request
from winback_sender.adapters.callbacks import Dialect, taken
from winback_sender.adapters.replies import address_of, at_ms_of, plausible_ms, status_of
from winback_sender.adapters.tencent_codes import outcome_of
from winback_sender.contract.words import Status
from winback_sender.receipt import Receipt

PROVIDER: Final = "tencent"
SUCCESS: Final = "SUCCESS"
DIALECT: Final = Dialect(
    PROVIDER, b'{"result":0,"errmsg":"OK"}', b'{"result":1,"errmsg":"not readable"}'
)


class Report(msgspec.Struct):
    """One receipt."""

    report_status: str
    sid: str
    errmsg: str = ""
    description: str = ""
    user_receive_time: str = ""
    ext: str | None = ""


class Reply(msgspec.Struct):
    """One reply: it does not say what it answers."""

    mobile: str
    nationcode: str = "86"
    text: str = ""
    time: int = 0


def receipt_of(status: str, code: str, description: str, ref: str, address: str = "") -> Receipt:
    """Return the receipt of a message of which the carrier has spoken.

    Args:
        status: ``SUCCESS`` or ``FAIL``.
        code: Of the carrier, if it is given.
        description: What it comes to, in Chinese.
        ref: Serial number.
        address: Where it went.
    """
    if status == SUCCESS:
        return Receipt(Status.DELIVERED, ref=ref, address=address)
    return Receipt(Status.FAILED, outcome_of(description), code or status, ref, address)


def reports(request: Request) -> Answer:
    """Take receipts."""
    return taken(request, Report, DIALECT, _of_report)


def replies(request: Request) -> Answer:
    """Take replies; they are matched by the number they come from."""
    return taken(request, Reply, DIALECT, _of_reply)


def _of_report(report: Report) -> Heard:
    receipt = receipt_of(report.report_status, report.errmsg, report.description, report.sid)
    at_ms = at_ms_of(report.user_receive_time)
    return Heard(receipt, at_ms, touch_id=report.ext or "", ref=report.sid)


def _of_reply(reply: Reply) -> Heard:
    address = address_of(f"+{reply.nationcode.lstrip('+')}{reply.mobile}")
    return Heard(Receipt(status_of(reply.text)), plausible_ms(reply.time), address=address)
