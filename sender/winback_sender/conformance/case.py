"""A case before the judge: what was seen, ordered by touch, and what is forgiven. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final, NamedTuple

from winback_sender.conformance.evidence import Asked, Called, End, Evidence, Life, Said
from winback_sender.contract.words import STRENGTH


class Tolerances(NamedTuple):
    """What is not held against a sender, in ms.

    Attributes:
        revocation_ms: A revocation counts when it was on the topic so long before the call. It has
            to be fetched (most clients wait up to 500 ms for more) and a call that has begun cannot
            be taken back. A sender that was down reads first: there, too, this is enough.
        expiry_ms: A call that was begun in time may arrive so much after ``expires_at``: opening a
            connection with TLS takes a few round trips.
        early_ms: So much before ``not_before`` is on time: sender and provider round to the ms, and
            clocks that NTP keeps differ by a few.
        at_ms: So far ``at`` of feedback may lie outside of publication and arrival.
        receipt_ms: A receipt that was taken so short before the end need not be reported yet.
        crash_ms: A process killed so soon after a call may not have noted the answer.
    """

    revocation_ms: int = 1_000
    expiry_ms: int = 1_000
    early_ms: int = 50
    at_ms: int = 5_000
    receipt_ms: int = 3_000
    crash_ms: int = 2_000


class Fault(NamedTuple):
    """One thing that was done wrong.

    Attributes:
        subject: The touch, or the process.
        text: What, in words.
        at_ms: When; 0 = at no instant.
        other: Another touch that has to do with it.
    """

    subject: str
    text: str
    at_ms: int = 0
    other: str = ""


class Case:
    """Evidence, ordered by touch.

    Args:
        seen: All of it.
        tolerances: What is forgiven.
    """

    def __init__(self, seen: Evidence, tolerances: Tolerances) -> None:
        self.seen = seen
        self.allow = tolerances
        self.touches: Final = {touch.touch_id: touch for touch in seen.touches}
        self.committed: Final = [touch for touch in seen.touches if touch.is_committed]
        self.calls: Final[defaultdict[str, list[Called]]] = defaultdict(list)
        for call in sorted(seen.calls, key=lambda found: found.at_ms):
            self.calls[call.touch_id].append(call)
        self.said: Final[defaultdict[str, list[Said]]] = defaultdict(list)
        for word in seen.said:
            if word.status in STRENGTH:
                self.said[word.touch_id].append(word)

    def sent(self, touch_id: str) -> list[Called]:
        """Return the calls that went out to the user, in order."""
        return [call for call in self.calls[touch_id] if call.was_sent]

    def strongest(self, touch_id: str) -> str:
        """Return the strongest word on a touch, or nothing."""
        words = [said.status for said in self.said[touch_id]]
        return max(words, key=lambda word: STRENGTH[word], default="")

    @cached_property
    def crashes(self) -> list[Life]:
        """Return the processes that had no time to finish."""
        return [life for life in self.seen.lives if life.end in {End.KILLED, End.HUNG, End.DIED}]

    def crashed_between(self, from_ms: int, to_ms: int) -> bool:
        """Return whether a process of the sender ended without notice in between."""
        return any(from_ms <= (life.end_ms or 0) <= to_ms for life in self.crashes)

    def excused_between(self, from_ms: int, to_ms: int) -> bool:
        """Return whether in between a call may have begun that the provider never saw."""
        was_away = any(
            away.from_ms - self.allow.crash_ms <= to_ms and from_ms <= away.to_ms
            for away in self.seen.away
        )
        return was_away or self.crashed_between(from_ms, to_ms)

    def is_unclear(self, touch: Asked) -> bool:
        """Return whether the sender could not know at once what became of a call."""
        return any(
            not call.is_clear or self.crashed_between(call.at_ms, call.at_ms + self.allow.crash_ms)
            for call in self.calls[touch.touch_id]
        )


Judge = Callable[[Case], tuple[int, Iterator[Fault]]]
"""Returns how many cases could have gone wrong, and those that did."""
