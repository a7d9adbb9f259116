"""Says in the log that a channel seems to have no sender: its touches expire and nobody speaks."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from winback_sender.logs import get_logger

log = get_logger(__name__)

BEGIN: Final = "unaccepted_"
"""Of the counts of the core, by channel."""

NEXT: Final = (
    "is a sender of this channel running, does it read this topic with read_committed, and does it "
    "report on the topic of feedback? see docs/delivery.md"
)


class UnheardNotice:
    """Tells of a channel at its first such touch, and when they are ten times as many."""

    def __init__(self, topic: str, partition: int) -> None:
        """Args: ``topic``: of the touches."""
        self._topic, self._partition = topic, partition
        self._seen: Counter[str] = Counter()
        self._told: Counter[str] = Counter()

    def see(self, counts: Mapping[str, int]) -> None:
        """Take note of what the core has counted since the last time."""
        for name, count in counts.items():
            if not name.startswith(BEGIN) or not count:
                continue
            channel = name.removeprefix(BEGIN)
            self._seen[channel] += count
            if self._seen[channel] >= 10 * self._told[channel]:
                self._told[channel] = self._seen[channel]
                log.warning(
                    "touches_unaccepted", channel=channel, touches=self._seen[channel],
                    topic=self._topic, partition=self._partition, next=NEXT,
                )  # fmt: skip
