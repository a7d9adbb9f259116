"""The desk of a sender: what to do with each touch, in which order; knows no Kafka and no threads.

The order is the promise: intent on disk, delivery, receipt on disk, feedback.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from winback_sender.clock import Clock
from winback_sender.contract.words import Why
from winback_sender.engine.endings import INTERRUPTED, Ending, Endings, Place, unsent
from winback_sender.engine.errand import Done, Errand, Pick
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Intent, Word
from winback_sender.engine.lane import Earliest, Lane, Lanes, earliest_always
from winback_sender.engine.retries import RETRY_BASE_S, RETRY_MAX_S, jittered_s
from winback_sender.engine.tray import NEVER_MS, Tray, Waiting
from winback_sender.logs import get_logger
from winback_sender.receipt import Receipt

log = get_logger(__name__)

IDLE_S: Final = 0.2


class Desk:
    """Decides about the touches of the partitions of one sender.

    Args:
        lanes: The providers.
        journal: Remembers what was begun.
        endings: Takes what became of touches.
        clock: Says what is due.
        law: When a touch may be sent.
        chance: Returns a number in [0, 1), for pauses.

    Attributes:
        trays: The partitions.
        lanes: The providers.
        wait_s: So long nothing becomes due, seconds, unless something comes.
    """

    def __init__(
        self,
        lanes: Lanes,
        journal: Journal,
        endings: Endings,
        clock: Clock,
        *,
        law: Earliest = earliest_always,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self.trays: dict[int, Tray] = {}
        self.wait_s = IDLE_S
        self.lanes = lanes
        self._journal = journal
        self._endings = endings
        self._clock = clock
        self._law = law
        self._chance = chance
        self._under_way: set[str] = set()
        self._turn = 0

    @property
    def under_way(self) -> int:
        """Touches that are begun."""
        return len(self._under_way)

    def begin(self, room: int, now_s: float, only: Tray | None = None) -> list[Errand]:
        """Write the intents of what is due; end what will not leave.

        Args:
            room: So many may be begun.
            now_s: A monotonic instant, for limits, seconds.
            only: This partition alone.
        """
        self.wait_s = IDLE_S
        picks: list[Pick] = []
        for tray in self._in_turn() if only is None else [only]:
            if tray.is_open and not tray.is_closing:
                picks += self._ending(tray, now_s)
                due = list(self._due(tray, now_s, room))
                room -= sum(pick.ending is None for pick in due)
                picks += due
        return self._write(picks, now_s)

    def ended(self, done: Sequence[Done], now_s: float) -> None:
        """Write what came of errands.

        Args:
            done: What came.
            now_s: A monotonic instant, seconds.
        """
        endings: list[Done] = []
        postponed: list[tuple[Done, int]] = []
        for one in done:
            self._under_way.discard(one.errand.waiting.touch_id)
            one.tell_breaker(now_s)
            again_ms = self._retry_ms(one) if one.receipt is None else None
            if again_ms is None:
                endings.append(one)
            else:
                postponed.append((one, again_ms))
        self._end([*endings, *self._postpone(postponed)])

    def _in_turn(self) -> list[Tray]:
        """Return the partitions, another one first each time."""
        trays = list(self.trays.values())
        self._turn = (self._turn + 1) % max(1, len(trays))
        return trays[self._turn :] + trays[: self._turn]

    def _ending(self, tray: Tray, now_s: float) -> Iterator[Pick]:
        for waiting in tray.ending(self._clock.now_ms(tray.partition)):
            pick = self._pick(tray, waiting, None)
            yield pick._replace(ending=unsent(pick.lane.held_by(waiting, now_s)))
        self._wake(tray, tray.next_expiry_ms())

    def _due(self, tray: Tray, now_s: float, room: int) -> Iterator[Pick]:
        now_ms = self._clock.now_ms(tray.partition)
        for lane in self.lanes.all:
            while room > 0 and tray.next_due_ms(lane.name) <= now_ms:
                wait_s = lane.wait_s(now_s) if self._clock.looks_ahead else 0.0
                if wait_s:
                    self.wait_s = min(self.wait_s, wait_s)
                    break
                pick = self._look(tray, tray.pop(lane.name), lane, now_s, now_ms)
                if pick is not None:
                    room -= pick.ending is None
                    yield pick
            else:
                if room > 0:  # Otherwise it is woken when a touch ends.
                    self._wake(tray, tray.next_due_ms(lane.name))

    def _look(
        self, tray: Tray, waiting: Waiting, lane: Lane, now_s: float, now_ms: int
    ) -> Pick | None:
        """Decide about a touch whose instant has come; None: it waits on."""
        pick = self._pick(tray, waiting, None)
        if now_ms >= waiting.expires_ms:
            return pick._replace(ending=unsent(waiting.held_by))
        try:
            earliest_ms = self._law(lane.name, pick.touch, now_ms)
        except Exception as error:  # noqa: BLE001 (one person's data stops nobody else's touch)
            log.warning("law_failed", touch=waiting.touch_id, error=error)
            return pick._replace(ending=unsent(Why.NOT_READABLE))
        if earliest_ms >= waiting.expires_ms:
            return pick._replace(ending=unsent(Why.OUT_OF_HOURS))
        if earliest_ms > now_ms:
            waiting.held_by = Why.OUT_OF_HOURS
            tray.hold(waiting, earliest_ms)
            return None
        if self._clock.looks_ahead:
            wait_s = lane.gate.template_wait_s(pick.touch.template_key, now_s)
            if wait_s:
                waiting.held_by = Why.OVER_LIMIT
                tray.hold(waiting, now_ms + max(1, round(1_000 * wait_s)))
                return None
            lane.begin(pick.touch.template_key)
        return pick

    def _pick(self, tray: Tray, waiting: Waiting, ending: Receipt | None) -> Pick:
        lane = self.lanes.named(waiting.lane)
        assert lane is not None, "a touch waits for a provider that this sender has not"
        return Pick(tray, waiting, waiting.touch(), lane, ending)

    def _write(self, picks: list[Pick], now_s: float) -> list[Errand]:
        """Write intents; a touch that stands in the journal already is not begun again."""
        if not picks:
            return []
        intents = [
            Intent(
                waiting.touch_id, waiting.user_id, touch.channel, lane.name,
                self._clock.now_ms(tray.partition), waiting.expires_ms,
            )
            for tray, waiting, touch, lane, _ in picks
        ]  # fmt: skip
        errands, endings, known = [], [], []
        for pick, entry in zip(picks, self._journal.begin(intents), strict=True):
            tray, waiting, touch, lane, ending = pick
            if entry is None and ending is None:
                self._under_way.add(waiting.touch_id)
                errands.append(Errand(tray, waiting, touch, lane, now_s))
                continue
            if ending is None:
                lane.breaker.withdraw()
            if entry is None or entry.state == "revoked":
                receipt = ending if entry is None else unsent(Why.REVOKED)
                assert receipt is not None
                endings.append((pick, self._word(pick, receipt)))
            elif entry.state == "known":
                known.append((pick, entry))
            elif waiting.touch_id in self._under_way:  # It stands in the topic twice.
                tray.release(waiting)
                tray.finish(waiting.offset)
            else:
                endings.append((pick, self._word(pick, INTERRUPTED)))
        self._endings.settle([ending for _, ending in endings])
        for pick, entry in known:
            self._endings.again(entry, Place(pick.tray, pick.waiting.offset))
        for pick, _ in (*endings, *known):
            pick.tray.release(pick.waiting)
        return errands

    def _word(self, about: Pick | Errand, receipt: Receipt) -> Ending:
        now_ms = self._clock.now_ms(about.tray.partition)
        ask_ms = about.lane.ask_ms(receipt, 0, now_ms, now_ms)
        word = Word(about.waiting.touch_id, receipt, now_ms, ask_ms)
        return Ending(word, Place(about.tray, about.waiting.offset))

    def _end(self, done: Sequence[Done]) -> None:
        endings = []
        for one in done:
            waiting = one.errand.waiting
            reason = waiting.held_by if one.error is None else one.error.reason or Why.UNAVAILABLE
            endings.append(self._word(one.errand, one.receipt or unsent(reason)))
        self._endings.settle(endings)
        for one in done:
            one.errand.tray.release(one.errand.waiting)

    def _postpone(self, postponed: Sequence[tuple[Done, int]]) -> list[Done]:
        """Take intents back; return those of which another sender has said something since."""
        if not postponed:
            return []
        ids = [one.errand.waiting.touch_id for one, _ in postponed]
        lost = []
        for (one, at_ms), is_ours in zip(postponed, self._journal.postpone(ids), strict=True):
            waiting = one.errand.waiting
            if not is_ours:
                lost.append(one)
                continue
            if one.error is not None:
                waiting.attempts += 1
                waiting.held_by = one.error.reason or Why.UNAVAILABLE
            one.errand.tray.hold(waiting, at_ms)
        return lost

    def _retry_ms(self, done: Done) -> int | None:
        """Return when a touch that did not leave is tried again; None: it expires before."""
        waiting = done.errand.waiting
        now_ms = self._clock.now_ms(waiting.partition)
        if done.error is None:
            return now_ms
        pause_s = jittered_s(waiting.attempts, RETRY_BASE_S, RETRY_MAX_S, self._chance)
        at_ms = now_ms + round(1_000 * max(pause_s, done.error.after_s))
        return at_ms if at_ms < waiting.expires_ms else None

    def _wake(self, tray: Tray, at_ms: int) -> None:
        if at_ms < NEVER_MS and self._clock.looks_ahead:
            wait_s = (at_ms - self._clock.now_ms(tray.partition)) / 1_000
            self.wait_s = min(self.wait_s, max(0.0, wait_s))
