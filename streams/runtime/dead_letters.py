"""Dead letters of the pipeline: each reason is said once in the log, the record goes to a topic."""

from typing import Final

from streams.core.decoded import Rejected, RejectReason
from winback_sender.logs import get_logger

log = get_logger(__name__)

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
