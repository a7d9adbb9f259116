"""How long a topic holds what it was given: what Kafka promises by its configs, at worst.

Source:
    Apache Kafka, topic configs; KIP-354 (bounded compaction lag), KIP-534 (tombstones), KIP-937
    (records that lie ahead), KIP-1030 (an hour, by default, from Kafka 4.0 on).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

DAY_MS: Final = 86_400_000
CHECKS_MS: Final = 6 * 60_000
"""Brokers look for what is to be deleted every five minutes, and take the files away in one more
(``log.retention.check.interval.ms``, ``file.delete.delay.ms``)."""
AHEAD: Final = "message.timestamp.after.max.ms"
"""How far ahead of the broker's clock a record may be dated; brokers before 3.6 have no such bound.
Retention, the end of a segment and compaction go by the dates of records."""
AHEAD_MS: Final = 3_600_000
"""As far as clocks of producers may differ from the broker's; the default of Kafka 4."""
SWEPT_EVERY_MS: Final = DAY_MS
"""So often `winback erase --sweep` is to run."""
ERASED_WITHIN_MS: Final = 30 * DAY_MS
"""An erasure is complete by then: one month (GDPR Art. 12(3); PIPL Art. 47 and 50 name none)."""
KEPT_DAYS_MAX: Final = 28
"""What cannot be erased one by one may be kept for so long: a segment of a day, and the broker's
checks, come on top of it."""

_SEGMENT_MS: Final = 7 * DAY_MS
_DELETE_RETENTION_MS: Final = DAY_MS


class ErasedBy(StrEnum):
    """What ends a person's records on a topic."""

    NOBODY = "nobody"  # nothing on it is a person's
    RETENTION = "retention"  # their age
    SERVICE = "service"  # tombstones, or new values, of the service itself
    SWEEP = "sweep"  # tombstones of `winback erase`
    COMPANY = "company"  # it is not ours: whoever owns it


def gone_after_ms(configs: Mapping[str, str], erased_by: ErasedBy) -> int | None:
    """Return the age at which a record is surely gone, of one that is erased at once: from then.

    A segment is closed and cleaned only while something is written to its partition: the service
    has to run, and the sweep.

    Returns:
        Ms; None = never.
    """
    if erased_by is ErasedBy.NOBODY:
        return 0
    found = []
    # The first record of a segment may hold it open for so long, the last one keep it for so long.
    ahead_ms = 2 * int(configs.get(AHEAD, 0))
    policy = configs.get("cleanup.policy", "delete")
    retention_ms = int(configs.get("retention.ms", 7 * DAY_MS))
    if "delete" in policy and retention_ms >= 0:
        found.append(retention_ms + int(configs.get("segment.ms", _SEGMENT_MS)) + ahead_ms)
    lag = configs.get("max.compaction.lag.ms")
    is_compacted = "compact" in policy and lag is not None
    if is_compacted and erased_by in {ErasedBy.SERVICE, ErasedBy.SWEEP}:
        # Value and tombstone are cleaned once, and the tombstone once more when it has been seen.
        assert lag is not None
        deleted_ms = int(configs.get("delete.retention.ms", _DELETE_RETENTION_MS))
        # A segment is closed by the next record: the service writes all the time, a sweep daily.
        swept_ms = SWEPT_EVERY_MS if erased_by is ErasedBy.SWEEP else 0
        found.append(swept_ms + 2 * (int(lag) + swept_ms + ahead_ms) + deleted_ms)
    return min(found) + CHECKS_MS if found else None


def in_words(span_ms: int | None) -> str:
    """Return a span as people say it: ``29 d``, rounded up."""
    if span_ms is None:
        return "never"
    if span_ms == 0:
        return "–"
    return f"{-(-(span_ms - CHECKS_MS) // DAY_MS)} d" if span_ms > CHECKS_MS else "0 d"
