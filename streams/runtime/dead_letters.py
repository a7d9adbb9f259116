"""Dead letters: a record that could not be understood, as it came, with why and from where.

The headers are those of Kafka Connect, so that tools for its dead letters work here too.
"""

from streams.core.messages import Headers, Output
from streams.core.native import Rejected

STAGE = b"VALUE_CONVERTER"


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
        ("__connect.errors.exception.message", rejected.detail.encode()),
        ("winback.record.timestamp", b"%d" % timestamp_ms),
    ]
    return Output(key, b"" if value is None else value, headers)
