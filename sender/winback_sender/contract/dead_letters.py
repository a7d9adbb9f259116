"""Dead letters: a record that could not be understood, as it came, with why and from where.

The headers are those of Kafka Connect, so that tools for its dead letters work here too. What came
compressed, or came near the limit of a record, is cut: with the headers it would not fit.
"""

from typing import Final

from winback_sender.contract.messages import Headers, Output

STAGE: Final = b"VALUE_CONVERTER"
KEY_BYTES_MAX: Final = 50_000
VALUE_BYTES_MAX: Final = 900_000
DETAIL_BYTES_MAX: Final = 10_000
CUT: Final = "winback.record.cut"
"""Header of a dead letter that is not whole: the sizes of the record as it came."""


def dead_letter(
    reason: str,
    detail: str,
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    timestamp_ms: int,
) -> Output:
    """Return the record for the dead-letter topic.

    Args:
        reason: A code of those who count dead letters.
        detail: For people; may quote the record.
        topic: Where the record stands, as the next two.
        partition: See `topic`.
        offset: See `topic`.
        key: Of the record.
        value: Of the record.
        timestamp_ms: Of the record, epoch ms UTC.

    Source:
        Kafka Connect, KIP-298, headers of the dead letter queue.
    """
    headers: Headers = [
        ("__connect.errors.topic", topic.encode()),
        ("__connect.errors.partition", b"%d" % partition),
        ("__connect.errors.offset", b"%d" % offset),
        ("__connect.errors.stage", STAGE),
        ("__connect.errors.exception.class.name", reason.encode()),
        ("__connect.errors.exception.message", detail.encode(errors="replace")[:DETAIL_BYTES_MAX]),
        ("winback.record.timestamp", b"%d" % timestamp_ms),
    ]
    whole = b"" if value is None else value
    if len(whole) > VALUE_BYTES_MAX or len(key or b"") > KEY_BYTES_MAX:
        headers.append((CUT, b"key %d B, value %d B" % (len(key or b""), len(whole))))
    return Output(None if key is None else key[:KEY_BYTES_MAX], whole[:VALUE_BYTES_MAX], headers)
