"""The resolver: what is not known is asked about, what was not told is told."""

from typing import Final, assert_never

from winback_sender.clock import Clock
from winback_sender.contract.instants import DAY_MS, MINUTE_MS, SECOND_MS
from winback_sender.engine.ear import Answered, Ear, Overheard, Question, StraySaid
from winback_sender.engine.endings import INTERRUPTED, Ending, Endings, Owed
from winback_sender.engine.feedback import Report
from winback_sender.engine.hearsay import Hearsay
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Word
from winback_sender.engine.lane import Lanes
from winback_sender.engine.metrics import Meter, Metric
from winback_sender.engine.soundness import sound_instant
from winback_sender.logs import get_logger

log = get_logger(__name__)

QUESTIONS_MAX: Final = 64
QUESTION_PATIENCE_MS: Final = 2 * MINUTE_MS
"""A question that nobody answered in this time, as its asker was killed, is asked by another."""
OWED_AFTER_MS: Final = 30 * SECOND_MS
"""A word that Kafka lacks for so long was owed by a sender that is gone: anybody tells it."""
OPEN_AFTER_MS: Final = 10 * MINUTE_MS
"""An intent that old is nobody's any more: no call of a provider takes so long."""
SWEEP_EVERY_S: Final = 5.0
SWEPT_MAX: Final = 500
PRUNE_EVERY_S: Final = 3_600.0
RETENTION_MS: Final = 30 * DAY_MS
"""Topics keep a touch for 7 days: after its expiry and this nobody can read it again."""

EARLY_MS: Final = 2 * DAY_MS
"""A provider gives its name for a touch with its answer: what has not come by then never does."""


class Resolver:
    """Brings open touches to an end.

    Args:
        journal: Remembers.
        endings: Takes what is said.
        lanes: The providers.
        clock: The wall's: a replayed log asks nobody.
        ear: Asks.
        meter: Counts.
    """

    def __init__(
        self,
        journal: Journal,
        endings: Endings,
        lanes: Lanes,
        clock: Clock,
        ear: Ear,
        meter: Meter,
    ) -> None:
        self._journal = journal
        self._hearsay = Hearsay(journal)
        self._endings = endings
        self._lanes = lanes
        self._clock = clock
        self._ear = ear
        self._meter = meter
        self._sweep_s = 0.0
        self._prune_s = 0.0
        self._strays_owed = 0
        self._asking: set[str] = set()

    def turn(self, now_s: float) -> None:
        """Do what is due, every few seconds.

        Args:
            now_s: A monotonic instant, seconds.
        """
        if not self._clock.looks_ahead or now_s < self._sweep_s:
            return
        self._sweep_s = now_s + SWEEP_EVERY_S
        now_ms = self._clock.now_ms(0)
        self._sweep(now_ms)
        self._ask(now_ms)
        if now_s >= self._prune_s:
            self._prune_s = now_s + PRUNE_EVERY_S
            pruned = self._journal.prune(now_ms - RETENTION_MS, now_ms - EARLY_MS)
            log.info("journal_pruned", touches=pruned)

    def take(self, said: Overheard | StraySaid | Answered) -> None:
        """Take what the ear has."""
        match said:
            case Overheard():
                self._overheard(said)
            case StraySaid():
                self._stray(said)
            case Answered():
                self._answered(said)
            case _:
                assert_never(said)

    def _overheard(self, words: Overheard) -> None:
        """Write what a provider told, and let go of whoever brought it."""
        if not words.missed.set_running_or_notify_cancel():
            return
        told = self._hearsay.note(words.provider, words.heard, self._clock.now_ms(0))
        for heard in words.heard:
            status = str(heard.receipt.status)
            self._meter.add(Metric.HEARD, provider=words.provider, status=status)
        for entry in told.entries:
            self._endings.again(entry, None)
        if told.missed:
            self._meter.add(Metric.MISSED, len(told.missed), provider=words.provider)
        words.missed.set_result(told.missed)

    def _stray(self, said: StraySaid) -> None:
        """Write a user's word that belongs to no touch."""
        if said.noted.set_running_or_notify_cancel():
            heard = said.heard
            at_ms = sound_instant(heard.at_ms, self._clock.now_ms(0))
            self._hearsay.note_stray(
                said.provider, said.channel, said.user_id, heard.receipt, at_ms
            )
            said.noted.set_result(None)
            self._owe_strays()

    def _answered(self, answer: Answered) -> None:
        """Write an answer; without one, say when to ask again."""
        lane, entry, asked = answer.question
        self._asking.discard(entry.touch_id)
        receipt, now_ms = answer.receipt, self._clock.now_ms(0)
        word = "nothing" if receipt is None else "told"
        self._meter.add(Metric.ASKED, provider=lane.name, answer=word)
        if receipt is not None:
            ask_ms = lane.ask_ms(receipt, 0, entry.begun_ms, now_ms)
            (found,) = self._endings.settle([Ending(Word(entry.touch_id, receipt, now_ms, ask_ms))])
            if found is None or found.receipt.status != entry.receipt.status:
                return
        next_ms = lane.ask_ms(entry.receipt, asked + 1, entry.begun_ms, now_ms)
        self._journal.ask_again(entry.touch_id, next_ms)

    def _ask(self, now_ms: int) -> None:
        """Ask as much as there is room for; a question that is not answered yet is not repeated."""
        patience_ms, room = now_ms + QUESTION_PATIENCE_MS, QUESTIONS_MAX - len(self._asking)
        if room == 0:
            return
        for entry, asked in self._journal.to_ask(now_ms, patience_ms, room):
            lane = self._lanes.named(entry.provider)
            if lane is not None and entry.touch_id not in self._asking:
                self._asking.add(entry.touch_id)
                self._ear.ask(Question(lane, entry, asked))

    def _sweep(self, now_ms: int) -> None:
        """Tell what senders that are gone left untold."""
        for entry in self._journal.owed(now_ms - OWED_AFTER_MS, SWEPT_MAX):
            self._endings.owe(entry)
        endings = []
        for entry in self._journal.left_open(now_ms - OPEN_AFTER_MS, SWEPT_MAX):
            lane = self._lanes.named(entry.provider)
            ask_ms = None if lane is None else lane.ask_ms(INTERRUPTED, 0, entry.begun_ms, now_ms)
            endings.append(Ending(Word(entry.touch_id, INTERRUPTED, now_ms, ask_ms)))
        self._endings.settle(endings)
        self._owe_strays()

    def _owe_strays(self) -> None:
        for stray in self._hearsay.strays(self._strays_owed, SWEPT_MAX):
            self._strays_owed = stray.id
            report = Report(
                "", stray.user_id, stray.channel, stray.provider, stray.receipt, stray.at_ms
            )
            self._endings.outbox.append(Owed(report, stray=stray.id))
