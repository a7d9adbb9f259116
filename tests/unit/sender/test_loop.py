"""The loop of the main thread: what begins when, and what is committed."""

from collections.abc import Mapping
from queue import SimpleQueue

import pytest

from tests.unit.sender.letters import letters, revoked, touch
from tests.unit.sender.stand import LiveClock, MakeStand, Stand
from winback_sender.engine.courier import Couriers
from winback_sender.engine.crew import Crew, Mail
from winback_sender.engine.endings import Owed
from winback_sender.engine.errand import Done, Errand
from winback_sender.engine.loop import Loop
from winback_sender.engine.news import (
    Assigned,
    CaughtUp,
    Gone,
    Leaving,
    Letters,
    Rewound,
    Uncommitted,
)
from winback_sender.engine.reader import Reader
from winback_sender.engine.teller import Acknowledged, Teller
from winback_sender.errors import UserError


class FakeReader(Reader):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.committed: list[Mapping[int, int]] = []
        self.rewound: list[tuple[int, int]] = []
        self.gone: list[Mapping[int, int]] = []

    def taken(self) -> None:
        pass

    def commit(self, offsets: Mapping[int, int]) -> None:
        self.committed.append(dict(offsets))

    def rewind(self, partition: int, offset: int) -> None:
        self.rewound.append((partition, offset))

    def let_go(self, offsets: Mapping[int, int]) -> None:
        self.gone.append(dict(offsets))


class FakeTeller(Teller):
    """A Kafka that acknowledges when it is told to."""

    def __init__(self, mail: SimpleQueue[Mail]) -> None:
        self.sent: list[Owed] = []
        self.is_away = False
        self._mail = mail

    def send(self, owed: Owed) -> None:
        self.sent.append(owed)

    def acknowledge(self) -> None:
        for number, owed in enumerate(self.sent):
            self._mail.put(Acknowledged(number, owed))

    def acknowledged(self, number: int) -> None:
        del number
        self.sent.pop()

    @property
    def lacking(self) -> int:
        return len(self.sent)

    @property
    def lacking_s(self) -> float:
        return 0.0

    @property
    def is_held_up(self) -> bool:
        return self.is_away


class FakeCouriers(Couriers):
    """Does an errand when it is told to."""

    def __init__(self, stand: Stand, mail: SimpleQueue[Mail]) -> None:
        super().__init__(stand.journal, stand.clock, 1, mail.put)
        self.errands: list[Errand] = []
        self._put = mail.put

    def send(self, errand: Errand) -> None:
        self.errands.append(errand)

    def call(self) -> list[Done]:
        """Call the provider; the answer is still on its way to the loop."""
        done = [self.do(errand) for errand in self.errands]
        self.errands = []
        return done

    def run(self) -> None:
        for one in self.call():
            self._put(one)


class Room:
    """A loop with all hands stubbed but the desk."""

    def __init__(self, stand: Stand) -> None:
        self.mail: SimpleQueue[Mail] = SimpleQueue()
        self.stand = stand
        self.reader = FakeReader()
        self.teller = FakeTeller(self.mail)
        self.couriers = FakeCouriers(stand, self.mail)
        crew = Crew(stand.desk, stand.intake, stand.endings, stand.resolver, self.couriers,
                    self.reader, self.teller)  # fmt: skip
        self.loop = Loop(crew, self.mail, stand.clock, stand.meter, parallel=8,
                         is_stopping=lambda: False)  # fmt: skip

    def turn(self, *mails: Mail) -> None:
        for mail in mails:
            self.mail.put(mail)
        self.loop.turn(may_begin=True)

    def deliver(self) -> None:
        self.couriers.run()
        self.turn()
        self.teller.acknowledge()
        self.turn()


@pytest.fixture
def room(make: MakeStand) -> Room:
    return Room(make(clock=LiveClock()))


def test_nothing_begins_before_the_end_of_the_partition_was_read(room: Room) -> None:
    room.turn(Assigned(0, 0), Letters(letters(touch("t1"))))
    assert room.couriers.errands == []
    room.turn(CaughtUp(0))
    assert len(room.couriers.errands) == 1


def test_each_answer_makes_room_for_one_more(room: Room) -> None:
    """Dozens of first connections at once would keep the loop from reading revocations."""
    batch = letters(*(touch(f"t{number}", f"user-{number}") for number in range(20)))
    begun = []
    room.turn(Assigned(0, 0), Letters(batch), CaughtUp(0))
    for _ in range(3):
        begun.append(len(room.couriers.errands))
        room.couriers.run()
        room.turn()
    assert begun == [4, 8, 8]


def test_while_kafka_takes_no_feedback_nothing_begins(room: Room) -> None:
    room.teller.is_away = True
    room.turn(Assigned(0, 0), Letters(letters(touch("t1"))), CaughtUp(0))
    assert room.couriers.errands == []
    room.teller.is_away = False
    room.turn()
    assert len(room.couriers.errands) == 1


def test_an_offset_is_committed_when_kafka_has_the_feedback(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winback_sender.engine.loop.COMMIT_EVERY_S", 0.0)
    room.turn(Assigned(0, 5), CaughtUp(0))
    room.turn(Letters([letters(touch("t1"))[0]._replace(offset=5)]))
    assert room.reader.committed == [{0: 5}]
    room.couriers.run()
    room.turn()
    assert room.reader.committed == [{0: 5}]
    room.teller.acknowledge()
    room.turn()
    assert room.reader.committed == [{0: 5}, {0: 6}]
    room.turn(Uncommitted(frozenset({0})))
    assert room.reader.committed == [{0: 5}, {0: 6}, {0: 6}]


def test_a_partition_goes_when_what_is_under_way_has_ended(room: Room) -> None:
    room.turn(Assigned(0, 0), Letters(letters(touch("t1"))), CaughtUp(0))
    behind = letters(None, touch("t2", "bob"))[1:]
    under_way = room.couriers.call()
    room.turn(Leaving(frozenset({0})), Letters(behind))
    assert room.reader.gone == []
    room.turn(*under_way)
    room.deliver()
    assert room.reader.gone == [{0: 1}]  # t2 was not begun: it is the next owner's
    assert room.couriers.errands == []
    room.turn(Gone(frozenset({0})))
    assert room.stand.desk.trays == {}


@pytest.mark.parametrize("news", [Leaving, Gone])
def test_nothing_begins_on_its_way_out(
    room: Room, make: MakeStand, news: type[Leaving | Gone]
) -> None:
    """Nobody reads on while a partition goes: a revocation would be seen too late."""
    room.turn(Assigned(0, 0), Letters(letters(touch("t1"))), CaughtUp(0))
    room.turn(news(frozenset({0})))
    room.deliver()
    assert (room.stand.sent, room.teller.sent) == ([], [])
    assert room.reader.gone == ([{0: 0}] if news is Leaving else [])

    next_owner = make(clock=LiveClock())
    next_owner.read(letters(touch("t1")))
    next_owner.work()
    assert next_owner.sent == ["t1"]


def test_what_comes_back_from_a_partition_that_is_gone_is_told_all_the_same(room: Room) -> None:
    room.turn(Assigned(0, 0), Letters(letters(touch("t1"))), CaughtUp(0))
    under_way = room.couriers.call()
    room.turn(Gone(frozenset({0})))
    room.turn(*under_way)
    assert [owed.report.touch_id for owed in room.teller.sent if owed.report] == ["t1"]


def test_what_found_no_room_is_asked_for_again_once_there_is_room(room: Room) -> None:
    room.stand.intake.window_bytes = 5_000
    batch = letters(*(touch(f"t{number}", f"user-{number}") for number in range(6)))
    room.turn(Assigned(0, 0), Letters(batch), CaughtUp(0))
    first = room.stand.desk.trays[0].dropped_from
    assert first is not None
    room.deliver()
    assert room.reader.rewound == [(0, first)]
    room.turn(Rewound(0), Letters(batch[first:]), CaughtUp(0))
    room.deliver()
    assert room.stand.sent[:first] == [f"t{number}" for number in range(first)]
    assert len(room.stand.sent) > first


def test_a_revocation_behind_the_touch_in_one_mail_is_seen_first(room: Room) -> None:
    room.turn(Assigned(0, 0), Letters(letters(touch("t1"), revoked("t1"))), CaughtUp(0))
    assert room.couriers.errands == []
    assert len(room.teller.sent) == 1


def test_what_a_thread_died_of_ends_the_sender(room: Room) -> None:
    with pytest.raises(UserError, match="journal"):
        room.turn(UserError("the journal cannot be used"))
