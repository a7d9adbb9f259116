"""Event to touch: from the arrival of an event in Kafka until its touch is durable there.

Nothing is kept or looked up for an event. What a chunk brings about is timed by the oldest record
of the chunk: a touch may be said to have taken longer than it did, by as much as the chunk spans.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from streams.runtime.metrics import Metric, Metrics
from streams.runtime.ticks import now_ms
from winback_sender.contract.messages import Output

REQUESTED: Final = ("ce_type", b"winback.touch.requested")


class Span(NamedTuple):
    """Touches that one chunk has brought about.

    Attributes:
        start: Place of the first among those since the last commit.
        end: Behind the last.
        arrived_ms: Timestamp of the oldest record of the chunk, epoch ms UTC.
    """

    start: int
    end: int
    arrived_ms: int


class TouchMeter:
    """Times the touches of one partition.

    Args:
        metrics: Where they are counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._spans: list[Span] = []
        self._seen = 0

    def by_time(self, touches: int) -> None:
        """Note that touches up to this number, since the last commit, are not to be timed."""
        self._seen = touches

    def by_records(self, touches: int, arrived_ms: int) -> None:
        """Note what brought about the touches since the last look.

        Args:
            touches: Requested since the last commit.
            arrived_ms: Timestamp of the oldest record of the chunk, epoch ms UTC.
        """
        if touches > self._seen:
            self._spans.append(Span(self._seen, touches, arrived_ms))
        self._seen = touches

    def take(self, outputs: Sequence[Output]) -> Callable[[], None]:
        """Return what is to be called when these records are durable."""
        spans, self._spans, self._seen = self._spans, [], 0
        if not spans:
            return _nothing
        touch_ids = [_touch_id(output) for output in outputs if REQUESTED in output.headers]

        def tell() -> None:
            at_ms = now_ms()
            for start, end, arrived_ms in spans:
                seconds = max(0, at_ms - arrived_ms) / 1000
                for touch_id in touch_ids[start:end]:
                    self._metrics.observe_of(Metric.TOUCH_SECONDS, seconds, touch_id=touch_id)

        return tell


def _touch_id(output: Output) -> str:
    return next(value.decode() for name, value in output.headers if name == "ce_id")


def _nothing() -> None:
    """Tell nothing."""
