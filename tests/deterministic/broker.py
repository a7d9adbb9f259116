"""A double of Kafka: logs, transactions with a fence, and requests that may be slow or go astray.

What it models, and what it does not, stands in docs/deterministic.md.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeVar

from aiokafka.errors import InvalidProducerEpoch

from tests.deterministic.logs import Log, Place, Said, State, Transaction
from tests.deterministic.loop import Process, SeededLoop

T = TypeVar("T")

REQUEST_S: Final = 0.002
LOST_S: Final = 1.0
"""After so long a client takes a request for lost, and asks again."""
BACK_OFF_S: Final = 0.05
TRANSACTION_S: Final = 60.0


class Again(Exception):  # noqa: N818 (the broker's word, not an error)
    """The broker is not ready for this yet."""


class LostError(Exception):
    """No answer came; whether it was done is not known."""


@dataclass
class Fence:
    """What the coordinator of transactions knows of one transactional id."""

    epoch: int = -1
    transaction: Transaction | None = None
    number: int = 0
    """Of its current transaction, counted by whoever began it."""
    done: set[tuple[int, int, Place, int]] = field(default_factory=set)
    """Requests that were carried out: asked again, they are not done again."""


class Broker:
    """One node that keeps everything.

    Attributes:
        is_down: Nothing is answered.
        slowness: Factor on the time of every request.
        lost_share: Share of the answers that never arrive.
        is_undecided: The coordinator of transactions is away; all else is there.
        is_unmarked: Transactions are decided, but their markers do not come to stand.
        on_commit: Called with who is about to ask for the decision of a transaction.
        on_ends: Called with the topic when somebody has been told where its logs end.
    """

    def __init__(self, loop: SeededLoop, random: Random) -> None:
        self._loop, self._random = loop, random
        self.logs: dict[Place, Log] = {}
        self.partitions: dict[str, int] = {}
        self.is_down = False
        self.slowness, self.lost_share = 1.0, 0.0
        self.is_undecided = self.is_unmarked = False
        self.fences: dict[str, Fence] = {}
        self.news = asyncio.Event()
        self.clock_ms: Callable[[], int] = lambda: 0
        self.on_commit: Callable[[Process], None] = lambda _: None
        self.on_ends: Callable[[str], None] = lambda _: None

    def create(self, topic: str, partitions: int) -> None:
        """Make a topic."""
        self.partitions[topic] = partitions
        for number in range(partitions):
            self.logs[topic, number] = Log()

    # -- requests

    def ask(self, do: Callable[[], T]) -> "asyncio.Future[T]":
        """Carry something out some time later, and answer some time after that, or never."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._loop.call_in(self._delay(), self._carry_out, do, answer)
        return answer

    def _delay(self) -> float:
        return REQUEST_S * self.slowness * (0.2 + self._random.random())

    def _carry_out(self, do: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        if self.is_down:
            self._loop.call_in(LOST_S * self._random.random(), _fail, answer, LostError())
            return
        try:
            result = do()
        except Exception as error:  # noqa: BLE001 (it is the answer)
            self._loop.call_in(self._delay(), _fail, answer, error)
            return
        if self.lost_share and self._random.random() < self.lost_share:
            self._loop.call_in(LOST_S, _fail, answer, LostError())
        else:
            self._loop.call_in(self._delay(), _give, answer, result)

    # -- plain records

    def put(self, place: Place, records: Sequence[Said]) -> None:
        """Append what a producer of somebody else has sent."""
        self.logs[place].append(records, self._loop.time())
        self.tell()

    def tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    # -- transactions

    def begin_epoch(self, name: str) -> int:
        """Raise the fence: what a former owner has open is aborted, and it may do no more."""
        self._demand_coordinator()
        fence = self.fences.setdefault(name, Fence())
        if fence.transaction is not None:
            if fence.transaction.state is State.OPEN:
                fence.epoch += 1
                self._decide(fence, State.ABORTED)
            raise Again
        fence.epoch += 1
        fence.number = 0
        fence.done.clear()
        return fence.epoch

    def produce(
        self, name: str, epoch: int, number: int, place: Place, batch: int, said: Sequence[Said]
    ) -> int:
        """Append a batch of a transaction and return its offset; asked again, nothing is done."""
        fence = self._fence(name, epoch)
        if (epoch, number, place, batch) in fence.done:
            return -1
        transaction = fence.transaction
        if transaction is not None and fence.number != number:
            raise Again  # The markers of the last one are on their way.
        if transaction is None or place not in transaction.unmarked:
            self._demand_coordinator()  # It is told of every log before that is written to.
        if transaction is None:
            transaction = fence.transaction = Transaction()
            fence.number = number
            self._loop.call_in(TRANSACTION_S, self._give_up, fence, transaction)
        assert transaction.state is State.OPEN, "a producer goes on behind its commit"
        transaction.unmarked.add(place)
        offset = self.logs[place].end
        self.logs[place].append(said, self._loop.time(), transaction)
        fence.done.add((epoch, number, place, batch))
        return offset

    def commit(self, name: str, epoch: int, number: int) -> None:
        """Decide a transaction; its markers follow."""
        self._demand_coordinator()
        fence = self._fence(name, epoch)
        if (epoch, number, ("", -1), 0) in fence.done:
            return
        transaction = fence.transaction
        assert transaction is not None, "nothing was begun"
        assert transaction.state is State.OPEN, "it is decided"
        assert fence.number == number, "another one is open"
        fence.done.add((epoch, number, ("", -1), 0))
        self._decide(fence, State.COMMITTED)

    def _demand_coordinator(self) -> None:
        if self.is_undecided:
            raise Again

    def _fence(self, name: str, epoch: int) -> Fence:
        fence = self.fences[name]
        if fence.epoch != epoch:
            raise InvalidProducerEpoch(f"{name}: {epoch} is not {fence.epoch}")
        return fence

    def _give_up(self, fence: Fence, transaction: Transaction) -> None:
        if fence.transaction is transaction and transaction.state is State.OPEN:
            fence.epoch += 1
            self._decide(fence, State.ABORTED)

    def _decide(self, fence: Fence, state: State) -> None:
        transaction = fence.transaction
        assert transaction is not None
        transaction.state = state
        for place in sorted(transaction.unmarked):
            self._loop.call_in(self._delay(), self._mark, fence, transaction, place)

    def _mark(self, fence: Fence, transaction: Transaction, place: Place) -> None:
        if self.is_down or self.is_undecided or self.is_unmarked:
            self._loop.call_in(BACK_OFF_S, self._mark, fence, transaction, place)
            return
        self.logs[place].mark(transaction, self._loop.time())
        transaction.unmarked.discard(place)
        if not transaction.unmarked:
            fence.transaction = None
        self.tell()

    def abort_all(self) -> None:
        """Lose every open transaction, as a coordinator that comes up after their time-out does."""
        for name in sorted(self.fences):
            fence = self.fences[name]
            if fence.transaction is not None:
                self._give_up(fence, fence.transaction)


def _give(answer: "asyncio.Future[Any]", result: object) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[Any]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # Whoever asked may be gone.
