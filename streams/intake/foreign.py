"""A record of somebody else's, wherever it was read: a topic, or a file of records."""

from typing import NamedTuple


class Foreign(NamedTuple):
    """One record.

    Attributes:
        topic: Where it comes from, empty = its file does not say.
        key: Its key, None = it has none, or the file does not say.
        value: Its value, None = a tombstone.
        timestamp_ms: When it was made, epoch ms UTC, 0 = the file does not say.
        headers: Its headers.
        partition: On which it stands, -1 = its file does not say.
        place: Where it stands, in words.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1
    place: str = ""
