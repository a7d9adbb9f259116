"""Dead letters: each reason is said once in the log, the record goes to a topic."""

from typing import Final

from streams.core.decoded import Rejected, RejectReason
from streams.runtime.columns import Chunk
from streams.runtime.metrics import Metric, Metrics
from winback_sender.contract.dead_letters import dead_letter
from winback_sender.contract.messages import Output
from winback_sender.log_errors import unquoted
from winback_sender.logs import get_logger

log = get_logger(__name__)

TOLD: Final = frozenset({
    RejectReason.EMPTY, RejectReason.TOO_LARGE, RejectReason.NOT_DECODABLE, RejectReason.NO_ID,
    RejectReason.BAD_TIME, RejectReason.FUTURE, RejectReason.TOO_OLD, RejectReason.SCHEMA_UNKNOWN,
    RejectReason.DUPLICATE_KEY, RejectReason.BAD_HEADER,
})  # fmt: skip
"""Reasons whose detail may stand in a log, but for what it quotes of the record."""

HEADERS_BYTES_MAX: Final = 50_000
"""Of a record's own headers; more of them are left out, for the letter has to fit."""


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
            detail=unquoted(rejected.detail) if reason in TOLD
            else "quotes the record: see the dead letter",
            next=f"look into {self._topic}; the next ones of this reason are only counted",
        )  # fmt: skip


class DeadLetters:
    """The records that an engine has put aside and that are not durable yet.

    Args:
        notices: What the worker has said of dead letters so far.
        metrics: Where they are counted.
    """

    def __init__(self, notices: Notices, metrics: Metrics) -> None:
        self._notices = notices
        self._metrics = metrics
        self._letters: list[Output] = []

    def put(self, rejected: Rejected, chunk: Chunk, place: int) -> None:
        """Put aside the record at a place of a chunk, with its own headers if they are known."""
        columns, topic, partition = chunk.columns, chunk.topic, chunk.partition
        offset = columns.offsets[place]
        letter = dead_letter(
            rejected.reason.value, rejected.detail, topic=topic, partition=partition,
            offset=offset, key=columns.keys[place], value=columns.values[place],
            timestamp_ms=columns.timestamps_ms[place],
        )  # fmt: skip
        own = () if columns.headers is None else columns.headers[place]
        if own and sum(len(name) + len(value or b"") for name, value in own) <= HEADERS_BYTES_MAX:
            letter = Output(letter.key, letter.value, [*own, *letter.headers])
        self._letters.append(letter)
        self._notices.note(rejected, topic=topic, partition=partition, offset=offset)
        reason = rejected.reason.value
        self._metrics.add(Metric.RECORDS_REJECTED, topic=topic, reason=reason)

    def take(self) -> list[Output]:
        """Hand over the letters, and forget them."""
        letters, self._letters = self._letters, []
        return letters
