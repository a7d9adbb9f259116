"""The desk of a sender: what to do with each touch, in which order; knows nothing of Kafka.

Touches of one user leave in the order in which they were asked for; one that must wait holds back
the later ones of its user, and nobody else's.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from winback_sender.clock import Clock
from winback_sender.contract.instants import DAY_MS, instant_ms
from winback_sender.contract.messages import TouchRequested, TouchRevoked
from winback_sender.contract.words import UNSENT, Status, Why
from winback_sender.feedback import Report
from winback_sender.inbox import Letter
from winback_sender.journal import Entry, Journal
from winback_sender.logs import get_logger, hashed
from winback_sender.receipt import Deliver, NotSentError, Receipt

log = get_logger(__name__)

REVOKED: Final = Receipt(Status.FAILED, UNSENT, Why.REVOKED)
EXPIRED: Final = Receipt(Status.FAILED, UNSENT, Why.EXPIRED)
INTERRUPTED: Final = Receipt(Status.UNKNOWN, "", Why.INTERRUPTED)
"""The sender ended between the intent and the receipt."""
RETENTION_MS: Final = 30 * DAY_MS
"""Topics keep a touch for 7 days: after its expiry and this nobody can read it again."""


class Waiting(NamedTuple):
    """A touch on the desk, with its instants in epoch ms UTC."""

    offset: int
    touch: TouchRequested
    not_before_ms: int
    expires_ms: int


class Desk:
    """Decides about the touches of the partitions of one sender.

    Args:
        deliver: Sends one touch.
        journal: Remembers what was begun.
        clock: Says what is due.

    Attributes:
        counts: What happened so far: touches by the status that they ended with.
    """

    def __init__(self, deliver: Deliver, journal: Journal, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self._deliver = deliver
        self._journal = journal
        self._clock = clock
        self._waiting: dict[int, deque[Waiting]] = {}
        self._read: dict[int, int] = {}
        self._taken: dict[int, int] = {}

    def handle(
        self, letters: Sequence[Letter], is_stopping: Callable[[], bool] = lambda: False
    ) -> Iterator[Report]:
        """Take messages, deliver what is due, and yield what is to be reported.

        Whatever a later message of the batch revokes is not sent, if the clock looks ahead. The end
        comes between two touches, when it is asked for.
        """
        if self._clock.looks_ahead:
            self._take(letters)
        else:
            for letter in letters:
                if is_stopping():
                    return
                self._take([letter])
                yield from self._work(letter.partition, is_stopping)
        for partition in self._waiting:
            yield from self._work(partition, is_stopping)

    def _take(self, letters: Iterable[Letter]) -> None:
        for partition, offset, at_ms, message in letters:
            self._clock.see(partition, at_ms)
            self._read[partition] = offset + 1
            queue = self._waiting.setdefault(partition, deque())
            if isinstance(message, TouchRequested):
                try:
                    times = instant_ms(message.not_before), instant_ms(message.expires_at)
                except ValueError as error:
                    self._pass_over(partition, offset, str(error))
                else:
                    queue.append(Waiting(offset, message, *times))
            elif isinstance(message, TouchRevoked):
                was_in_time = self._journal.revoke(message.touch_id, at_ms)
                self.counts["revocations" if was_in_time else "revocations_too_late"] += 1
            elif message is None:
                self._pass_over(partition, offset, "not a message of the contract")

    def _work(self, partition: int, is_stopping: Callable[[], bool]) -> Iterator[Report]:
        """Deliver what is due on a partition."""
        queue, now_ms = self._waiting[partition], self._clock.now_ms(partition)
        held: deque[Waiting] = deque()
        held_users: set[str] = set()
        while queue and not is_stopping():
            waiting = queue.popleft()
            user_id = waiting.touch.user_id
            if user_id in held_users or now_ms < waiting.not_before_ms:
                held_users.add(user_id)
                held.append(waiting)
                continue
            feedback = self._settle(waiting, now_ms)
            if feedback is not None:
                yield feedback
        queue.extendleft(reversed(held))

    def reported(self, touch_ids: Iterable[str]) -> None:
        """Take note that Kafka has the feedback of touches."""
        self._journal.reported(touch_ids)

    def prune(self) -> None:
        """Forget touches that expired long ago; in a replayed log nothing is ever long ago."""
        if self._clock.looks_ahead:
            pruned = self._journal.prune(self._clock.now_ms(0) - RETENTION_MS)
            log.info("journal_pruned", touches=pruned)

    def take_finished(self) -> dict[int, int]:
        """Return, by partition, the offset below which nothing is left to do, if it has moved."""
        finished = {
            partition: self._waiting[partition][0].offset if self._waiting[partition] else after
            for partition, after in self._read.items()
        }
        moved = {
            partition: offset
            for partition, offset in finished.items()
            if offset != self._taken.get(partition)
        }
        self._taken.update(moved)
        return moved

    def clear(self, partitions: Iterable[int]) -> None:
        """Forget partitions that are no longer ours; whoever has them reads them anew."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._read.pop(partition, None)
            self._taken.pop(partition, None)

    def _settle(self, waiting: Waiting, now_ms: int) -> Report | None:
        """Bring a touch that is due to its end; return None if Kafka knows the end already."""
        touch = waiting.touch
        known = self._journal.begin(touch.touch_id, now_ms)
        if known is None:
            receipt = EXPIRED if now_ms >= waiting.expires_ms else self._send(touch)
        elif known.state == "known":
            return self._again(touch, known)
        else:
            receipt = REVOKED if known.state == "revoked" else INTERRUPTED
        self._journal.settle(touch.touch_id, receipt, now_ms, waiting.expires_ms)
        self.counts[receipt.outcome or str(receipt.status)] += 1
        log.info("touch_settled", touch=touch.touch_id, user=hashed(touch.user_id),
                 status=str(receipt.status), outcome=receipt.outcome)  # fmt: skip
        return Report(touch.touch_id, touch.user_id, touch.channel, "", receipt, now_ms)

    def _send(self, touch: TouchRequested) -> Receipt:
        try:
            return self._deliver(touch)
        except NotSentError as error:
            return Receipt(Status.FAILED, error.outcome, error.reason)
        except Exception as error:  # noqa: BLE001 (whatever a provider's client raises: the touch may have left)
            log.warning("delivery_unknown", touch=touch.touch_id, error=repr(error))
            return Receipt(Status.UNKNOWN, "", type(error).__name__)

    def _again(self, touch: TouchRequested, known: Entry) -> Report | None:
        self.counts["repeated"] += 1
        if known.is_reported:
            return None
        return Report(touch.touch_id, touch.user_id, touch.channel, "", known.receipt, known.at_ms)

    def _pass_over(self, partition: int, offset: int, why: str) -> None:
        self.counts["passed_over"] += 1
        log.warning("message_passed_over", partition=partition, offset=offset, reason=why)
