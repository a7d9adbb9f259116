"""What was done: touches, what senders said of them, how cases ended, and who was passed over."""

import msgspec

from streams.reporting.calendar import Span, iso_day
from streams.reporting.facts import Facts
from streams.reporting.tally import ALL, Tally

SENT = "send"
CLOSINGS_OF_INTEREST = ("returned", "opted_out", "complaint")


class TouchDay(msgspec.Struct, frozen=True):
    """Touches requested on a day, by channel."""

    day: str
    channels: dict[str, int]


class Answers(msgspec.Struct, frozen=True):
    """What became of the touches of a channel: every word of its sender, and how often."""

    channel: str
    touches: int
    arrived: int
    words: dict[str, int]


class Closing(msgspec.Struct, frozen=True):
    """How many cases of each arm ended so."""

    outcome: str
    treated: int
    held_out: int


class Done(msgspec.Struct, frozen=True):
    """What was done in a period.

    Attributes:
        contacted: Cases in which somebody was contacted.
        touches: Touches requested.
        days: Day by day.
        answers: By channel, the busiest first.
        closings: How cases ended, most frequent first.
        revoked: Reason to touches taken back.
        reasons: Channel to why touches failed or are unknown, and how many, most first.
        handled: Outcome code of a person to touches.
        contradictory: Touches of which both a failure and an arrival were said.
        unknown: Touches that feedback named and that were never asked for.
        fused: Decisions made while the fuse held.
    """

    contacted: int
    touches: int
    days: tuple[TouchDay, ...]
    answers: tuple[Answers, ...]
    closings: tuple[Closing, ...]
    revoked: dict[str, int]
    reasons: dict[str, dict[str, int]]
    handled: dict[str, int]
    contradictory: int
    unknown: int
    fused: int


class Passed(msgspec.Struct, frozen=True):
    """Why touches did not leave: reason, whether it was only put off, and its decisions."""

    verdict: str
    reason: str
    decisions: int
    share: float


class Compared(msgspec.Struct, frozen=True):
    """A number of this period beside that of the period before."""

    name: str
    now: int
    before: int


def done_in(facts: Facts, span: Span, tally: Tally) -> Done:
    """Return what was done in a period."""
    days = []
    for day in sorted(facts.days):
        if span.holds(day):
            touches = facts.days[day].touches
            by = {name[2]: number for name, number in touches.items() if name[:2] == ALL}
            days.append(TouchDay(iso_day(day), by))
    outcomes = {outcome for outcome, _ in tally.closed}
    closings = [
        Closing(outcome, tally.closed[outcome, "treated"], tally.closed[outcome, "held_out"])
        for outcome in outcomes
    ]
    return Done(
        contacted=tally.contacted[ALL],
        touches=tally.touched(ALL),
        days=tuple(days) if any(day.channels for day in days) else (),
        answers=_answers(tally),
        closings=tuple(
            sorted(closings, key=lambda one: (-one.treated - one.held_out, one.outcome))
        ),
        revoked=dict(tally.revoked.most_common()),
        reasons=_reasons(tally),
        handled=dict(tally.outcomes.most_common()),
        contradictory=tally.facts["contradictory"],
        unknown=tally.facts["feedback_of_unknown"],
        fused=tally.facts["fused"],
    )


def _reasons(tally: Tally) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (channel, reason), touches in sorted(tally.reasons.items(), key=lambda one: (-one[1], one)):
        found.setdefault(channel, {})[reason] = touches
    return found


def _answers(tally: Tally) -> tuple[Answers, ...]:
    touches = {key[2]: number for key, number in tally.touches.items() if key[:2] == ALL}
    return tuple(
        Answers(
            channel,
            number,
            tally.arrived[channel],
            {word: said for (of, word), said in tally.answers.most_common() if of == channel},
        )
        for channel, number in sorted(touches.items(), key=lambda one: (-one[1], one[0]))
    )


def passed_over(tally: Tally) -> tuple[Passed, ...]:
    """Return why touches did not leave, most frequent first."""
    all_in_all = tally.verdicts.total()
    return tuple(
        Passed(verdict, reason, decisions, decisions / all_in_all)
        for (verdict, reason), decisions in sorted(
            tally.verdicts.items(), key=lambda one: (-one[1], one[0])
        )
        if verdict != SENT
    )


def compared(before: Tally, now: Tally) -> tuple[Compared, ...]:
    """Return the numbers of two periods side by side."""

    def numbers(tally: Tally) -> dict[str, int]:
        closed = {
            name: sum(tally.closed[name, arm] for arm in ("treated", "held_out"))
            for name in CLOSINGS_OF_INTEREST
        }
        return {
            "came_to_risk": tally.moved["high", "+"],
            "cases": tally.opened[ALL],
            "contacted": tally.contacted[ALL],
            "touches": tally.touched(ALL),
            "arrived": tally.arrived.total(),
            **closed,
            "passed": sum(n for (verdict, _), n in tally.verdicts.items() if verdict != SENT),
            "episodes": tally.facts["episodes"],
        }

    old = numbers(before)
    return tuple(Compared(name, number, old[name]) for name, number in numbers(now).items())
