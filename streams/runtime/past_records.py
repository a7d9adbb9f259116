"""What still lies on the topic of activity, as the history of users whose rules change."""

import asyncio

from aiokafka import TopicPartition

from streams.core.decoded import Rejected, Skipped, inputs_of
from streams.core.history import History
from streams.core.rules import Rules
from streams.errors import UserError
from streams.intake.bulk import bulk_native
from streams.runtime.lanes import log_range
from streams.runtime.live_state import partition_count
from streams.runtime.recovery import reader
from winback_sender.cluster import Cluster


def tell_topic(history: History, cluster: Cluster, topic: str, rules: Rules) -> None:
    """Tell a history what a topic holds, each partition in its order.

    Raises:
        KafkaError: Kafka is away.
        UserError: The rules read users from other topics as well: they have no common order.
    """
    if any(source.keyed_by == "user" for source in rules.sources):
        raise UserError(
            "the rules read users from other topics as well, which have no order in common",
            "Make one log of them all: winback inputs convert; then --history FILE",
        )
    asyncio.run(_tell(history, cluster, topic, rules))


async def _tell(history: History, cluster: Cluster, topic: str, rules: Rules) -> None:
    count = await partition_count(cluster, topic)
    sources = [TopicPartition(topic, number) for number in range(count)]
    begins, ends = await log_range(cluster, sources)
    left = {source for source in sources if begins[source] < ends[source]}
    decode = bulk_native(rules)
    consumer = reader(cluster)
    await consumer.start()
    try:
        consumer.assign(sources)
        await consumer.seek_to_beginning(*sources)
        while left:
            fetched = await consumer.getmany(*left, timeout_ms=1_000)
            for source, found in fetched.items():
                told = decode.all(
                    [each.key for each in found], [each.value for each in found],
                    [each.timestamp for each in found], None,
                )  # fmt: skip
                for each in told:
                    if not isinstance(each, Rejected | Skipped):
                        for signal in inputs_of(each):
                            history.add(signal)
                if await consumer.position(source) >= ends[source]:
                    left.discard(source)
            for source in list(left):  # Behind markers of transactions nothing is fetched.
                if await consumer.position(source) >= ends[source]:
                    left.discard(source)
    finally:
        await consumer.stop()
