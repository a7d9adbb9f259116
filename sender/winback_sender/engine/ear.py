"""The ear of a sender: call-backs of providers, files of staff, and questions about the unknown.

Only the main thread writes the journal: what is heard elsewhere is handed to it, and whoever
brought it waits until it is on disk.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Final, NamedTuple, TypeVar

from winback_sender.adapter import Adapter, Heard, Sent
from winback_sender.addresses.book import AddressBook
from winback_sender.contract.words import Status
from winback_sender.engine.journal_rows import Entry
from winback_sender.engine.lane import Lane, Lanes
from winback_sender.engine.soundness import sound_receipt, sound_words
from winback_sender.logs import get_logger
from winback_sender.receipt import Receipt
from winback_sender.routes import EVERY

log = get_logger(__name__)
T = TypeVar("T")

COLLECT_EVERY_S: Final = 3.0
DISK_TIMEOUT_S: Final = 30.0
ASKERS: Final = 4
"""Questions at once: the unknown must not crowd out touches."""


class Overheard(NamedTuple):
    """Words for the main thread; ``missed`` gets those that name no touch, once all is on disk."""

    provider: str
    heard: Sequence[Heard]
    missed: Future[Sequence[Heard]]


class StraySaid(NamedTuple):
    """A user's word that belongs to no touch; ``noted`` is done once it is on disk."""

    provider: str
    channel: str
    user_id: str
    heard: Heard
    noted: Future[None]


class Question(NamedTuple):
    """Ask a provider about a touch; ``asked``: how often that was done before."""

    lane: Lane
    entry: Entry
    asked: int


class Answered(NamedTuple):
    """An answer; None: the provider cannot say, or not yet."""

    question: Question
    receipt: Receipt | None


class StoppedError(Exception):
    """The sender ends: nobody writes to disk any more."""


class Ear:
    """Threads that listen and ask.

    Args:
        lanes: The providers.
        addresses: Knows whose address it is; None: nobody does.
        tell: Hands something to the main thread.

    Attributes:
        questions: What providers are asked next.
    """

    def __init__(
        self,
        lanes: Lanes,
        addresses: AddressBook | None,
        tell: Callable[[Overheard | StraySaid | Answered], None],
    ) -> None:
        self._lanes = lanes
        self._addresses = addresses
        self._tell = tell
        self.questions: SimpleQueue[Question | None] = SimpleQueue()
        self._is_stopping = Event()
        self._lock = Lock()
        self._awaited: set[Future[Any]] = set()

    def start(self) -> None:
        """Start the threads."""
        for number in range(ASKERS):
            Thread(target=self._answer_all, name=f"asker-{number}", daemon=True).start()
        for lane in self._lanes.all:
            if type(lane.adapter).collect is not Adapter.collect:
                Thread(target=self._collect, args=(lane,), daemon=True).start()

    def stop(self) -> None:
        """Begin nothing new, and hear nothing new."""
        with self._lock:
            self._is_stopping.set()
        for _ in range(ASKERS):
            self.questions.put(None)

    def close(self) -> None:
        """Let go whoever waits for a disk that nobody writes any more: it must be brought again.

        It is called by the main thread, which alone would have said that it is on disk.
        """
        self.stop()
        for awaited in self._awaited.copy():
            if not awaited.done():
                awaited.set_exception(StoppedError())

    def ask(self, question: Question) -> None:
        """Have a provider asked."""
        self.questions.put(question)

    def hear(self, lane: Lane, heard: Sequence[Heard]) -> None:
        """Hand over words; they are on disk when it returns.

        Raises:
            Exception: They are not; whoever brought them must bring them again.
        """
        heard = sound_words(heard, lane.name)
        if not heard:
            return
        missed: Future[Sequence[Heard]] = Future()
        words = Overheard(lane.name, heard, missed)
        for one in self._awaiting(missed, words):
            self._find_user(lane, one)

    def _awaiting(self, kept: Future[T], words: Overheard | StraySaid) -> T:
        """Hand words to the main thread, and wait until they are on disk."""
        with self._lock:
            if self._is_stopping.is_set():
                raise StoppedError
            self._awaited.add(kept)
        try:
            self._tell(words)
            return kept.result(DISK_TIMEOUT_S)
        finally:
            self._awaited.discard(kept)

    def _find_user(self, lane: Lane, heard: Heard) -> None:
        """Look up who said no through which channel, where no touch tells."""
        channels = [channel for channel in lane.channels if channel != EVERY]
        if heard.receipt.status != Status.OPTED_OUT or not heard.address or len(channels) != 1:
            return
        user_id = self._addresses and self._addresses.find(channels[0], heard.address)
        if not user_id:
            log.warning("opt_out_of_nobody", provider=lane.name, channel=channels[0])
            return
        noted: Future[None] = Future()
        self._awaiting(noted, StraySaid(lane.name, channels[0], user_id, heard, noted))

    def _collect(self, lane: Lane) -> None:
        while not self._is_stopping.wait(COLLECT_EVERY_S):
            try:
                self._hear_until_kept(lane, list(lane.adapter.collect()))
            except Exception as error:  # noqa: BLE001 (an adapter's fault stops no touch)
                log.warning("collect_failed", provider=lane.name, error=type(error).__name__)

    def _hear_until_kept(self, lane: Lane, heard: list[Heard]) -> None:
        """Hand over what was collected, again and again: it is not collected twice."""
        while True:
            try:
                return self.hear(lane, heard)
            except Exception as error:  # noqa: BLE001 (the address system is away)
                log.warning("collected_is_kept", provider=lane.name, error=type(error).__name__)
                if self._is_stopping.wait(COLLECT_EVERY_S):
                    return None

    def _answer_all(self) -> None:
        while (question := self.questions.get()) is not None:
            self._tell(self.answer(question))

    def answer(self, question: Question) -> Answered:
        """Ask a provider; whatever it raises is no answer."""
        entry = question.entry
        sent = Sent(
            entry.touch_id, entry.user_id, entry.channel, entry.receipt.ref, entry.begun_ms,
            entry.receipt,
        )  # fmt: skip
        try:
            receipt = question.lane.adapter.ask(sent)
            known = None if receipt is None else sound_receipt(receipt, entry.touch_id)
        except Exception as error:  # noqa: BLE001 (it is asked again later)
            log.warning("question_failed", provider=question.lane.name, error=type(error).__name__)
            known = None
        return Answered(question, known)
