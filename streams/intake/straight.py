"""The straight way: from a record to the act that nearly every record is, with no stop between.

What is no such act, or not as usual, goes the long way (`streams.intake.decoder`), which alone says
what is wrong. Where the straight way says something, it is what the long way says.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from streams.core.decoded import Headers, Skipped
from streams.core.interpret import NativeEvent, make_acting
from streams.core.meanings import ACTS
from streams.core.rules import Rules
from streams.core.sources import Form, MapRule, Source
from streams.intake.decoder import VALUE_MAX
from streams.intake.fact import Fact, ParseAs, UnreadableError
from streams.intake.formats.catalogue import format_of
from streams.intake.mapping import Chooser, make_chooser, make_name
from streams.intake.mapping_usual import Usual, make_usual
from streams.intake.mapping_values import WrongError

NAMES_MAX: Final = 1_000
"""Names are others' to give: what is remembered of them is bounded."""
_NOTHING: Final = (None, 0.0)
"""An act without an amount: a native event has none, and of an input it is nothing."""
_LONG: Final = (UnreadableError, WrongError, AttributeError)

Straight = Callable[[bytes | None, bytes | None, int, Headers], Any]
"""``straight(key, value, timestamp_ms, headers)``: what a record comes to; None = not this way."""
Make = Callable[[str, str, int, Any], Any]
"""``make(user_id, event_id, at_ms, amount)``: what an act comes to."""


class Act(NamedTuple):
    """What is done with events of one name.

    Attributes:
        usual: Reads what an act needs.
        make: Makes of it what the act comes to.
    """

    usual: Usual
    make: Make


def straight_tell(source: Source, rules: Rules, parse_as: ParseAs) -> Straight | None:
    """Return what tells an act as a native event; None = there is no such way for this topic."""
    currency = rules.currency

    def make_of(name: str) -> Make:
        def make(user_id: str, event_id: str, at_ms: int, amount: float | None) -> Any:
            if amount is None:
                return (NativeEvent(name, at_ms, event_id, user_id),)
            return (NativeEvent(name, at_ms, event_id, user_id, amount, currency),)

        return make

    return _make_straight(_make_act_of(source, rules, make_of), source, rules, parse_as)


def straight_decode(source: Source, rules: Rules, parse_as: ParseAs) -> Straight | None:
    """Return what decodes an act of the user whose id is the key; None = as `straight_tell`."""
    act_of = _make_act_of(source, rules, lambda name: make_acting(name, rules))
    return _make_straight(act_of, source, rules, parse_as, is_keyed=True)


def _make_act_of(
    source: Source, rules: Rules, make_of: Callable[[str], Make]
) -> Callable[[MapRule, str], Act | None]:
    """Return ``act_of(rule, name)``: what is done with events of that name; None = the long way."""

    def act_of(rule: MapRule, name: str) -> Act | None:
        usual = make_usual(rule, source, rules) if rule.meaning in ACTS and not rule.when else None
        return usual and Act(usual, make_of(rule.name or name))

    return act_of


def _make_straight(  # noqa: C901  # with what it makes
    act_of: Callable[[MapRule, str], Act | None],
    source: Source,
    rules: Rules,
    parse_as: ParseAs,
    *,
    is_keyed: bool = False,
) -> Straight | None:
    if source.form is Form.WINBACK or source.inner is not Form.JSON:
        return None
    form = format_of(source.form)
    plain, name_of = form.make_plain(source, source.paths, parse_as), make_name(source)
    chooser = make_chooser(source, rules, form)
    drops, find, nothing = chooser.drops, _make_find(act_of, source, chooser), _NOTHING[is_keyed]

    def straight(  # noqa: PLR0911  # one test after the other, cheapest first
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> Any:
        if not value or len(value) > VALUE_MAX:
            return None
        try:
            fact = plain(key, value, timestamp_ms, headers)
            if fact is None:
                return None
            name = fact.name if name_of is None else name_of(fact)
            for test, skipped, _ in drops:
                if test(fact):
                    return skipped
            act = find(name)
            if not isinstance(act, Act):
                return act
            said = act.usual(fact, timestamp_ms)
        except _LONG:
            return None
        if said is None:
            return None
        user_id, event_id, at_ms, amount = said
        if is_keyed and user_id.encode() != key:
            return None
        return act.make(user_id, event_id, at_ms, nothing if amount is None else amount)

    return straight


def _make_find(
    act_of: Callable[[MapRule, str], Act | None], source: Source, chooser: Chooser
) -> Callable[[str], Act | Skipped | None]:
    """Return ``find(name)``: what is done with events of a name; it raises WrongError."""
    acts: dict[str, Act | Skipped | None] = {}
    for rule in source.rules:
        for name in rule.events:
            acts.setdefault(name, act_of(rule, name))

    def find(name: str) -> Act | Skipped | None:
        if name in acts:
            return acts[name]
        plan = chooser.choose(Fact(name, "", 0, "", "", None), name)
        act = plan if isinstance(plan, Skipped) else act_of(plan.rule, name)
        if len(acts) < NAMES_MAX:
            acts[name] = act
        return act

    return find
