"""Writing ``win-back-feedback``: what became of a touch."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from winback_sender.contract.instants import iso
from winback_sender.contract.messages import Feedback, Output, cloud_event, to_json
from winback_sender.receipt import Receipt

AT_MS_MAX: Final = 253_402_300_799_999
"""The end of the year 9999, epoch ms UTC: what no calendar has would end the sender."""


class Report(NamedTuple):
    """What is to be reported of one touch; ``at_ms`` is epoch ms UTC in the sender's time.

    Without a ``touch_id`` it is a word of a user that belongs to none.
    """

    touch_id: str
    user_id: str
    channel: str
    provider: str
    receipt: Receipt
    at_ms: int


def record(report: Report, source: str) -> Output:
    """Return the record of a report; its id is the same however often it is sent.

    Args:
        report: What is to be said.
        source: CloudEvents source, the name of the sender.
    """
    receipt, user_id = report.receipt, report.user_id
    at_ms = min(max(report.at_ms, 1), AT_MS_MAX)
    feedback = Feedback(
        touch_id=report.touch_id,
        user_id=user_id,
        status=str(receipt.status),
        at=datetime.fromtimestamp(at_ms / 1_000, UTC),
        outcome=receipt.outcome,
        channel=report.channel,
        reason=receipt.reason,
        provider=report.provider,
        provider_ref=receipt.ref,
    )
    named = report.touch_id or f"{user_id}-{report.channel}-{at_ms}"
    headers = cloud_event("feedback", f"{named}-{receipt.status}", source, iso(at_ms), user_id)
    return Output(user_id.encode(), to_json(feedback), headers)
