"""Routed topics: which of them there are, and the clocks that their lanes keep."""

from collections.abc import Iterable, Mapping

from streams.core.sources import KeyedBy, Source


def routed(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return the sources that the router reads, in their order."""
    return tuple(source for source in sources if source.keyed_by is KeyedBy.ANYTHING)


def direct(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return the sources that a pipeline reads as they are, in their order."""
    return tuple(source for source in sources if source.keyed_by is KeyedBy.USER)


def clock_name(topic: str, partition: int) -> str:
    """Return the name of the clock that the lane of a routed partition keeps."""
    return f"router/{topic}/{partition}"


def router_clocks(sources: Iterable[Source], counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the clocks that stand on every partition of ``user-activity``.

    Args:
        sources: All of the rules.
        counts: Partitions by topic; the routed ones must be there.
    """
    return tuple(
        clock_name(source.topic, partition)
        for source in routed(sources)
        for partition in range(counts[source.topic])
    )
