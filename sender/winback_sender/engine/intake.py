"""The intake of a sender: each record goes onto a tray, stops a touch, or is refused."""

from collections.abc import Iterable, Sequence
from typing import Final

from winback_sender.clock import Clock
from winback_sender.contract.dead_letters import dead_letter
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked, UserErased
from winback_sender.contract.words import Why
from winback_sender.engine.endings import Ending, Endings, Owed, Place, unsent
from winback_sender.engine.inbox import REQUESTED, REVOKED, Letter, Unread
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Intent, Word
from winback_sender.engine.lane import Lanes
from winback_sender.engine.metrics import Meter, Metric
from winback_sender.engine.tray import Tray, Waiting
from winback_sender.logs import get_logger

log = get_logger(__name__)

WINDOW_BYTES: Final = 128 * 1_048_576
"""Of touches that wait, for all partitions; beyond that the topic keeps them."""
ERASED: Final = "erased"
"""Reason of a revocation: the user is to be forgotten."""


class Intake:
    """Takes records.

    Args:
        trays: The partitions.
        lanes: The providers.
        journal: Remembers what was taken back.
        endings: Takes what is refused.
        clock: Sees the time of records.
        meter: Counts.
        topic: Where the records stand.
        refuses_others: Whether a touch of a channel without a lane is refused; else it is another
            sender's.
    """

    def __init__(
        self,
        trays: dict[int, Tray],
        lanes: Lanes,
        journal: Journal,
        endings: Endings,
        clock: Clock,
        meter: Meter,
        *,
        topic: str,
        refuses_others: bool = False,
    ) -> None:
        self._trays = trays
        self._lanes = lanes
        self._journal = journal
        self._endings = endings
        self._clock = clock
        self._meter = meter
        self._topic = topic
        self._refuses_others = refuses_others
        self.window_bytes = WINDOW_BYTES

    def take(self, letters: Iterable[Letter]) -> None:
        """Take records; revocations are on disk when it returns."""
        revoked: list[TouchRevoked] = []
        erased: dict[str, None] = {}
        refused: list[tuple[Letter, Unread]] = []
        at_ms = 0
        for letter in letters:
            tray = self._trays.get(letter.partition)
            if tray is None or not tray.expects(letter.offset):
                continue
            tray.saw(letter.offset)
            self._clock.see(letter.partition, letter.at_ms)
            at_ms = letter.at_ms
            match letter.message:
                case TouchRequested():
                    if (problem := self._keep(tray, letter, letter.message)) is not None:
                        refused.append((letter, problem))
                case TouchRevoked():
                    revoked.append(letter.message)
                case Unread():
                    refused.append((letter, letter.message))
                case UserErased():
                    erased[letter.message.user_id] = None
                case CaseClosed() | None:
                    pass
        stopped = [unread.touch_id for _, unread in refused if unread.kind == REVOKED]
        self._revoke([message.touch_id for message in revoked] + [*filter(None, stopped)], at_ms)
        self._forget(revoked, erased)
        self._refuse([one for one in refused if self._is_ours(*one)])

    def room(self, tray: Tray) -> bool:
        """Whether a tray that had no room for all has room enough again."""
        return tray.dropped_from is not None and tray.bytes < self._share / 2

    def _forget(self, revoked: Iterable[TouchRevoked], erased: Iterable[str]) -> None:
        """Forget users: those of whom a touch was taken back for it, and those that are named."""
        for message in revoked:
            if message.reason == ERASED:
                self._journal.scrub(message.user_id, message.touch_id)
        for user_id in erased:
            self._journal.scrub(user_id)

    @property
    def _share(self) -> int:
        return self.window_bytes // max(1, len(self._trays))

    def _keep(self, tray: Tray, letter: Letter, touch: TouchRequested) -> Unread | None:
        lane = self._lanes.carrying(touch.channel)
        if lane is None:
            self._meter.add(Metric.PASSED_OVER, reason="other_channel")
            if not self._refuses_others:
                return None
            detail = f"nobody here sends through {touch.channel!r}"
            return Unread(
                Why.UNKNOWN_CHANNEL, detail, REQUESTED, touch.touch_id, touch.user_id, touch.channel
            )
        assert letter.value is not None, "a touch was read from nothing"
        waiting = Waiting(
            touch, letter.value, lane.name, partition=letter.partition, offset=letter.offset,
            stamp_ms=letter.timestamp_ms,
        )  # fmt: skip
        tray.put(waiting, bytes_max=self._share)
        return None

    def _is_ours(self, letter: Letter, unread: Unread) -> bool:
        """Return whether it is for us to say that a record is refused."""
        is_others = unread.channel and self._lanes.carrying(unread.channel) is None
        if is_others and not self._refuses_others:
            return False
        tray = self._trays[letter.partition]
        if tray.dropped_from is not None:  # It is read again, in its order.
            return False
        tray.owe(letter.offset)
        return True

    def _revoke(self, touch_ids: Sequence[str], at_ms: int) -> None:
        if not touch_ids:
            return
        for touch_id, was_in_time in zip(
            touch_ids, self._journal.revoke(touch_ids, at_ms), strict=True
        ):
            word = "in_time" if was_in_time else "begun"
            self._meter.add(Metric.REVOCATIONS, when=word)
            self._endings.counts["revocations" if was_in_time else "revocations_too_late"] += 1
            for tray in self._trays.values():
                tray.revoke(touch_id)

    def _refuse(self, refused: Sequence[tuple[Letter, Unread]]) -> None:
        """Owe a dead letter, and the touch's end if one can be read; the journal knows better."""
        touches = [
            (letter, unread)
            for letter, unread in refused
            if unread.kind == REQUESTED and unread.touch_id and unread.user_id
        ]
        self._end(touches)
        for letter, unread in refused:
            self._meter.add(Metric.DEAD_LETTERS, reason=unread.reason)
            log.warning("dead_letter", partition=letter.partition, offset=letter.offset,
                        reason=unread.reason)  # fmt: skip
            output = dead_letter(
                unread.reason, unread.detail, topic=self._topic, partition=letter.partition,
                offset=letter.offset, key=letter.key, value=letter.value,
                timestamp_ms=letter.timestamp_ms,
            )  # fmt: skip
            place = Place(self._trays[letter.partition], letter.offset)
            self._endings.outbox.append(Owed(letter=output, place=place))

    def _end(self, touches: Sequence[tuple[Letter, Unread]]) -> None:
        if not touches:
            return
        now_ms = [self._clock.now_ms(letter.partition) for letter, _ in touches]
        known = self._journal.begin([
            Intent(unread.touch_id, unread.user_id, unread.channel, "", at_ms, at_ms)
            for (_, unread), at_ms in zip(touches, now_ms, strict=True)
        ])  # fmt: skip
        endings = []
        for (_, unread), at_ms, entry in zip(touches, now_ms, known, strict=True):
            is_unfinished = entry and entry.state == "intended" and not entry.provider
            if entry is None or entry.state == "revoked" or is_unfinished:
                endings.append(Ending(Word(unread.touch_id, unsent(unread.reason), at_ms)))
            elif entry.state == "known":
                self._endings.again(entry, None)
        self._endings.settle(endings)
