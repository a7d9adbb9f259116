"""Dead letters: a record that could not be understood, as it came, with why and from where.

The headers are those of Kafka Connect, so that tools for its dead letters work here too. What came
compressed, or came near the limit of a record, is cut: with the headers it would not fit.
"""

from typing import Final

from streams.core.native import Rejected, RejectReason
from winback_sender.contract.messages import Headers, Output
from winback_sender.logs import get_logger

log = get_logger(__name__)

STAGE: Final = b"VALUE_CONVERTER"
KEY_BYTES_MAX: Final = 50_000
VALUE_BYTES_MAX: Final = 900_000
DETAIL_BYTES_MAX: Final = 10_000
CUT: Final = "winback.record.cut"
"""Header of a dead letter that is not whole: the sizes of the record as it came."""

TOLD: Final = frozenset({
    RejectReason.EMPTY, RejectReason.TOO_LARGE, RejectReason.NOT_DECODABLE, RejectReason.NO_ID,
    RejectReason.BAD_TIME, RejectReason.FUTURE,
})  # fmt: skip
"""Reasons whose detail may stand in a log: it quotes no user's id and no text of the record."""


class Notices:
    """Says of each reason once, for a whole worker, that there are dead letters, and where.

    Args:
        topic: Of the dead letters.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._said: set[RejectReason] = set()

    def note(self, rejected: Rejected, *, topic: str, partition: int, offset: int) -> None:
        """Log the first dead letter of a reason; metrics count the others."""
        reason = rejected.reason
        if reason in self._said:
            return
        self._said.add(reason)
        log.warning(
            "dead_letter", topic=topic, partition=partition, offset=offset, reason=reason.value,
            detail=rejected.detail if reason in TOLD else "quotes the record: see the dead letter",
            next=f"look into {self._topic}; the next ones of this reason are only counted",
        )  # fmt: skip


def dead_letter(
    rejected: Rejected,
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    timestamp_ms: int,
) -> Output:
    """Return the record for the dead-letter topic.

    Source:
        Kafka Connect, KIP-298, headers of the dead letter queue.
    """
    headers: Headers = [
        ("__connect.errors.topic", topic.encode()),
        ("__connect.errors.partition", b"%d" % partition),
        ("__connect.errors.offset", b"%d" % offset),
        ("__connect.errors.stage", STAGE),
        ("__connect.errors.exception.class.name", rejected.reason.value.encode()),
        (
            "__connect.errors.exception.message",
            rejected.detail.encode(errors="replace")[:DETAIL_BYTES_MAX],
        ),
        ("winback.record.timestamp", b"%d" % timestamp_ms),
    ]
    whole = b"" if value is None else value
    if len(whole) > VALUE_BYTES_MAX or len(key or b"") > KEY_BYTES_MAX:
        headers.append((CUT, b"key %d B, value %d B" % (len(key or b""), len(whole))))
    return Output(None if key is None else key[:KEY_BYTES_MAX], whole[:VALUE_BYTES_MAX], headers)
