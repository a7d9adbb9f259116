"""What the referee knows of one user: everything that was said, and from when on it counts."""

from typing import NamedTuple


class Fact(NamedTuple):
    """Something that holds from an instant on, once the step it came in has begun."""

    step: int
    effective_ms: int
    name: str
    value: object


class Dossier:
    """One user.

    Attributes:
        contacts: Instant and channel of every touch that was requested.
    """

    def __init__(self) -> None:
        self.contacts: list[tuple[int, str]] = []
        self._facts: list[Fact] = []
        self._acts: list[tuple[int, int]] = []
        self._newest_ms: int | None = None
        self._reached_ms = 0
        self._step = -1
        self._erased: list[tuple[int, int, int]] = []
        self._before: list[Fact] = []

    def admits(self, effective_ms: int, *, is_feedback: bool) -> bool:
        """Return whether an input may be kept; of an erased user nothing is, for a while."""
        if not self._erased:
            return True
        until_ms = self._erased[-1][2]
        has_file = self._newest_ms is not None or bool(self._acts) or bool(self._facts)
        if is_feedback:
            return has_file
        return has_file or effective_ms >= until_ms

    def act(self, step: int, effective_ms: int, at_ms: int) -> None:
        """Note an activity."""
        if step != self._step:
            self._settle()
            self._step = step
        # Timers fire up to a user's newest act, so an older one that follows counts from there.
        self._reached_ms = max(self._reached_ms, effective_ms)
        self._acts.append((self._reached_ms, at_ms))

    def say(self, step: int, effective_ms: int, name: str, *, value: object) -> None:
        """Note what the user, or a sender, said."""
        self._facts.append(Fact(step, effective_ms, name, value))

    def erase(self, step: int, effective_ms: int, hold_ms: int) -> None:
        """Forget everything, and be forgotten for a while."""
        self._before, self._facts = self._facts, []
        self._acts.clear()
        self.contacts.clear()
        self._newest_ms = None
        self._erased.append((step, effective_ms, effective_ms + hold_ms))

    def known(self, step: int, at_ms: int) -> dict[str, object]:
        """Return what holds at an instant, by name."""
        is_before = bool(self._erased) and self._erased[-1][0] == step
        is_before = is_before and at_ms <= self._erased[-1][1]
        return {
            fact.name: fact.value
            for fact in (self._before if is_before else self._facts)
            if fact.step < step or fact.effective_ms < at_ms
        }

    def newest(self, step: int, at_ms: int) -> int | None:
        """Return the newest activity that is known at an instant, or None."""
        is_over = self._step < step
        times = [when for effective_ms, when in self._acts if is_over or effective_ms < at_ms]
        if self._newest_ms is not None:
            times.append(self._newest_ms)
        return max(times, default=None)

    def is_full(self, cap: tuple[int, int], at_ms: int, channel: str) -> bool:
        """Return whether one touch more would break a cap; an empty channel means all."""
        touches, per_ms = cap
        within = [
            1
            for when, where in self.contacts
            if at_ms - per_ms < when <= at_ms and channel in {"", where}
        ]
        return len(within) >= touches

    def is_erased(self, step: int, at_ms: int) -> bool:
        """Return whether the user is forgotten at an instant."""
        return any(
            (when < step or effective_ms < at_ms) and at_ms < until_ms
            for when, effective_ms, until_ms in self._erased
        )

    def _settle(self) -> None:
        times = [when for _, when in self._acts]
        if self._newest_ms is not None:
            times.append(self._newest_ms)
        self._newest_ms, self._acts = max(times, default=None), []
