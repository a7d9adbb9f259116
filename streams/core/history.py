"""What users did, folded anew under other rules: their rhythm, and nothing that was decided."""

from collections.abc import Callable
from typing import Final

from xxhash import xxh3_64_digest

from streams.core.inputs import Acted, Input, TraitsSet, ValueCorrected
from streams.core.rhythm import log_amount_of, make_fold
from streams.core.rules import Rules
from streams.core.state import RING_END, RING_START, blank, decode, encode
from streams.core.step import step

_BLANK: Final = encode(blank(0.0))


class History:
    """The users of a log, as they would be had these rules always been in force.

    Args:
        rules: How it is understood.
        person: Returns under which id somebody is known now.
        until_ms: Returns up to which event time what a user did has been applied.

    Attributes:
        values: User id to a state in which only the numbers of `state.LIVE` and the ring count.
        seen: Users of whom the log says anything.
        told: User id to the traits that were told.
        events: How many activities were folded.
    """

    def __init__(
        self,
        rules: Rules,
        person: Callable[[str], str] = str,
        until_ms: Callable[[str], float] = lambda _user_id: float("inf"),
    ) -> None:
        self._rules, self._fold = rules, make_fold(rules.churn)
        self._person = person
        self._until_ms = until_ms
        self.values: dict[str, bytes] = {}
        self.seen: set[str] = set()
        self.told: dict[str, dict[str, str]] = {}
        self.events = 0

    def add(self, signal: Input) -> None:
        """Take note of what happened; only activity and traits count."""
        said = getattr(signal, "user_id", "")
        if not said:
            return
        user_id = self._person(said)
        if signal.event_time_ms > self._until_ms(user_id):
            return
        self.seen.add(user_id)
        match signal:
            case TraitsSet():
                self.told.setdefault(user_id, {}).update(signal.told)
            case Acted():
                self._act(user_id, signal)
            case ValueCorrected():
                state = decode(self.values.get(user_id, _BLANK))
                self.values[user_id] = encode(step(state, signal, self._rules).state)

    def _act(self, user_id: str, signal: Acted) -> None:
        value = self.values.get(user_id, _BLANK)
        digest = xxh3_64_digest(signal.event_id.encode())
        if digest in value[RING_START:RING_END]:
            return
        self.events += 1
        self.values[user_id] = self._fold(
            value,
            float(signal.event_time_ms),
            log_amount_of(signal.amount),
            signal.money_minor,
            signal.slot,
            signal.is_risky,
            digest,
            0.0,
            b"",
        )
