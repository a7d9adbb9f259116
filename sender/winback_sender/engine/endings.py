"""Endings: what became of a touch goes into the journal, then into the outbox, then off the tray.

Whoever tells what is in the outbox says so with `told`; only then is the record behind it done.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from winback_sender.contract.messages import Output
from winback_sender.contract.words import UNSENT, Status, Why
from winback_sender.engine.feedback import Report
from winback_sender.engine.hearsay import Hearsay
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Entry, Word
from winback_sender.engine.metrics import Meter, Metric
from winback_sender.engine.tray import Tray
from winback_sender.logs import get_logger, hashed
from winback_sender.receipt import Receipt

log = get_logger(__name__)

INTERRUPTED: Final = Receipt(Status.UNKNOWN, "", Why.INTERRUPTED)
"""A sender ended between the intent and the receipt."""


def unsent(reason: str) -> Receipt:
    """Return that a touch surely did not leave."""
    return Receipt(Status.FAILED, UNSENT, reason)


class Place(NamedTuple):
    """A record, by the tray of its partition and its offset."""

    tray: Tray
    offset: int


class Owed(NamedTuple):
    """What is to be told, and what it is about.

    Attributes:
        report: For the topic of feedback.
        letter: For the topic of dead letters.
        place: The record that ends with it.
        stray: Row of a word that belongs to no touch.
    """

    report: Report | None = None
    letter: Output | None = None
    place: Place | None = None
    stray: int = 0


class Ending(NamedTuple):
    """A word on a touch whose record lies on a tray; None: it came from elsewhere."""

    word: Word
    place: Place | None = None


class Endings:
    """Writes words into the journal and collects what is to be told.

    Args:
        journal: Remembers.
        meter: Counts.

    Attributes:
        counts: Touches by the reason or status that they ended with.
        outbox: What is to be told.
    """

    def __init__(self, journal: Journal, meter: Meter) -> None:
        self.counts: Counter[str] = Counter()
        self.outbox: list[Owed] = []
        self._journal = journal
        self._meter = meter
        self._hearsay = Hearsay(journal)

    def settle(self, endings: Sequence[Ending]) -> list[Entry | None]:
        """Write words on touches, in one transaction, and owe them."""
        if not endings:
            return []
        entries = self._journal.settle(ending.word for ending in endings)
        for (word, place), entry in zip(endings, entries, strict=True):
            if entry is None:  # It was pruned: nobody waits for it any more.
                self.done(place)
                continue
            if entry.receipt.status == word.receipt.status and not entry.is_reported:
                self._count(entry)
            self.again(entry, place)
        return entries

    def again(self, entry: Entry, place: Place | None) -> None:
        """Owe what is known already, unless Kafka has it."""
        if entry.is_reported:
            self.done(place)
        else:
            self.owe(entry, place)

    def owe(self, entry: Entry, place: Place | None = None) -> None:
        """Owe the word of a touch."""
        report = Report(
            entry.touch_id, entry.user_id, entry.channel, entry.provider, entry.receipt, entry.at_ms
        )
        if entry.user_id:
            self.outbox.append(Owed(report, place=place))
        else:  # The user was erased: there is nobody to speak of.
            self.done(place)

    def done(self, place: Place | None) -> None:
        """Note that nothing is left to do for a record."""
        if place is not None:
            place.tray.finish(place.offset)

    def told(self, owed: Iterable[Owed]) -> None:
        """Take note that Kafka has what was owed."""
        owed = list(owed)
        said = [(one.report.touch_id, str(one.report.receipt.status))
                for one in owed if one.report is not None and one.report.touch_id]  # fmt: skip
        if said:
            self._journal.reported(said)
        if strays := [one.stray for one in owed if one.stray]:
            self._hearsay.strays_reported(strays)
        for one in owed:
            self.done(one.place)

    def _count(self, entry: Entry) -> None:
        receipt = entry.receipt
        self.counts[receipt.reason or str(receipt.status)] += 1
        self._meter.add(Metric.TOUCHES, provider=entry.provider, status=str(receipt.status),
                        reason=self._meter.code(receipt.reason))  # fmt: skip
        log.debug("touch_settled", touch=entry.touch_id, user=hashed(entry.user_id),
                 status=str(receipt.status), outcome=receipt.outcome,
                 reason=receipt.reason)  # fmt: skip
