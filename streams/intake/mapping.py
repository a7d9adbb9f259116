"""The mapping of a topic: facts of any format become native events, by the rules of the topic.

What a topic's rules say is compiled into one plan per event name, so that telling an event takes a
look-up, the tests of its conditions, and the readers of the values that it needs.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from streams.core.decoded import NOT_ACTIVITY, RejectReason, Skipped
from streams.core.meanings import ACTS, Meaning
from streams.core.record_limits import NAME_MAX
from streams.core.rules import Rules
from streams.core.sources import LINK_EVENT, MapRule, Source
from streams.intake.fact import Fact
from streams.intake.formats.catalogue import Format
from streams.intake.mapping_conditions import Test, make_tests
from streams.intake.mapping_ids import RESERVED
from streams.intake.mapping_tell import LINK, Tell, Teller
from streams.intake.mapping_values import WrongError, make_pick
from streams.intake.shape import getter

NO_RULE_FITS: Final = Skipped("no_rule_fits")


class Plan(NamedTuple):
    """What is done with events that a rule fits.

    Attributes:
        tests: All of them must hold.
        tell: Makes the native event.
        rule: Of the rules.
        is_rare: It is no act, so what it says in its properties is to be checked.
    """

    tests: tuple[Test, ...]
    tell: Tell
    rule: MapRule
    is_rare: bool = False


class Chooser(NamedTuple):
    """How events fall to rules.

    Attributes:
        drops: Tests, how what they fit is counted, for it falls to no rule, and their lines.
        choose: ``choose(fact, name)`` of any event: its plan, or why it has none; it raises
            WrongError.
    """

    drops: tuple[tuple[Test, Skipped, int], ...]
    choose: Callable[[Fact, str], Plan | Skipped]


def make_name(source: Source) -> Callable[[Fact], str] | None:
    """Return what reads the name of an event; None = it is as the format tells it."""
    if source.event is None:
        return None
    read = make_pick(source.event, reason=RejectReason.NO_ID)
    get = None if source.event.table else getter(source.event.path)

    def name_of(fact: Fact) -> str:
        if fact.name == LINK_EVENT:
            return fact.name
        found = None if get is None else get(fact.body)
        if isinstance(found, str) and found and found[0] != "$":
            return found
        name: str = read(fact.body)
        if name in RESERVED:
            what = f"{name!r} is a name of winback's own"
            raise WrongError(RejectReason.BAD_PROPERTY, what)
        return name

    return name_of


def make_chooser(source: Source, rules: Rules, form: Format) -> Chooser:
    """Return what finds the rule of an event."""
    drops = tuple(
        (_all(make_tests(each.condition)), Skipped(f"dropped_{each.reason}"), each.condition.line)
        for each in source.drop
    )
    teller = Teller(source, rules, form)
    plans: dict[str, list[Plan]] = {}
    for rule in (*source.rules, LINK):
        tests = tuple(test for condition in rule.when for test in make_tests(condition))
        plan = Plan(tests, teller.of(rule), rule, rule.meaning not in ACTS)
        for name in rule.events:
            plans.setdefault(name, []).append(plan)
    other, found = _make_other(source, rules, form, teller), plans.get

    def choose(fact: Fact, name: str) -> Plan | Skipped:
        named = found(name)
        if named is None:
            return other(name)
        for plan in named:
            if not plan.tests or all(test(fact) for test in plan.tests):
                return plan
        return NO_RULE_FITS

    return Chooser(drops, choose)


def _all(tests: tuple[Test, ...]) -> Test:
    return tests[0] if len(tests) == 1 else lambda fact: all(test(fact) for test in tests)


def _make_other(
    source: Source, rules: Rules, form: Format, teller: Teller
) -> Callable[[str], Plan | Skipped]:
    """Return what is done with the events that no rule names."""
    rule = MapRule(events=(), meaning=Meaning.ACTIVITY)
    plan = Plan((), teller.of(rule), rule)
    others, profile = source.is_other_activity, form.profile

    def other(name: str) -> Plan | Skipped:
        if not name:
            where = form.places.get("event", "the topic's `event`")
            raise WrongError(RejectReason.NO_ID, f"the event has no name ({where})")
        if not others or name in profile:
            return NOT_ACTIVITY
        meaning = Meaning.COVERAGE if name in RESERVED else rules.meaning(name)
        if len(name) > NAME_MAX:
            what = f"the event name has more than {NAME_MAX} characters"
            raise WrongError(RejectReason.TOO_LARGE, what)
        if meaning is Meaning.ACTIVITY:
            return plan
        if meaning is Meaning.IGNORED:
            return NOT_ACTIVITY
        what = (
            f"{name!r} means {meaning} in these rules, but no rule of inputs.{source.topic}.map "
            "says how to read it"
        )
        raise WrongError(RejectReason.BAD_PROPERTY, what)

    return other
