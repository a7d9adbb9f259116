"""The straight way: from a record to the act that nearly every record is, with no stop between.

What is no such act, or not as usual, goes the long way (`streams.intake.decoder`), which alone says
what is wrong. Where the straight way says something, it is what the long way says.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.core.decoded import Headers, Skipped
from streams.core.interpret import UNREADABLE, NativeEvent, make_acting
from streams.core.meanings import ACTS
from streams.core.record_limits import FOREIGN_BYTES_MAX, SMALL, is_too_deep
from streams.core.rules import Rules
from streams.core.sources import Encoding, Form, MapRule, Source
from streams.intake.fact import Fact, ParseAs, UnreadableError
from streams.intake.formats.catalogue import format_of
from streams.intake.mapping import Chooser, Plan, make_chooser, make_name
from streams.intake.mapping_usual import Make, Usual, make_usual
from streams.intake.mapping_values import WrongError

NAMES_MAX: Final = 1_000
"""Names are others' to give: what is remembered of them is bounded."""
_LONG: Final = (UnreadableError, WrongError, AttributeError, *UNREADABLE)

Straight = Callable[[bytes | None, bytes | None, int, Headers], Any]
"""``straight(key, value, timestamp_ms, headers)``: what a record comes to; None = not this way."""
Find = Callable[[str], Usual | Skipped | None]
"""``find(name)``: what is done with events of a name; None = the long way; it raises WrongError."""


def straight_tell(source: Source, rules: Rules, parse_as: ParseAs) -> Straight | None:
    """Return what tells an act as a native event; None = there is no such way for this topic."""
    currency = rules.currency

    def make_of(name: str) -> Make:
        def make(user_id: str, event_id: str, at_ms: int, amount: float | None) -> Any:
            if amount is None:
                return (NativeEvent(name, at_ms, event_id, user_id),)
            return (NativeEvent(name, at_ms, event_id, user_id, amount, currency),)

        return make

    return _make_straight(source, rules, parse_as, make_of)


def straight_decode(source: Source, rules: Rules, parse_as: ParseAs) -> Straight | None:
    """Return what decodes an act of the user whose id is the key; None = as `straight_tell`."""
    return _make_straight(
        source, rules, parse_as, lambda name: make_acting(name, rules), is_keyed=True
    )


def _make_straight(
    source: Source,
    rules: Rules,
    parse_as: ParseAs,
    make_of: Callable[[str], Make],
    *,
    is_keyed: bool = False,
) -> Straight | None:
    if source.form is Form.WINBACK or source.inner is not Form.JSON:
        return None
    form, is_hard = format_of(source.form), _is_long
    if source.encoding is Encoding.JSON:
        is_hard = _is_long_or_deep
    plain, name_of = form.make_plain(source, source.paths, parse_as), make_name(source)
    chooser, acts = make_chooser(source, rules, form), dict[str, Usual | Skipped | None]()
    find, drops = _make_find(acts, source, rules, chooser, make_of), chooser.drops

    def straight(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> Any:
        if not value or (is_keyed and key is None) or (len(value) > SMALL and is_hard(value)):
            return None
        try:
            fact = plain(key, value, timestamp_ms, headers)
            if fact is None:
                return None
            name = fact.name if name_of is None else name_of(fact)
            for test, skipped, _ in drops:
                if test(fact):
                    return skipped
            act = acts[name] if name in acts else find(name)
            if act is None or act.__class__ is Skipped:
                return act
            return act(fact, timestamp_ms, key if is_keyed else None)  # type: ignore[operator]
        except _LONG:
            return None

    return straight


def _is_long(value: bytes) -> bool:
    return len(value) > FOREIGN_BYTES_MAX


def _is_long_or_deep(value: bytes) -> bool:
    return len(value) > FOREIGN_BYTES_MAX or is_too_deep(value)


def _make_find(
    acts: dict[str, Usual | Skipped | None],
    source: Source,
    rules: Rules,
    chooser: Chooser,
    make_of: Callable[[str], Make],
) -> Find:
    """Return what finds out what is done with events of a name, and remembers it."""

    def act_of(rule: MapRule, name: str) -> Usual | None:
        if rule.meaning not in ACTS:
            return None
        name = rule.name or name
        return make_usual(rule, name, source, rules, make_of(name))

    named: dict[str, list[MapRule]] = {}
    for rule in source.rules:
        for name in rule.events:
            named.setdefault(name, []).append(rule)
    for name, among in named.items():
        if among[0].when:
            ways = {id(rule): act_of(rule, name) for rule in among}
            acts[name] = _make_chosen(chooser.choose, name, ways)
        else:
            acts[name] = act_of(among[0], name)

    def find(name: str) -> Usual | Skipped | None:
        plan = chooser.choose(Fact(name, "", 0, "", "", None), name)
        act = plan if isinstance(plan, Skipped) else act_of(plan.rule, name)
        if len(acts) < NAMES_MAX:
            acts[name] = act
        return act

    return find


def _make_chosen(
    choose: Callable[[Fact, str], Plan | Skipped], name: str, ways: Mapping[int, Usual | None]
) -> Usual:
    """Return what reads events of a name that fall to one rule or another, by their conditions.

    Args:
        choose: Finds the plan of an event.
        name: Of the events.
        ways: Identity of each rule to what reads its acts; None = it has none.
    """

    def chosen(fact: Fact, timestamp_ms: int, key: bytes | None) -> Any:
        plan = choose(fact, name)
        if isinstance(plan, Skipped):
            return plan
        usual = ways[id(plan.rule)]
        return usual and usual(fact, timestamp_ms, key)

    return chosen
