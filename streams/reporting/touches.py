"""Touches that were asked for, and what their senders said, in whatever order it was read."""

from collections import defaultdict
from datetime import UTC, datetime
from sys import intern
from typing import Final, NamedTuple

from streams.core.feedback import ARRIVED, UNANSWERED
from streams.core.native import FEEDBACK_STATUSES
from streams.reporting.tally import Tally
from winback_sender.contract.messages import Feedback, TouchRequested
from winback_sender.contract.words import STRENGTH, WRONG_NUMBER

SILENT: Final = "silent"
"""Of a touch on which its sender has not said a word."""

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
    """

    day: int
    case_id: str
    channel: str
    is_first: bool
    said: set[str]
    outcomes: set[str]

    def tell(self, tally: Tally) -> None:
        """Count what was said of it."""
        for word in self.said or {SILENT}:
            tally.answers[self.channel, word] += 1
        tally.arrived[self.channel] += bool(self.said & REACHED)
        tally.facts["contradictory"] += bool("failed" in self.said and self.said & REACHED)
        tally.outcomes.update(self.outcomes)


class Touches:
    """All touches, by id; one that is read twice counts once.

    Attributes:
        asked: Touch id to what is known of it.
    """

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self._contacted: set[str] = set()
        self._early: defaultdict[str, tuple[set[str], set[str]]] = defaultdict(
            lambda: (set(), set())
        )

    def ask(self, touch: TouchRequested, day: int) -> bool:
        """Take note of a request; return whether it is a new one."""
        if touch.touch_id in self.asked:
            return False
        said, outcomes = self._early.pop(touch.touch_id, (set(), set()))
        is_first = touch.case_id not in self._contacted
        self._contacted.add(touch.case_id)
        self.asked[touch.touch_id] = Asked(
            day, touch.case_id, intern(touch.channel), is_first, said, outcomes
        )
        return True

    def is_first(self, touch: TouchRequested) -> bool:
        """Return whether a touch is the first of its case."""
        return self.asked[touch.touch_id].is_first

    def hear(self, heard: Feedback) -> None:
        """Take note of what a sender says, also of a touch that was not read yet."""
        found = self.asked.get(heard.touch_id)
        early = self._early[heard.touch_id] if found is None else (found.said, found.outcomes)
        early[0].add(_word(heard))
        if heard.outcome:
            early[1].add(heard.outcome)

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
