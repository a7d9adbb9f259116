"""The couriers: threads that call providers, each touch once, and say what came of it."""

import re
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final

from winback_sender.addresses.needed import noting
from winback_sender.clock import Clock
from winback_sender.contract.words import Status, Why
from winback_sender.engine.endings import unsent
from winback_sender.engine.errand import Done, Errand
from winback_sender.engine.journal import Journal
from winback_sender.engine.soundness import sound_receipt, sound_refusal
from winback_sender.last_look import HandedBackError, looking
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError, Receipt

log = get_logger(__name__)

PROMPT_MS: Final = 1_000
"""A touch whose hour came later than this after Kafka had it had to wait for it."""
LOOK_AGAIN_S: Final = 0.5
"""An intent that old is looked up in the journal before its touch leaves."""
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""A code, not a sentence: that might quote an address."""


class Couriers:
    """A pool of threads.

    Args:
        journal: Knows what was taken back, by whichever sender.
        clock: Says what has expired.
        parallel: How many.
        tell: Takes what came of an errand, from any thread; also an error that must end all.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        parallel: int,
        tell: Callable[[Done | Exception], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._tell = tell
        self._errands: SimpleQueue[Errand | None] = SimpleQueue()
        self._is_stopping = Event()
        self._threads = [
            Thread(target=self._work, name=f"courier-{number}", daemon=True)
            for number in range(parallel)
        ]

    def start(self) -> None:
        """Start the threads. They are daemons: a provider that hangs does not hold the end."""
        for thread in self._threads:
            thread.start()

    def send(self, errand: Errand) -> None:
        """Have an errand done."""
        self._errands.put(errand)

    def stop(self) -> None:
        """Call no provider any more; what has not been called yet comes back undone."""
        self._is_stopping.set()
        for _ in self._threads:
            self._errands.put(None)

    def _work(self) -> None:
        while (errand := self._errands.get()) is not None:
            try:
                self._tell(self.do(errand))
            except Exception as error:  # noqa: BLE001 (the journal has failed: it ends the sender)
                self._tell(error)

    def do(self, errand: Errand) -> Done:
        """Look a last time, and deliver.

        Raises:
            UserError: The journal cannot be read.
        """
        waiting = errand.waiting
        try:
            self._look(errand)
        except HandedBackError:
            return Done(errand, None)
        except NotSentError as why:
            return Done(errand, unsent(why.reason))
        pickup_s = time.time() - max(waiting.stamp_ms, waiting.not_before_ms) / 1_000
        was_prompt = not waiting.attempts and waiting.not_before_ms <= waiting.stamp_ms + PROMPT_MS
        begun_s = time.monotonic()
        with looking(lambda: self._look(errand)):
            receipt, error = _deliver(errand)
        if receipt is None and error is None:
            return Done(errand, None)
        call_s = time.monotonic() - begun_s
        return Done(errand, receipt, error, call_s, pickup_s if was_prompt else None)

    def _look(self, errand: Errand) -> None:
        """Demand that a touch may still leave.

        Raises:
            NotSentError: It was taken back, or has expired.
            HandedBackError: Nothing begins on our way out, where nobody reads revocations.
        """
        if self._is_stopping.is_set() or errand.tray.is_closing:
            raise HandedBackError
        if self._was_revoked(errand):
            raise NotSentError(Why.REVOKED)
        if self._clock.now_ms(errand.waiting.partition) >= errand.waiting.expires_ms:
            raise NotSentError(Why.EXPIRED)

    def _was_revoked(self, errand: Errand) -> bool:
        """Look whether a touch was taken back, and if time has passed, by another sender too.

        A process that was stopped in between may have lost its partition meanwhile.
        """
        if errand.waiting.is_revoked:
            return True
        is_fresh = time.monotonic() - errand.begun_s < LOOK_AGAIN_S
        return not is_fresh and self._journal.is_revoked(errand.waiting.touch_id)


def _deliver(errand: Errand) -> tuple[Receipt | None, NotSentError | None]:
    """Call the provider, and note where the touch may have gone: a reply comes from there."""
    with noting() as destination:
        receipt, error = _call(errand)
    if receipt is not None and receipt.status != Status.FAILED and not receipt.address:
        receipt = receipt._replace(address=destination.address)
    return receipt, error


def _call(errand: Errand) -> tuple[Receipt | None, NotSentError | None]:
    """Call the provider; whatever it raises, of one person's touch, is an answer.

    Neither receipt nor error: it was not called, and the touch is another sender's.
    """
    touch_id = errand.touch.touch_id
    try:
        return sound_receipt(errand.lane.adapter.deliver(errand.touch), touch_id), None
    except HandedBackError:
        return None, None
    except NotSentError as error:
        refusal = sound_refusal(error, touch_id)
        if refusal.retry:
            return None, refusal
        return Receipt(Status.FAILED, refusal.outcome, refusal.reason), None
    except TimeoutError as error:
        reason: str = Why.TIMED_OUT
        log.warning("delivery_unknown", touch=touch_id, error=type(error).__name__)
    except BaseException as error:  # noqa: BLE001 (a client's exit is no reason to lose a courier)
        reason = _code_of(error) or type(error).__name__
        log.warning("delivery_unknown", touch=touch_id, error=type(error).__name__)
    return Receipt(Status.UNKNOWN, "", reason), None


def _code_of(error: BaseException) -> str:
    """Return the code that an error gives as its reason, if it does."""
    try:
        said = getattr(error, "reason", None)
    except Exception:  # noqa: BLE001 (a property that fails says nothing)
        return ""
    return said if isinstance(said, str) and _CODE.fullmatch(said) else ""
