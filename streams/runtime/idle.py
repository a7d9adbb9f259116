"""Topics that say nothing: which of them the others no longer have to wait for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from streams.runtime.pipeline import PipelineEngine
from streams.runtime.ticks import EndOffsets

if TYPE_CHECKING:
    from streams.runtime.lane import Lane


class _End(NamedTuple):
    """Where a partition of a topic ends, and since when, by the clock of the event loop."""

    offset: int
    since_s: float


class IdleTopics:
    """Declares clocks idle: read to the end, and no record for as long as the rules say.

    Which topics are asked about follows from what the lanes read; the clocks of the router are
    the router's.

    Args:
        clocks: Topics of ours to the name of their clock; None = it has none.
    """

    def __init__(self, clocks: Mapping[str, str | None]) -> None:
        self._clocks = clocks
        self._ends: dict[tuple[str, int], _End] = {}

    def look(self, lanes: Mapping[int, "Lane"], ends: EndOffsets, now_s: float) -> None:
        """Take note of where the topics end, and declare idle what has not moved for too long."""
        for partition, found in ends.items():
            lane = lanes.get(partition)
            for topic, offset in found.items():
                end = self._ends.get((topic, partition))
                if end is None or end.offset != offset:
                    end = self._ends[topic, partition] = _End(offset, now_s)
                clock = self._clocks.get(topic, topic)
                if clock is not None and lane is not None and lane.has_read_to({topic: offset}):
                    self._decide(lane, clock, now_s - end.since_s)

    def _decide(self, lane: "Lane", clock: str, quiet_s: float) -> None:
        engine = lane.engine
        assert isinstance(engine, PipelineEngine)
        patience_ms = engine.core.clocks.patience_ms(clock)
        if patience_ms is not None and quiet_s * 1000 >= patience_ms:
            engine.fall_idle(clock)
            lane.wake()
