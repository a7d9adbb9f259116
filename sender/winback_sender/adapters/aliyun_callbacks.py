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
from winback_sender.adapters.callbacks import items
from winback_sender.adapters.replies import address_of, at_ms_of, status_of
from winback_sender.contract.words import Status
from winback_sender.receipt import Receipt

PROVIDER: Final = "aliyun"
TAKEN: Final = '{"code":0,"msg":"接收成功"}'.encode()
NOT_READABLE: Final = b'{"code":1,"msg":"not readable"}'


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
    found = items(request.body, Report, PROVIDER)
    if found is None:
        return Answer(400, NOT_READABLE)
    heard = []
    for report in found:
        yes = Receipt(Status.DELIVERED, ref=report.biz_id)
        receipt = yes if report.success else failed(report.err_code, report.biz_id)
        if receipt is not None:
            touch_id = "" if report.out_id is None else str(report.out_id)
            at_ms = at_ms_of(report.report_time)
            heard.append(Heard(receipt, at_ms, touch_id=touch_id, ref=report.biz_id))
    return Answer(body=TAKEN, heard=heard)


def replies(request: Request) -> Answer:
    """Take replies; they are matched by the number they come from."""
    found = items(request.body, Reply, PROVIDER)
    if found is None:
        return Answer(400, NOT_READABLE)
    heard = [
        Heard(
            Receipt(status_of(reply.content)),
            at_ms_of(reply.send_time),
            address=address_of(reply.phone_number),
        )
        for reply in found
    ]
    return Answer(body=TAKEN, heard=heard)
