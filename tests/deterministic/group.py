"""A double of the coordinator of a consumer group: members, generations, session time-outs."""

import asyncio
from random import Random
from typing import Any, Final, NamedTuple

from tests.deterministic.loop import SeededLoop

SESSION_S: Final = 6.0
HEARTBEAT_S: Final = 1.5
REBALANCE_S: Final = 10.0


class RejoinError(Exception):
    """The group rebalances, or knows this member no more."""


class Joined(NamedTuple):
    """What a member is told at the end of a rebalance."""

    generation: int
    partitions: frozenset[int]


class Group:
    """One group, whose partitions are dealt out anew in half of the generations.

    Args:
        loop: Whose time it goes by.
        random: Deals.
        partitions: How many there are.
    """

    def __init__(self, loop: SeededLoop, random: Random, partitions: int) -> None:
        self._loop, self._random, self._partitions = loop, random, partitions
        self.generation = 0
        self._seen_s: dict[int, float] = {}
        self._waiting: dict[int, asyncio.Future[Joined]] = {}
        self._is_rebalancing = False
        self._round = 0
        self._committed: dict[tuple[str, int], int] = {}
        self._dealt: list[int] = []
        self._order: list[int] = []
        self._numbers: list[int] = []

    def join(self, member: int) -> "asyncio.Future[Joined]":
        """Ask to be in; answered when all members that are alive have asked."""
        self._seen_s[member] = self._loop.time()
        answer: asyncio.Future[Joined] = self._loop.create_future()
        self._waiting[member] = answer
        self.upset()
        self._loop.call_in(SESSION_S / 20, self._perhaps_done)
        return answer

    def upset(self) -> None:
        """Begin a rebalance, for whatever reason."""
        if self._is_rebalancing:
            return
        self._is_rebalancing = True
        self._round += 1
        self._loop.call_in(REBALANCE_S, self._drop_laggards, self._round)

    def heartbeat(self, member: int, generation: int) -> None:
        """Say that a member lives.

        Raises:
            RejoinError: It has to join anew.
        """
        if member not in self._seen_s:
            raise RejoinError
        self._seen_s[member] = self._loop.time()
        if self._is_rebalancing or generation != self.generation:
            raise RejoinError

    def leave(self, member: int) -> None:
        """Take leave."""
        if self._seen_s.pop(member, None) is not None:
            self._waiting.pop(member, None)
            self.upset()
            self._perhaps_done()

    def commit(self, member: int, generation: int, offsets: dict[Any, int]) -> None:
        """Keep how far a member says it has come.

        Raises:
            RejoinError: It is not of this generation.
        """
        if member not in self._seen_s or generation != self.generation:
            raise RejoinError
        self._committed |= offsets

    async def watch(self) -> None:
        """Drop for ever whoever has not been heard of for a session."""
        while True:
            await asyncio.sleep(SESSION_S / 6)
            now_s = self._loop.time()
            gone = [
                member for member, seen_s in self._seen_s.items()
                if now_s - seen_s > SESSION_S and member not in self._waiting
            ]  # fmt: skip
            for member in gone:
                del self._seen_s[member]
            if gone:
                self.upset()
                self._perhaps_done()

    def _perhaps_done(self) -> None:
        if self._is_rebalancing and self._waiting and self._seen_s.keys() <= self._waiting.keys():
            self._deal()

    def _drop_laggards(self, round_: int) -> None:
        if self._is_rebalancing and self._round == round_:
            self._seen_s = {member: self._seen_s[member] for member in self._waiting}
            if self._waiting:
                self._deal()
            else:
                self._is_rebalancing = False

    def _deal(self) -> None:
        self._is_rebalancing = False
        self.generation += 1
        members = sorted(self._waiting)
        if members != self._dealt or self._random.random() < 0.5:
            self._dealt = members
            self._order = self._random.sample(members, len(members))
            self._numbers = self._random.sample(range(self._partitions), self._partitions)
        members, numbers = self._order, self._numbers
        waiting, self._waiting = self._waiting, {}
        self._seen_s = dict.fromkeys(members, self._loop.time())
        for place, member in enumerate(members):
            mine = frozenset(numbers[place :: len(members)])
            if not waiting[member].done():
                waiting[member].set_result(Joined(self.generation, mine))
