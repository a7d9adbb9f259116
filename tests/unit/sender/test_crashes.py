"""A sender that dies at any instant: laws over lives, with two senders on one journal."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sender.letters import START_MS, letters, revoked, touch
from tests.unit.sender.stand import LiveClock, Stand
from winback_sender.contract.messages import TouchRequested, TouchRevoked
from winback_sender.contract.words import STRENGTH, Status, Why
from winback_sender.engine.errand import Done, Errand
from winback_sender.engine.inbox import Letter
from winback_sender.receipt import NotSentError, Receipt

USERS = ("ada", "bob")
SECOND_MS = 1_000


class Provider:
    """Takes touches; some are not taken, some are taken and the answer is lost."""

    def __init__(self, fates: dict[str, list[str]]) -> None:
        self._fates = fates
        self.taken: list[str] = []

    def deliver(self, found: TouchRequested) -> Receipt:
        fates = self._fates.get(found.touch_id)
        fate = fates.pop() if fates else "ok"
        if fate == "throttled":
            raise NotSentError(Why.OVER_LIMIT, retry=True)
        if fate == "refused":
            raise NotSentError(Why.REFUSED)
        self.taken.append(found.touch_id)
        if fate == "lost":
            raise TimeoutError
        return Receipt(Status.ACCEPTED)


class World:
    """One topic, one journal, one provider, and senders that come and go.

    Attributes:
        told: What Kafka has, by touch.
        seen: Touches that a sender had read the revocation of, before it was begun.
    """

    def __init__(self, folder: Path, log: list[Letter], provider: Provider) -> None:
        self.clock = LiveClock()
        self.told: defaultdict[str, list[str]] = defaultdict(list)
        self.committed = 0
        self.revoked_in_time: set[str] = set()
        self._folder, self._log, self._provider = folder, log, provider
        self.start()

    def start(self) -> None:
        """A new life: what the one before had in memory is gone."""
        self.stand = Stand(self._folder, self._provider.deliver, self.clock)
        self.tray = self.stand.assign(0, self.committed)
        self._read = self.committed
        self.under_way: list[Errand] = []
        self.done: list[Done] = []

    def read(self, count: int) -> None:
        batch = self._log[self._read : self._read + count]
        before = set(self._provider.taken) | {one.touch.touch_id for one in self.under_way}
        self.stand.read(batch)
        self.revoked_in_time |= {
            letter.message.touch_id
            for letter in batch
            if isinstance(letter.message, TouchRevoked) and letter.message.touch_id not in before
        }
        self._read += len(batch)

    def begin(self, room: int) -> None:
        self.under_way += self.stand.desk.begin(room, self.stand.now_s)

    def call(self, place: int) -> None:
        if self.under_way:
            errand = self.under_way.pop(place % len(self.under_way))
            self.done.append(self.stand.couriers.do(errand))

    def settle(self, _: int) -> None:
        self.stand.desk.ended(self.done, self.stand.now_s)
        self.done = []

    def tell(self, count: int) -> None:
        """Let Kafka have some of what is owed; the process may die before it knows."""
        for owed in self.stand.endings.outbox[:count]:
            assert owed.report is not None
            self.told[owed.report.touch_id].append(str(owed.report.receipt.status))
        if count % 2:
            self.stand.endings.told(self.stand.endings.outbox[:count])
            del self.stand.endings.outbox[:count]

    def commit(self, _: int) -> None:
        assert self.tray.done >= self.committed
        self.committed = self.tray.done

    def wait(self, seconds: int) -> None:
        self.clock.at_ms += seconds * SECOND_MS
        self.stand.now_s += seconds

    def end(self) -> None:
        """Live on without a fault until all is told."""
        for _ in range(60):
            self.read(len(self._log))
            self.begin(9)
            while self.under_way:
                self.call(0)
            self.settle(0)
            self.tell(2 * len(self.stand.endings.outbox) + 1)
            self.commit(0)
            self.wait(60)
            self.stand.resolver.turn(self.stand.now_s)


messages = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["touch", "touch", "revoke"])),
    min_size=1, max_size=14,
)  # fmt: skip
fates = st.dictionaries(
    st.sampled_from([f"t{number}" for number in range(6)]),
    st.lists(st.sampled_from(["ok", "lost", "throttled", "refused"]), max_size=3),
)
LIFE: Sequence[Callable[[World, int], None]] = (
    World.read, World.begin, World.call, World.call, World.settle, World.tell, World.commit,
    World.wait,
)  # fmt: skip
lives = st.lists(
    st.tuples(
        st.lists(st.integers(1, 5), min_size=len(LIFE), max_size=2 * len(LIFE)),
        st.integers(1, 2 * len(LIFE)),
    ),
    max_size=10,
)
"""Each life goes through its steps in turn, twice at most, and ends at one of them."""


def topic(words: list[tuple[int, str]]) -> list[Letter]:
    """Return the log: touches may come twice, revocations may come before their touch."""
    return letters(*(
        touch(f"t{number}", USERS[number % 2], expires_ms=START_MS + 1_800 * SECOND_MS)
        if word == "touch"
        else revoked(f"t{number}", USERS[number % 2])
        for number, word in words
    ))  # fmt: skip


@given(messages, fates, lives)
def test_nothing_twice_nothing_lost_nothing_after_a_revocation(
    words: list[tuple[int, str]], planned: dict[str, list[str]], born: list[tuple[list[int], int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider({name: list(fate) for name, fate in planned.items()})
        world = World(Path(folder), topic(words), provider)
        for numbers, last in born:
            for step, number in zip(cycle(LIFE), numbers[:last], strict=False):
                step(world, number)
            world.start()
        world.end()

    asked = {f"t{number}" for number, word in words if word == "touch"}
    assert len(set(provider.taken)) == len(provider.taken), "sent twice"
    assert not world.revoked_in_time & set(provider.taken), "sent after a revocation"
    assert asked <= set(world.told), "lost"
    for name, said in world.told.items():
        last = max(said, key=STRENGTH.__getitem__)
        assert last != "failed" or name not in provider.taken, "sent, and said to be unsent"
    assert world.committed == len(words)
