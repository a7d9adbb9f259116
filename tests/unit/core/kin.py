"""What the stories of identity are told with: partitions that tell each other of ids."""

from collections import deque
from collections.abc import Iterable, Sequence
from random import Random

from streams.core.harvest import Harvest
from streams.core.identity import Message, decode_identity
from streams.core.inputs import Input, Linked
from streams.core.outbox import IDENTITY
from streams.core.partition import Partition
from streams.core.partitioner import partition_of_key
from streams.core.rules import Rules
from streams.core.state import UserState, decode
from tests.unit.core.stories import RULES, ToldScorer, by_silence
from winback_sender.contract.messages import Output


def link(at_ms: int, user_id: str, other_id: str, *, event_id: str = "") -> Linked:
    """Return what an identify event says."""
    return Linked(user_id, event_id or f"link-{user_id}-{other_id}-{at_ms}", at_ms, other_id)


def told(record: Output) -> Message:
    """Return the message of a record on the identity topic."""
    message = decode_identity(record.key, record.value, 0)
    assert isinstance(message, Message)
    return message


class Town:
    """Partitions, and the messages between them that were not delivered yet.

    Args:
        rules: The business rules.
        partitions: How many.
    """

    def __init__(self, rules: Rules = RULES, partitions: int = 4) -> None:
        scorer = ToldScorer(by_silence, rules.churn.horizon_ms)
        self.partitions = [
            Partition(number, rules, scorer, of=partitions) for number in range(partitions)
        ]
        self.waiting = [deque[Message]() for _ in self.partitions]
        self.harvests: list[Harvest] = []
        self.messages = 0

    def of(self, user_id: str) -> Partition:
        return self.partitions[partition_of_key(user_id.encode(), len(self.partitions))]

    def apply(self, *inputs: Input) -> None:
        """Apply inputs, each on the partition of its user; nothing is delivered."""
        for signal in inputs:
            partition = self.of(getattr(signal, "user_id", ""))
            partition.apply([signal])
            self._post(partition)

    def say(self, *inputs: Input) -> None:
        """Apply inputs, and let all that follows from each happen at once."""
        for signal in inputs:
            self.apply(signal)
            self.settle()

    def deliver(self, number: int) -> None:
        """Deliver the next message to a partition."""
        self.partitions[number].relate([self.waiting[number].popleft()])
        self._post(self.partitions[number])

    def settle(self, chance: Random | None = None) -> None:
        """Deliver all messages, those of a partition in order, the partitions by chance."""
        while full := [number for number, queue in enumerate(self.waiting) if queue]:
            self.deliver(chance.choice(full) if chance else full[0])
            assert self.messages < 10_000, "they chatter without end"

    def advance(self, watermark_ms: int) -> None:
        """Let time pass everywhere."""
        for partition in self.partitions:
            partition.advance(watermark_ms)
            self._post(partition)

    def _post(self, partition: Partition) -> None:
        harvest = partition.take()
        self.harvests.append(harvest)
        for record in harvest.keyed.get(IDENTITY, ()):
            assert record.key is not None
            self.messages += 1
            number = partition_of_key(record.key, len(self.partitions))
            self.waiting[number].append(told(record))

    # -- what is known

    def state(self, user_id: str) -> UserState | None:
        value = self.of(user_id).value(user_id)
        return None if value is None else decode(value)

    def states(self) -> dict[str, UserState]:
        return {
            user_id: decode(value)
            for partition in self.partitions
            for user_id, value in partition.values()
        }

    def counts(self, name: str) -> int:
        return sum(harvest.counts[name] for harvest in self.harvests)

    def records(self, stream: str) -> list[Output]:
        """Return all that was written to a stream, wherever."""
        return [record for harvest in self.harvests for record in written(harvest, stream)]


def written(harvest: Harvest, stream: str) -> Iterable[Output]:
    return [*harvest.outputs.get(stream, ()), *harvest.keyed.get(stream, ())]


def restored(town: Town, changelogs: Sequence[dict[bytes, bytes]]) -> None:
    """Put partitions that were restored from their changelogs in the place of a town's own."""
    rules, of = town.partitions[0].rules, len(town.partitions)
    scorer = ToldScorer(by_silence, rules.churn.horizon_ms)
    for number, content in enumerate(changelogs):
        town.partitions[number] = Partition(number, rules, scorer, of=of)
        town.partitions[number].restore(content)
