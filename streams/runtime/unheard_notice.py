"""Says in the log that a channel seems to have no sender: nobody speaks of its touches.

First after a day without a word on any touch of the channel, then when touches are given up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from streams.core.inputs import FeedbackReceived, Input
from streams.core.time import DAY_MS, iso
from winback_sender.logs import get_logger

log = get_logger(__name__)

GIVEN_UP: Final = "unaccepted_"
REQUESTED: Final = "requested_"
"""Begin of counts of the core; the channel follows."""

QUIET_MS: Final = DAY_MS
"""A sender may hold a touch over night, until the law lets it out; a whole day it may not."""

NEXT: Final = (
    "is a sender of this channel running, does it read this topic with read_committed, and does it "
    "report on the topic of feedback? see docs/guarantees.md"
)


class UnheardNotice:
    """Tells of one partition's channels: once when nobody speaks, and of touches that are given up.

    Of these at the first, and when they are ten times as many.

    Args:
        topic: Of the touches.
        partition: Number of the partition.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self._where = {"topic": topic, "partition": partition}
        self._given_up: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._since: dict[str, int] = {}
        self._said: set[str] = set()

    def hear(self, inputs: Sequence[Input]) -> None:
        """Take note of what senders say; a word that names no channel is one on all of them."""
        for one in inputs:
            if isinstance(one, FeedbackReceived):
                for channel in [one.channel] if one.channel else list(self._since):
                    self._since.pop(channel, None)
                    self._said.discard(channel)

    def see(self, counts: Mapping[str, int], at_ms: int) -> None:
        """Take note of what the core has counted up to an instant of event time."""
        for name, count in counts.items():
            if name.startswith(REQUESTED) and count:
                self._since.setdefault(name.removeprefix(REQUESTED), at_ms)
            elif name.startswith(GIVEN_UP) and count:
                self._give_up(name.removeprefix(GIVEN_UP), count)
        for channel, since_ms in self._since.items():
            if at_ms - since_ms >= QUIET_MS and channel not in self._said:
                self._said.add(channel)
                log.warning(
                    "channel_unheard",
                    channel=channel,
                    since=iso(since_ms),
                    **self._where,
                    next=NEXT,
                )

    def _give_up(self, channel: str, count: int) -> None:
        self._given_up[channel] += count
        touches = self._given_up[channel]
        if touches >= 10 * self._told[channel]:
            self._told[channel] = touches
            log.warning(
                "touches_unaccepted", channel=channel, touches=touches, **self._where, next=NEXT
            )
