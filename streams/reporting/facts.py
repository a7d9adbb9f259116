"""What the messages say: a fold of decisions, touches and feedback into counts and episodes.

Nothing of a message is kept but what figures need; a message that is read twice counts once.
"""

from collections import Counter, defaultdict
from datetime import tzinfo
from sys import intern
from typing import Final, NamedTuple

import msgspec

from streams.core.messages import (
    BudgetStatus,
    Decision,
    Episode,
    OfDecisions,
    RiskChanged,
    TouchUnaccepted,
)
from streams.reporting.calendar import Span, day_numbers
from streams.reporting.standing import Budgets, Standing
from streams.reporting.tally import ALL, Cell, Tally, added
from streams.reporting.touches import Touches, heard_at
from winback_sender.contract.messages import (
    CaseClosed,
    Feedback,
    OfWinBack,
    TouchRequested,
    TouchRevoked,
)

DECISIONS: Final = "decisions"
TOUCHES: Final = "touches"
FEEDBACK: Final = "feedback"
STREAMS: Final = (DECISIONS, TOUCHES, FEEDBACK)

EXAMPLES_MAX: Final = 5

_DECODERS: Final = {
    DECISIONS: msgspec.json.Decoder(OfDecisions),
    TOUCHES: msgspec.json.Decoder(OfWinBack),
    FEEDBACK: msgspec.json.Decoder(Feedback),
}


class Answered(NamedTuple):
    """An episode, as far as figures need it."""

    user_id: str
    exposed: int
    matured: int
    is_held_out: bool
    returned: bool
    value: int
    risk: float
    propensity: float
    of_variant: float
    currency: str
    cells: tuple[Cell, ...]


class Facts:
    """What is known so far.

    Args:
        zone: Zone whose days are counted in.
        until: Day after which nothing is taken note of.

    Attributes:
        days: Day to its counts.
        episodes: Of both arms, in the order they were read.
        standing: Who is at which risk now.
        budgets: How the days stood with their budgets.
        currencies: Currency to messages that name it.
        read: Stream to messages understood.
        broken: Stream to messages not understood.
        first_broken: Where, and why, of the first few.
        playbooks: (playbook, variant) to the versions seen.
        newest: The last day of a message; 0 = there is none.
    """

    def __init__(self, zone: tzinfo, until: int | None = None) -> None:
        self.days: defaultdict[int, Tally] = defaultdict(Tally)
        self.episodes: list[Answered] = []
        self.standing = Standing()
        self.budgets = Budgets()
        self.currencies: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.first_broken: list[str] = []
        self.newest = 0
        self._zone = zone
        self._until = until
        self._day_of = day_numbers(zone)
        self._cases: dict[str, tuple[Cell, ...]] = {}
        self._touches = Touches()
        self._matured: set[str] = set()

    def see(self, stream: str, value: bytes, where: str) -> None:
        """Take note of one message.

        Args:
            stream: One of `STREAMS`.
            value: Its bytes.
            where: What to call its place, should it be broken: a file and line, or an offset.
        """
        try:
            message = _DECODERS[stream].decode(value)
            self._fold(message)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
            self.broken[stream] += 1
            if len(self.first_broken) < EXAMPLES_MAX:
                self.first_broken.append(f"{where}: {error}")
        else:
            self.read[stream] += 1

    def within(self, span: Span) -> Tally:
        """Return the counts of a period."""
        return added(day for number, day in self.days.items() if span.holds(number))

    def first_day(self) -> int:
        """Return the day of the oldest message that counts; 0 = there is none."""
        return min(self.days, default=0)

    def _fold(self, message: object) -> None:
        match message:
            case Decision():
                self._decision(message)
            case TouchRequested():
                self._touch(message)
            case Feedback():
                self._feedback(message)
            case Episode():
                self._episode(message)
            case RiskChanged():
                self._risk(message)
            case BudgetStatus():
                self._budget(message)
            case TouchUnaccepted():
                self._given_up(message)
            case TouchRevoked():
                self._revoked(message)
            case CaseClosed():
                self._closed(message)

    def _risk(self, changed: RiskChanged) -> None:
        if (day := self._day(changed.changed_at)) is None:
            return
        self.standing.see(changed)
        self.days[day].moved[changed.band, "+"] += 1
        self.days[day].moved[changed.band_before, "-"] += 1

    def _budget(self, said: BudgetStatus) -> None:
        if self._day(said.at) is not None:
            self.budgets.see(said)

    def _given_up(self, touch: TouchUnaccepted) -> None:
        if self._day(touch.given_up_at) is not None:
            self._touches.give_up(touch.touch_id)

    def _revoked(self, touch: TouchRevoked) -> None:
        if (day := self._day(touch.revoked_at)) is not None:
            self.days[day].revoked[touch.reason] += 1

    def _closed(self, case: CaseClosed) -> None:
        if (day := self._day(case.closed_at)) is not None:
            self.days[day].closed[case.outcome, "held_out" if case.is_held_out else "treated"] += 1

    def _day(self, at: str) -> int | None:
        """Return the day of an instant, or None when it lies after the period."""
        day = self._day_of(at)
        if self._until is not None and day > self._until:
            return None
        self.newest = max(self.newest, day)
        return day

    def _decision(self, said: Decision) -> None:
        day = self._day(said.decided_at)
        if day is None:
            return
        tally = self.days[day]
        tally.verdicts[said.verdict, said.reason] += 1
        tally.modes[said.mode] += 1
        tally.facts["fused"] += said.is_fused
        if said.case_id and said.case_id not in self._cases:
            self._open(said, tally)

    def _open(self, said: Decision, tally: Tally) -> None:
        reason = said.reasons[0] if said.reasons else ""
        cells = _cells(said.playbook, said.variant, said.channel, {
            "quadrant": said.quadrant, "value_tier": said.value_tier, "trigger": said.trigger,
            "lifecycle_stage": said.lifecycle_stage, "reason": reason,
            "acquisition_source": said.acquisition_source,
        })  # fmt: skip
        self._cases[said.case_id] = cells
        for cell in (ALL, *cells):
            tally.opened[cell] += 1
            tally.stake[cell] += round(said.expected_loss)
        tally.reasons_by_source[intern(said.acquisition_source), intern(reason)] += 1

    def _touch(self, asked: TouchRequested) -> None:
        day = self._day(asked.not_before)
        if day is None or not self._touches.ask(asked, day):
            return
        self.currencies[asked.user.currency] += 1
        reasons = asked.risk.reasons
        cells = _cells(asked.experiment.playbook, asked.experiment.variant, asked.channel, {
            "quadrant": asked.priority.quadrant, "value_tier": asked.user.value_tier,
            "lifecycle_stage": asked.user.lifecycle_stage,
            "reason": reasons[0].code if reasons else "",
            "acquisition_source": asked.user.acquisition_source,
        })  # fmt: skip
        is_first = self._touches.is_first(asked)
        for cell in (ALL, *cells):
            self.days[day].count_touch(cell, asked.channel, is_first=is_first)

    def _feedback(self, heard: Feedback) -> None:
        at = heard_at(heard)
        day = at.astimezone(self._zone).date().toordinal()
        if self._until is None or day <= self._until:
            self.newest = max(self.newest, day)
            self._touches.hear(heard)

    def _episode(self, ended: Episode) -> None:
        matured = self._day(ended.matured_at)
        if matured is None or ended.case_id in self._matured:
            return
        self._matured.add(ended.case_id)
        self.currencies[ended.currency] += 1
        found = ended.dimensions
        cells = _cells(ended.playbook, ended.variant, ended.channel, found)
        self.days[matured].facts["episodes"] += 1
        self.episodes.append(
            Answered(
                intern(ended.user_id), self._day_of(ended.exposed_at), matured, ended.is_held_out,
                ended.returned, ended.value_change, ended.probability, ended.propensity,
                ended.variant_propensity, intern(ended.currency), cells,
            )
        )  # fmt: skip

    def close(self) -> None:
        """Say of every touch what its sender said, and what had raised its alert."""
        for touch in self._touches.asked.values():
            tally = self.days[touch.day]
            touch.tell(tally)
            trigger = dict(self._cases.get(touch.case_id, ())).get("trigger", "")
            tally.count_touch(("trigger", trigger), touch.channel, is_first=touch.is_first)
        if self.newest:
            self.days[self.newest].facts["feedback_of_unknown"] += self._touches.unknown


def _cells(playbook: str, variant: str, channel: str, others: dict[str, str]) -> tuple[Cell, ...]:
    own = {"playbook": playbook, "variant": f"{playbook} / {variant}" if variant else "",
           "channel": channel}  # fmt: skip
    return tuple((intern(name), intern(value)) for name, value in (*own.items(), *others.items()))
