"""Ids that are one person, in a log: links are carried out at once, at their place in the log.

Live, partitions tell each other of ids through a topic. Here nothing lies between them: what
follows from a link has happened before the next row, however many partitions there are and
wherever slices end, and what comes later under an id that was given up comes under the person's.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from streams.core.identity import Message, decode_identity
from streams.core.inputs import Linked
from streams.core.partition import Partition
from streams.core.partitioner import Partitioner


class Ties:
    """The ids of a fleet.

    Args:
        partitions: In the order of their numbers.
        partitioner: Says which is whose.
        flush: Applies what waits for a partition, by its number.

    Attributes:
        are_any: Whether there was a link at all.
        given_up: Each id that was given up to the one that took it over.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        partitioner: Partitioner,
        flush: Callable[[int], object],
    ) -> None:
        self.are_any = False
        self.given_up: dict[str, str] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._partitions, self._partitioner, self._flush = partitions, partitioner, flush

    def root(self, user_id: str, at_ms: int) -> str:
        """Return under which id somebody is known at an instant."""
        while (into := self._of(user_id).relations.stubs.into(user_id, at_ms)) is not None:
            user_id = into
        return user_id

    def own(self, signal: Any) -> Any:
        """Return an input as one of the id under which its user is known."""
        user_id: str = getattr(signal, "user_id", "")
        root = self.root(user_id, signal.event_time_ms)
        return signal if root == user_id else msgspec.structs.replace(signal, user_id=root)

    def is_news(self, signal: Linked) -> bool:
        """Return whether a link says something new; then everything before it comes first.

        One that was told within a horizon is not claimed again, whatever became of it.
        """
        self.are_any = True
        pair, at_ms = (signal.user_id, signal.other_id), signal.event_time_ms
        told_ms = self._told.get(pair)
        if told_ms is not None and at_ms - told_ms < self._partitions[0].rules.churn.horizon_ms:
            return False
        is_news = self.root(signal.other_id, at_ms) != signal.user_id
        if is_news:
            self._told[pair] = at_ms
        return is_news

    def link(self, signal: Linked) -> None:
        """Carry out a link, with all that follows from it.

        Both partitions come to its instant first, as if they were one.
        """
        at_ms = signal.event_time_ms
        both = {self._partitioner[each] for each in (signal.user_id, signal.other_id)}
        for number in sorted(both):
            self._flush(number)
            partition = self._partitions[number]
            partition.advance(at_ms - partition.rules.lateness_ms)
        partition = self._of(signal.user_id)
        partition.apply([signal])
        self.deliver([partition])
        into = self._of(signal.other_id).relations.stubs.into(signal.other_id, at_ms)
        if into is not None:
            self.given_up[signal.other_id] = into

    def deliver(self, partitions: Iterable[Partition]) -> None:
        """Let what partitions have to say to each other happen."""
        waiting = deque(message for each in partitions for message in _said(each))
        while waiting:
            message = waiting.popleft()
            number = self._partitioner[message.user_id]
            self._flush(number)
            self._partitions[number].relate([message])
            waiting.extend(_said(self._partitions[number]))

    def claims(self) -> list[tuple[str, str, int]]:
        """Return the links that were told, and did not come about: id, the other one, when."""
        return [
            (*pair, at_ms)
            for pair, at_ms in self._told.items()
            if self.root(pair[1], at_ms) != pair[0]
        ]

    def resume(self, given_up: Mapping[str, str], claims: Iterable[tuple[str, str, int]]) -> None:
        """Go on from restored partitions.

        Args:
            given_up: Each id that was given up to the one that took it over.
            claims: As `claims` returned them.
        """
        self.given_up = dict(given_up)
        self._told = {(one, other): at_ms for one, other, at_ms in claims}
        self.are_any = bool(self.given_up or self._told)

    def _of(self, user_id: str) -> Partition:
        return self._partitions[self._partitioner[user_id]]


def person(user_id: str, given_up: Mapping[str, str]) -> str:
    """Return the id under which somebody is known in the end."""
    passed = {user_id}
    while (into := given_up.get(user_id, user_id)) not in passed:
        passed.add(into)
        user_id = into
    return user_id


def _said(partition: Partition) -> list[Message]:
    """Return the messages that a partition has for others, and forget them."""
    messages: list[Message] = []
    for record in partition.relations.take_records():
        message = decode_identity(record.key, record.value, 0)
        assert isinstance(message, Message)
        messages.append(message)
    return messages
