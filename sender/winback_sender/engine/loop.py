"""The loop of a sender's main thread: takes all that threads hand over, decides, writes.

What came together goes to disk together: many intents, one wait for the disk.
"""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, assert_never

from winback_sender.clock import Clock
from winback_sender.engine.crew import Crew, Mail
from winback_sender.engine.desk import IDLE_S
from winback_sender.engine.ear import Answered, Overheard, StraySaid
from winback_sender.engine.errand import Done
from winback_sender.engine.inbox import Letter
from winback_sender.engine.metrics import Meter, Metric
from winback_sender.engine.news import (
    Assigned,
    CaughtUp,
    Gone,
    Leaving,
    Letters,
    Rewound,
    Uncommitted,
)
from winback_sender.engine.teller import Acknowledged
from winback_sender.engine.tray import Tray

AT_FIRST: Final = 4
"""Touches at once; each answer makes room for one more. Dozens of threads that make their first
connection together would keep this thread from reading what was taken back."""
COMMIT_EVERY_S: Final = 1.0
"""After a crash so much is read again, and the journal knows it."""
PAUSE_S: Final = 0.001
"""Nothing is waited for less: limits of thousands a second come in handfuls."""
SHOW_EVERY_S: Final = 0.5
MAIL_MAX: Final = 2_000
"""Handled in one turn; then due touches get theirs."""
SWEEP_LACKING_MAX: Final = 100


class Loop:
    """One turn after the other.

    Args:
        crew: Whom it works with.
        mail: What threads hand over.
        clock: Whether this is a replayed log.
        meter: Shows what is going on.
        parallel: Touches under way at most.
        is_stopping: Whether the end was asked for.

    Attributes:
        beat_s: When the last turn began, monotonic seconds.
    """

    def __init__(
        self,
        crew: Crew,
        mail: SimpleQueue[Mail],
        clock: Clock,
        meter: Meter,
        *,
        parallel: int,
        is_stopping: Callable[[], bool],
    ) -> None:
        self.beat_s = time.monotonic()
        self._crew = crew
        self._mail = mail
        self._clock = clock
        self._meter = meter
        self._parallel = parallel
        self._room = min(AT_FIRST, parallel)
        self._is_stopping = is_stopping
        self._leaving: frozenset[int] = frozenset()
        self._wait_s = IDLE_S
        self._commit_s = 0.0
        self._shown_s = 0.0
        self._committed: dict[int, int] = {}
        self._rewinding: set[int] = set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and Kafka has all that was owed."""
        desk, endings, teller = self._crew.desk, self._crew.endings, self._crew.teller
        return not (desk.under_way or endings.outbox or teller.lacking)

    def turn(self, *, may_begin: bool) -> None:
        """Take what has come, begin what is due, tell what is owed, commit what is done.

        Raises:
            Exception: What a thread has ended with.
        """
        crew = self._crew
        self._take(self._wait())
        now_s = self.beat_s = time.monotonic()
        if crew.teller.lacking < SWEEP_LACKING_MAX:
            crew.resolver.turn(now_s)
        self._wait_s = IDLE_S
        if may_begin and self._clock.looks_ahead and not crew.teller.is_held_up:
            for errand in crew.desk.begin(self._room - crew.desk.under_way, now_s):
                crew.couriers.send(errand)
            self._wait_s = crew.desk.wait_s
        self._tell()
        self._let_go()
        self._refill()
        if now_s - self._commit_s >= COMMIT_EVERY_S:
            self._commit_s = now_s
            self.commit()
        if now_s - self._shown_s >= SHOW_EVERY_S:
            self._shown_s = now_s
            self._show()

    def commit(self) -> None:
        """Have committed what is done."""
        moved = {
            partition: tray.done
            for partition, tray in self._crew.desk.trays.items()
            if tray.is_open and tray.done != self._committed.get(partition)
        }
        if moved:
            self._committed |= moved
            self._crew.reader.commit(moved)

    def _wait(self) -> list[Mail]:
        """Return what has come; wait for it until something is due."""
        found: list[Mail] = []
        try:
            found.append(self._mail.get(timeout=max(PAUSE_S, self._wait_s)))
            while len(found) < MAIL_MAX:
                found.append(self._mail.get_nowait())
        except Empty:
            pass
        return found

    def _take(self, mails: list[Mail]) -> None:
        crew = self._crew
        done = [mail for mail in mails if isinstance(mail, Done)]
        acknowledged = [mail for mail in mails if isinstance(mail, Acknowledged)]
        for mail in mails:
            match mail:
                case Done() | Acknowledged():
                    pass
                case Letters():
                    self._read(mail.letters)
                case Overheard() | StraySaid() | Answered():
                    crew.resolver.take(mail)
                case Exception():
                    raise mail
                case _:
                    self._move(mail)
        if done:
            self._note(done)
            crew.desk.ended(done, time.monotonic())
        if acknowledged:
            for one in acknowledged:
                crew.teller.acknowledged(one.number)
            crew.endings.told([one.owed for one in acknowledged])
            self._meter.add(Metric.FEEDBACK, len(acknowledged))

    def _move(self, news: Assigned | CaughtUp | Rewound | Uncommitted | Leaving | Gone) -> None:
        """Take note of partitions that come and go."""
        trays = self._crew.desk.trays
        match news:
            case Assigned():
                trays[news.partition] = Tray(news.partition, news.position)
                trays[news.partition].is_open = not self._clock.looks_ahead
                self._committed.pop(news.partition, None)
            case CaughtUp() | Rewound():
                self._rewinding.discard(news.partition)
                if news.partition in trays:
                    _turn_page(trays[news.partition], news)
            case Uncommitted():
                self._committed = {
                    one: at for one, at in self._committed.items() if one not in news.partitions
                }
            case Leaving():
                self._leaving = news.partitions
                for partition in news.partitions & trays.keys():
                    trays[partition].is_closing = True
            case Gone():
                self._leaving = frozenset()
                self._rewinding -= news.partitions
                for partition in news.partitions & trays.keys():
                    trays.pop(partition).is_closing = True  # Couriers may still have touches of it.
            case _:
                assert_never(news)

    def _read(self, letters: list[Letter]) -> None:
        crew = self._crew
        crew.reader.taken()
        if self._clock.looks_ahead:
            crew.intake.take(letters)
            return
        for letter in letters:  # What lies behind it in a replayed log happened later.
            if self._is_stopping():
                return
            crew.intake.take([letter])
            tray = crew.desk.trays.get(letter.partition)
            while tray and (errands := crew.desk.begin(1, time.monotonic(), only=tray)):
                crew.desk.ended([crew.couriers.do(one) for one in errands], time.monotonic())
            self._tell()

    def _tell(self) -> None:
        outbox = self._crew.endings.outbox
        for owed in outbox:
            self._crew.teller.send(owed)
        outbox.clear()

    def _let_go(self) -> None:
        """Let partitions go once nothing of them is under way and Kafka has all their feedback."""
        trays = self._crew.desk.trays
        ours = [trays[partition] for partition in self._leaving if partition in trays]
        is_owed = self._crew.endings.outbox or self._crew.teller.lacking
        if self._leaving and not is_owed and not any(tray.under_way for tray in ours):
            self._crew.reader.let_go({tray.partition: tray.done for tray in ours})
            self._leaving = frozenset()

    def _refill(self) -> None:
        """Read again what found no room, once there is room."""
        for partition, tray in self._crew.desk.trays.items():
            if self._crew.intake.room(tray) and tray.is_open and partition not in self._rewinding:
                assert tray.dropped_from is not None
                self._rewinding.add(partition)
                self._crew.reader.rewind(partition, tray.dropped_from)

    def _note(self, done: list[Done]) -> None:
        for one in done:
            provider = one.errand.lane.name
            self._room = min(self._parallel, self._room + (one.call_s > 0))
            if one.call_s:
                self._meter.observe(Metric.CALL_SECONDS, one.call_s, provider=provider)
            if one.pickup_s is not None:
                self._meter.observe(Metric.PICKUP_SECONDS, one.pickup_s)
            if one.error is not None:
                self._meter.add(Metric.RETRIES, provider=provider)

    def _show(self) -> None:
        meter, desk, teller = self._meter, self._crew.desk, self._crew.teller
        trays = list(desk.trays.values())
        meter.set(Metric.UNDER_WAY, desk.under_way)
        meter.set(Metric.WAITING, sum(len(tray) for tray in trays) - desk.under_way)
        meter.set(Metric.PARTITIONS, len(trays))
        meter.set(Metric.PARTITIONS_BEHIND, sum(not tray.is_open for tray in trays))
        meter.set(Metric.FEEDBACK_OWED, teller.lacking)
        meter.set(Metric.FEEDBACK_OWED_SECONDS, teller.lacking_s)
        for lane in desk.lanes.all:
            meter.set(Metric.BREAKER_OPEN, lane.breaker.is_open, provider=lane.name)


def _turn_page(tray: Tray, news: CaughtUp | Rewound) -> None:
    """Read again from where there was no room, or begin: all that there was has been read."""
    if isinstance(news, CaughtUp):
        tray.is_open = True
    elif tray.dropped_from is not None:
        tray.rewind()
