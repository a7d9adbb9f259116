"""The referee: holds everything that went out against what everybody had said by then.

It knows the inputs in the order in which the service took them, the messages that came out, and the
rules file; nothing of how the service decides.
"""

from collections import Counter, defaultdict
from typing import Any, Final, NamedTuple

from streams.core.inputs import (
    Acted,
    ConsentChanged,
    ControlSet,
    Erased,
    FeedbackReceived,
    Input,
    OptedOut,
    TraitsSet,
)
from streams.core.messages import Decision
from streams.core.rules import Rules
from streams.core.time import iso
from streams.simulation.dossier import Dossier
from streams.simulation.law import Law, day_of, instant_ms, is_closed, is_within, law_of, local
from streams.simulation.run import Applied, Run, Said
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked

IN_OUR_HANDS: Final = frozenset({"requested", "unknown"})
"""Last words of a sender after which a touch can still be taken back."""


class Violation(NamedTuple):
    """Something that must never happen.

    Attributes:
        user_id: To whom.
        at: When, ISO 8601 in UTC.
        rule: Which rule was broken.
        detail: How.
    """

    user_id: str
    at: str
    rule: str
    detail: str


class Out(NamedTuple):
    """A touch that went out."""

    touch: TouchRequested
    at_ms: int
    expires_ms: int


class Referee:
    """Watches one world.

    Attributes:
        violations: What it saw.
        touches: Touches that it looked at.
    """

    def __init__(self, rules: Rules, sections: dict[str, Any]) -> None:
        self.violations: list[Violation] = []
        self.touches = 0
        self._rules = rules
        self._law: Law = law_of(sections)
        self._people: defaultdict[str, Dossier] = defaultdict(Dossier)
        self._outs: dict[str, Out] = {}
        self._words: dict[str, str] = {}
        self._open: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._closed: set[str] = set()
        self._revoked: set[str] = set()
        self._spent: Counter[tuple[str, object]] = Counter()
        self._stops: list[tuple[int, int, bool]] = []

    def watch(self, run: Run) -> None:
        """Go through a whole run, step by step."""
        inputs, outputs = _by_step(run.applied), _by_step(run.said)
        for step in sorted(inputs.keys() | outputs.keys()):
            ending = self._hear(inputs[step])
            self._revoked |= {
                said.message.touch_id
                for said in outputs[step]
                if isinstance(said.message, TouchRevoked)
            }
            for said in outputs[step]:
                self._look(said)
            for user_id, at_ms in ending:
                self._must_be_closed(user_id, at_ms)

    # -- what came in

    def _hear(self, applied: list[Applied]) -> list[tuple[str, int]]:
        """Take note of inputs; return who did what ends a case, and when."""
        ending: list[tuple[str, int]] = []
        for step, effective_ms, signal in applied:
            if isinstance(signal, ControlSet):
                is_on = any((o.key, o.value) == ("stop", "on") for o in signal.controls)
                self._stops.append((step, effective_ms, is_on))
                continue
            user_id = getattr(signal, "user_id", "")
            dossier = self._people.get(user_id)
            if dossier is None:
                if not user_id or isinstance(signal, FeedbackReceived):
                    continue
                dossier = self._people[user_id]
            if not dossier.admits(effective_ms, is_feedback=isinstance(signal, FeedbackReceived)):
                continue
            if self._file(dossier, step, effective_ms, signal):
                is_act = isinstance(signal, Acted)
                ending.append((user_id, signal.event_time_ms if is_act else effective_ms))
        return ending

    def _file(self, dossier: Dossier, step: int, effective_ms: int, signal: Input) -> bool:
        """Put an input on a user's file; return whether it ends a case."""
        match signal:
            case Acted():
                dossier.act(step, effective_ms, signal.event_time_ms)
            case OptedOut(channel="") | FeedbackReceived(status="opted_out"):
                dossier.say(step, effective_ms, "opted_out", value=True)
            case Erased():
                dossier.erase(step, effective_ms, self._law.hold_ms)
            case TraitsSet(zone=zone) if zone:
                dossier.say(step, effective_ms, "zone", value=zone)
            case ConsentChanged(channel=channel, is_granted=is_granted):
                dossier.say(step, effective_ms, f"consent/{channel}", value=is_granted)
            case OptedOut(channel=channel):
                dossier.say(step, effective_ms, f"consent/{channel}", value=False)
            case FeedbackReceived(touch_id=touch_id, status=status):
                self._words[touch_id] = status
        return isinstance(signal, Acted | Erased) or bool(
            dossier.known(step + 1, 0).get("opted_out")
        )

    # -- what went out

    def _look(self, said: Said) -> None:
        match said.message:
            case TouchRequested() as touch:
                self._touch(touch, said.step)
            case CaseClosed() as closed:
                self._case_closed(closed)
            case Decision(case_id=case_id) as decision if case_id:
                if case_id not in self._closed:
                    opened_ms = instant_ms(decision.decided_at)
                    self._open[decision.user_id].setdefault(case_id, opened_ms)
            case _:
                pass

    def _touch(self, touch: TouchRequested, step: int) -> None:
        self.touches += 1
        at_ms, dossier = instant_ms(touch.not_before), self._people[touch.user_id]
        out = Out(touch, at_ms, instant_ms(touch.expires_at))
        for rule, detail in self._faults(out, dossier, step):
            self.violations.append(Violation(touch.user_id, iso(at_ms), rule, detail))
        self._outs[touch.touch_id] = out
        dossier.contacts.append((at_ms, touch.channel))
        self._spent[self._law.class_of(touch.channel), day_of(at_ms, self._law.budget_zone)] += 1

    def _faults(self, out: Out, dossier: Dossier, step: int) -> list[tuple[str, str]]:
        """Return every rule that a touch breaks, and how."""
        touch, at_ms, expires_ms = out
        law, channel = self._law, touch.channel
        facts = dossier.known(step, at_ms)
        zone = str(facts.get("zone") or law.zone)
        clock = local(at_ms, zone).time()
        consent = facts.get(f"consent/{channel}", law.is_consent_assumed)
        kind = law.class_of(channel)
        spent = self._spent[kind, day_of(at_ms, law.budget_zone)]
        newest_ms = dossier.newest(step, at_ms)
        last_ms = instant_ms(touch.user.last_active_at)
        caps = [(cap, "") for cap in law.caps]
        caps += [(cap, channel) for cap in law.channel_caps.get(channel, ())]
        checks = (
            (not law.is_live, "mode", "nothing may go out"),
            (touch.touch_id in self._outs, "twice", touch.touch_id),
            (any(is_within(window, clock) for window in law.quiet), "quiet_hours",
             f"{clock:%H:%M} in {zone}"),
            (channel in law.hours and not is_within(law.hours[channel], clock), "legal_hours",
             f"{channel} at {clock:%H:%M} in {zone}"),
            (is_closed(law, channel, at_ms, zone), "holiday", f"{channel} in {zone}"),
            (any(dossier.is_full(cap, at_ms, of) for cap, of in caps), "cap", channel),
            (bool(facts.get("opted_out")), "opted_out", channel),
            (not consent, "consent", channel),
            (self._rules.is_held_out(touch.user_id), "held_out", channel),
            (dossier.is_erased(step, at_ms), "erased", channel),
            (newest_ms is not None and newest_ms > last_ms, "returned",
             f"active at {iso(newest_ms or 0)}, told {touch.user.last_active_at}"),
            (touch.case_id in self._closed, "case_closed", touch.case_id),
            (expires_ms <= at_ms, "expired", touch.expires_at),
            (kind in law.budget and spent >= law.budget[kind], "budget",
             f"{kind} {spent + 1} of {law.budget.get(kind)}"),
            (self._is_stopped(step, at_ms), "stopped", channel),
        )  # fmt: skip
        return [(rule, detail) for is_broken, rule, detail in checks if is_broken]

    def _is_stopped(self, step: int, at_ms: int) -> bool:
        known = [on for when, effective_ms, on in self._stops
                 if when < step or effective_ms < at_ms]  # fmt: skip
        return bool(known) and known[-1]

    def _case_closed(self, closed: CaseClosed) -> None:
        """Check that whatever of a case may not have left was taken back with its end."""
        at_ms = instant_ms(closed.closed_at)
        if closed.case_id in self._closed:
            self._broken(closed.user_id, at_ms, "closed_twice", closed.case_id)
        self._closed.add(closed.case_id)
        self._open[closed.user_id].pop(closed.case_id, None)
        for touch_id, out in self._outs.items():
            if out.touch.case_id != closed.case_id or out.expires_ms <= at_ms:
                continue
            is_ours = self._words.get(touch_id, "requested") in IN_OUR_HANDS
            if is_ours and touch_id not in self._revoked:
                self._broken(closed.user_id, at_ms, "not_revoked", touch_id)

    def _must_be_closed(self, user_id: str, at_ms: int) -> None:
        for case_id, opened_ms in self._open[user_id].items():
            if opened_ms < at_ms:
                self._broken(user_id, at_ms, "outlived", f"{case_id} of {iso(opened_ms)}")

    def _broken(self, user_id: str, at_ms: int, rule: str, detail: str) -> None:
        self.violations.append(Violation(user_id, iso(at_ms), rule, detail))


def _by_step(rows: list[Any]) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.step].append(row)
    return found
