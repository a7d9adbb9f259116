"""A sender without Kafka and without threads: its desk, its journal on disk, and what it sent."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from tests.unit.sender.letters import START_MS
from winback_sender.adapter import Adapter, Limits
from winback_sender.adapters.function import Ask, FunctionAdapter
from winback_sender.clock import Clock, EventClock
from winback_sender.contract.messages import Output, TouchRequested
from winback_sender.contract.words import Status
from winback_sender.engine.courier import Couriers
from winback_sender.engine.desk import Desk
from winback_sender.engine.ear import Answered, Ear, Overheard, Question, StraySaid
from winback_sender.engine.endings import Endings
from winback_sender.engine.errand import Done
from winback_sender.engine.feedback import Report
from winback_sender.engine.inbox import Letter
from winback_sender.engine.intake import Intake
from winback_sender.engine.journal import Journal
from winback_sender.engine.lane import Earliest, Lanes, earliest_always
from winback_sender.engine.metrics import Meter
from winback_sender.engine.resolver import Resolver
from winback_sender.engine.tray import Tray
from winback_sender.receipt import Deliver, Receipt

KEY = "key-of-the-tests"


class LiveClock(EventClock):
    """A wall clock that moves when it is told to."""

    looks_ahead = True

    def __init__(self, at_ms: int = START_MS) -> None:
        super().__init__()
        self.at_ms = at_ms

    def now_ms(self, partition: int) -> int:  # noqa: ARG002 (the same for all)
        return self.at_ms


class Stand:
    """A sender and, with the same folder, its next start."""

    def __init__(
        self,
        folder: Path,
        deliver: Deliver | None = None,
        clock: Clock | None = None,
        *,
        routes: Mapping[str, Adapter] | None = None,
        ask: Ask | None = None,
        law: Earliest = earliest_always,
        limits: Limits = Limits(),  # noqa: B008 (a tuple)
        refuses_others: bool = False,
    ) -> None:
        self.sent: list[str] = []
        self.clock = clock or EventClock()
        self.now_s = 0.0
        self.meter = Meter()
        self.journal = Journal(folder / "journal.sqlite", KEY)
        self._inner = deliver
        adapter = FunctionAdapter(self._deliver, ask, name="postbox", limits=limits)
        self.lanes = Lanes(routes or {"sms": adapter}, Random(1), ask_for_s=86_400.0)
        self.endings = Endings(self.journal, self.meter)
        self.desk = Desk(
            self.lanes, self.journal, self.endings, self.clock, law=law, chance=lambda: 0.5
        )
        self.intake = Intake(
            self.desk.trays, self.lanes, self.journal, self.endings, self.clock, self.meter,
            topic="win-back", refuses_others=refuses_others,
        )  # fmt: skip
        self.mail: list[Done | Overheard | StraySaid | Answered | Exception] = []
        self.ear = Ear(self.lanes, None, self.mail.append)
        self.resolver = Resolver(
            self.journal, self.endings, self.lanes, self.clock, self.ear, self.meter
        )
        self.couriers = Couriers(self.journal, self.clock, 1, self.mail.append)

    def _deliver(self, touch: TouchRequested) -> Receipt:
        self.sent.append(touch.touch_id)
        return Receipt(Status.DELIVERED) if self._inner is None else self._inner(touch)

    def assign(self, partition: int = 0, position: int = 0, *, is_open: bool = True) -> Tray:
        tray = self.desk.trays[partition] = Tray(partition, position)
        tray.is_open = is_open
        return tray

    def read(self, letters: Sequence[Letter]) -> None:
        """Take letters as the loop does: a replayed log one by one."""
        for letter in letters:
            if letter.partition not in self.desk.trays:
                self.assign(letter.partition, letter.offset)
        if self.clock.looks_ahead:
            self.intake.take(letters)
            return
        for letter in letters:
            self.intake.take([letter])
            self.work(only=self.desk.trays[letter.partition])

    def work(self, room: int = 1, only: Tray | None = None, errands_max: int = 1_000) -> None:
        """Deliver one touch after the other, until nothing is due."""
        for _ in range(errands_max):
            errands = self.desk.begin(room, self.now_s, only)
            if not errands:
                return
            self.desk.ended([self.couriers.do(one) for one in errands], self.now_s)

    def reports(self) -> list[Report]:
        """Take out what is owed as feedback."""
        owed = [one.report for one in self.endings.outbox if one.report is not None]
        self.endings.outbox.clear()
        return owed

    def letters(self) -> list[Output]:
        """Return what is owed as dead letters."""
        return [one.letter for one in self.endings.outbox if one.letter is not None]

    def tell(self) -> None:
        """Let Kafka have all that is owed."""
        self.endings.told(self.endings.outbox)
        self.endings.outbox.clear()

    def said(self, letters: Sequence[Letter] = ()) -> list[tuple[str, Receipt]]:
        """Read, deliver, and return what is owed."""
        self.read(letters)
        if self.clock.looks_ahead:
            self.work()
        return [(report.touch_id, report.receipt) for report in self.reports()]

    def done(self, partition: int = 0) -> int:
        """Return the offset below which nothing is left to do."""
        return self.desk.trays[partition].done

    def questions(self) -> list[Question]:
        """Take out what providers would be asked now."""
        found = []
        while not self.ear.questions.empty():
            question = self.ear.questions.get()
            assert question is not None
            found.append(question)
        return found


MakeStand = Callable[..., Stand]
