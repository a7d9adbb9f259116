"""Writing ``win-back-feedback``: what became of a touch."""

from datetime import UTC, datetime
from typing import NamedTuple

from streams.core.messages import Output, cloud_event, to_json
from streams.core.native import FeedbackEvent
from streams.core.time import iso
from streams.senders.receipt import Receipt


class Feedback(NamedTuple):
    """What is to be reported of one touch; ``at_ms`` is epoch ms UTC in the sender's time."""

    touch_id: str
    user_id: str
    receipt: Receipt
    at_ms: int


def record(feedback: Feedback, source: str) -> Output:
    """Return the record of a feedback; its id is the same however often it is sent.

    Args:
        feedback: What is to be said.
        source: CloudEvents source, the name of the sender.
    """
    touch_id, user_id, (status, outcome), at_ms = feedback
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    event = FeedbackEvent(touch_id, user_id, str(status), at, outcome)
    headers = cloud_event("feedback", f"{touch_id}-{status}", source, iso(at_ms), user_id)
    return Output(user_id.encode(), to_json(event), headers)
