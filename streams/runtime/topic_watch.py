"""Topics that change under a running worker: deleted, hidden, or given more partitions."""

import asyncio
from collections.abc import Mapping
from typing import Final

from streams.errors import Exit, Unavailable, UserError
from streams.runtime.topic_check import HIDDEN, found_counts
from winback_sender.cluster import Cluster

LOOK_EVERY_S: Final = 10.0


async def watch_topics(cluster: Cluster, counts: Mapping[str, int]) -> None:
    """Look every ten seconds whether the topics are as they were, for ever.

    What is seen twice is so; once, a broker that has just come up may err. A worker would else wait
    in silence for records of a topic that is gone, and read partitions that it has no state for.

    Args:
        cluster: Where Kafka is.
        counts: Number of partitions by topic, at the start.

    Raises:
        UserError: A topic is gone or hidden, or has another number of partitions.
    """
    before: dict[str, int] = {}
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            now = await found_counts(cluster, list(counts))
        except Unavailable:
            continue
        differing = {topic: now[topic] for topic in counts if now[topic] != counts[topic]}
        for topic, count in sorted(differing.items() & before.items()):
            raise changed(topic, counts[topic], count)
        before = differing


def changed(topic: str, wanted: int, count: int) -> UserError:
    """Return what is said of a topic that is not what it was.

    Args:
        topic: Its name.
        wanted: Partitions that it had.
        count: Partitions that it has; 0 = it is gone; or `HIDDEN`.
    """
    if count == HIDDEN:
        return UserError(
            f"topic {topic} is hidden: this worker's user of Kafka may not see it any more, so "
            "nobody tells the worker whether it is still there",
            "Give the right back (winback topics acls --check says which are missing), then start "
            "the worker: it goes on where it was.",
            Exit.FAILED,
        )
    if not count:
        return UserError(
            f"topic {topic} is gone: it was deleted while this worker used it",
            "Make it again (winback topics apply) with its records in their places, then start "
            "the worker; or begin anew under another WINBACK_APP_ID.",
            Exit.FAILED,
        )
    return UserError(
        f"topic {topic} has {count} partitions, but had {wanted} when this worker started: users "
        "would be on other partitions than their states",
        f"Make it anew with {wanted} and its records in their places, then start the worker; or "
        "begin anew under another WINBACK_APP_ID: winback topics plan",
        Exit.FAILED,
    )
