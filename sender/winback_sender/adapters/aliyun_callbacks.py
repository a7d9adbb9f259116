"""What Aliyun SMS calls back: receipts and replies. Nothing of it is signed.

It wants 200 and a number as ``code`` in 700 ms, else it comes again after 1, 5 and 10 minutes, and
then no more.

Source:
    https://help.aliyun.com/document_detail/101867.html (SmsReport),
    https://help.aliyun.com/zh/sms/developer-reference/smsup-http (SmsUp),
    https://help.aliyun.com/zh/sms/developer-reference/receipt-message-faq (700 ms).
"""

from typing import Final

import msgspec

from winback_sender.adapter import Answer, Heard, Request
from winback_sender.adapters.aliyun_codes import outcome_of
from winback_sender.adapters.callbacks import Dialect, taken
from winback_sender.adapters.replies import address_of, at_ms_of, status_of
from winback_sender.contract.words import Status
from winback_sender.receipt import Receipt

PROVIDER: Final = "aliyun"
DIALECT: Final = Dialect(
    PROVIDER, '{"code":0,"msg":"接收成功"}'.encode(), b'{"code":1,"msg":"not readable"}'
)


class Report(msgspec.Struct):
    """One receipt of ``SmsReport``."""

    success: bool
    err_code: str = ""
    report_time: str = ""
    biz_id: str = ""
    out_id: str | int | None = ""


class Reply(msgspec.Struct):
    """One reply of ``SmsUp``: it does not say what it answers."""

    phone_number: str
    content: str = ""
    send_time: str = ""


def failed(code: str, ref: str, number: str = "") -> Receipt | None:
    """Return the receipt of a message that a carrier said no to; None = it said nothing."""
    outcome = outcome_of(code)
    return Receipt(Status.FAILED, outcome, code, ref, number) if outcome else None


def reports(request: Request) -> Answer:
    """Take receipts; a message of somebody else's in the same account is nobody's here."""
    return taken(request, Report, DIALECT, _of_report)


def replies(request: Request) -> Answer:
    """Take replies; they are matched by the number they come from."""
    return taken(request, Reply, DIALECT, _of_reply)


def _of_report(report: Report) -> Heard | None:
    yes = Receipt(Status.DELIVERED, ref=report.biz_id)
    receipt = yes if report.success else failed(report.err_code, report.biz_id)
    if receipt is None:
        return None
    touch_id = "" if report.out_id is None else str(report.out_id)
    return Heard(receipt, at_ms_of(report.report_time), touch_id=touch_id, ref=report.biz_id)


def _of_reply(reply: Reply) -> Heard:
    receipt, at_ms = Receipt(status_of(reply.content)), at_ms_of(reply.send_time)
    return Heard(receipt, at_ms, address=address_of(reply.phone_number))
