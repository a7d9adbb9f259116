"""Touches that were asked for, and what their senders said, in whatever order it was read."""

from collections import defaultdict
from datetime import UTC, datetime
from sys import intern
from typing import Final, NamedTuple

from streams.core.feedback import ARRIVED, UNANSWERED
from streams.core.interpret import FEEDBACK_STATUSES
from streams.core.unheard import UNACCEPTED
from streams.reporting.tally import Tally
from winback_sender.contract.messages import Feedback, TouchRequested
from winback_sender.contract.words import STRENGTH, WRONG_NUMBER

SILENT: Final = "silent"
"""Of a touch on which its sender has not said a word."""

UNLUCKY: Final = frozenset({"failed", "unknown"})
"""Words whose reasons are counted."""

Early = tuple[set[str], set[str], set[str]]
"""What was said of a touch, its outcomes and its reasons."""

REACHED: Final = frozenset(word for word, strength in STRENGTH.items() if strength >= ARRIVED)
"""Words after which a touch has reached its user."""


class Asked(NamedTuple):
    """A touch that was requested.

    Attributes:
        day: When.
        case_id: Its case.
        channel: Its channel.
        is_first: Whether it is the first of its case that was read.
        said: Words of its sender.
        outcomes: Outcome codes of the people who handled it.
        reasons: Why it failed, or why nobody knows what became of it.
    """

    day: int
    case_id: str
    channel: str
    is_first: bool
    said: set[str]
    outcomes: set[str]
    reasons: set[str]

    def tell(self, tally: Tally) -> None:
        """Count what was said of it."""
        for word in self.said - {UNACCEPTED} or self.said or {SILENT}:
            tally.answers[self.channel, word] += 1
        tally.arrived[self.channel] += bool(self.said & REACHED)
        tally.facts["contradictory"] += bool("failed" in self.said and self.said & REACHED)
        tally.outcomes.update(self.outcomes)
        tally.reasons.update((self.channel, reason) for reason in self.reasons)


class Touches:
    """All touches, by id; one that is read twice counts once.

    Attributes:
        asked: Touch id to what is known of it.
    """

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self._contacted: set[str] = set()
        self._early: defaultdict[str, Early] = defaultdict(lambda: (set(), set(), set()))

    def ask(self, touch: TouchRequested, day: int) -> bool:
        """Take note of a request; return whether it is a new one."""
        if touch.touch_id in self.asked:
            return False
        early = self._early.pop(touch.touch_id, None) or (set(), set(), set())
        is_first = touch.case_id not in self._contacted
        self._contacted.add(touch.case_id)
        self.asked[touch.touch_id] = Asked(
            day, touch.case_id, intern(touch.channel), is_first, *early
        )
        return True

    def is_first(self, touch: TouchRequested) -> bool:
        """Return whether a touch is the first of its case."""
        return self.asked[touch.touch_id].is_first

    def hear(self, heard: Feedback) -> None:
        """Take note of what a sender says, also of a touch that was not read yet."""
        said, outcomes, reasons = self._of(heard.touch_id)
        said.add(_word(heard))
        if heard.outcome:
            outcomes.add(heard.outcome)
        if heard.reason and heard.status in UNLUCKY:
            reasons.add(heard.reason)

    def give_up(self, touch_id: str) -> None:
        """Take note that nobody has spoken of a touch for too long."""
        self._of(touch_id)[0].add(UNACCEPTED)

    def _of(self, touch_id: str) -> "Early":
        found = self.asked.get(touch_id)
        if found is None:
            return self._early[touch_id]
        return found.said, found.outcomes, found.reasons

    @property
    def unknown(self) -> int:
        """Touches that feedback named and nobody asked for."""
        return len(self._early)


def _word(heard: Feedback) -> str:
    """Return what was said of a touch: a person who reached nobody has not handled it."""
    if heard.status == "handled" and heard.outcome in UNANSWERED:
        return "unanswered"
    if heard.status == "handled" and heard.outcome == WRONG_NUMBER:
        return "failed"
    return intern(heard.status)


def heard_at(heard: Feedback) -> datetime:
    """Return when something was said.

    Raises:
        ValueError: The instant has no zone, or the status is none of ours.
    """
    if heard.status not in FEEDBACK_STATUSES:
        raise ValueError(f"{heard.status!r} is no status; known: {sorted(FEEDBACK_STATUSES)}")
    if not isinstance(heard.at, datetime):
        return datetime.fromtimestamp(heard.at / 1_000, UTC)
    if heard.at.tzinfo is None:
        raise ValueError(f"at {heard.at} names no zone")
    return heard.at
