"""What a partition has to make durable."""

from collections import Counter
from typing import NamedTuple

from winback_sender.contract.messages import Output


class Harvest(NamedTuple):
    """What belongs into one transaction.

    Attributes:
        changelog: Key and value of what changed, None = deleted; with the partition record.
        outputs: Records by the stream they belong to.
        counts: What happened since the last harvest, by name.
        keyed: Records by stream that go to the partition of their key.
    """

    changelog: list[tuple[bytes, bytes | None]]
    outputs: dict[str, list[Output]]
    counts: Counter[str]
    keyed: dict[str, list[Output]]
