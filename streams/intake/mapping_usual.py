"""What an act needs, read where it stands: nearly always it is there, and of the right type.

All of it is read in one call. What is not usual is read by the reader of its own, which looks it
up, converts or refuses it as for any event; whether all is well with the rest is for others to say.
"""

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from streams.core.meanings import MONEY
from streams.core.native import FUTURE_MAX_MS
from streams.core.record_limits import AMOUNT_MAX, EVENT_ID_MAX
from streams.core.rules import Rules
from streams.core.sources import Amount, MapRule, Path, Pick, Scale, Sign, Source, Unit, When
from streams.core.time import FAR_FUTURE_MS
from streams.intake.fact import Fact
from streams.intake.mapping_ids import OWN, SHORT
from streams.intake.mapping_money import Purse, make_amount
from streams.intake.mapping_times import make_instant
from streams.intake.shape import attribute

Make = Callable[[str, str, int, Any], Any]
"""``make(user_id, event_id, at_ms, amount)``: what an act comes to; None = it has no amount."""
Usual = Callable[[Fact, int, bytes | None], Any]
"""``usual(fact, timestamp_ms, key)``: what an act comes to; None = something is not as usual.

The key is the user id; None = it need not be.

Raises:
    WrongError, AttributeError: Likewise.
"""
_DIGITS: Final = re.compile(r"\d{1,30}(\.\d{1,30})?", re.ASCII).fullmatch


def make_usual(rule: MapRule, name: str, source: Source, rules: Rules, make: Make) -> Usual | None:
    """Return what reads the acts of a rule; None = the rule itself is not usual.

    Args:
        rule: Of acts.
        name: Of the native event.
        source: Its topic.
        rules: Of the deployment.
        make: Makes of an act what it comes to.
    """
    user, time = rule.user or source.user, rule.time or source.time
    key, once = rule.once_per or rule.id or source.id, f"{name}:" if rule.once_per else ""
    amount, unit = rule.amount, rule.currency
    is_usual = all(map(_is_plain, (user, key, unit))) and (not time or _is_steps(time.path))
    if not is_usual or (amount and amount.less) or source.anonymous:
        return None
    is_as_written, is_money = _is_as_written(amount), rule.meaning in MONEY
    may_lack = amount is not None and amount.default is None and not is_money
    read = attrgetter(
        _name(user, "user_id"),
        _name(key, "event_id"),
        _name(time, "at_ms"),
        _name(amount if is_as_written else None, "at_ms"),
    )
    unit_of = attrgetter(_name(unit, "name")) if unit else None
    may_be_anonymous, currency = user is None, rules.currency
    least = 0.0 if is_money else -AMOUNT_MAX
    is_ms = time is None or (time.unit is Unit.MILLISECONDS and not time.zone)
    instant_of = make_instant(time) if time else None
    amount_of = make_amount(amount, unit, Purse(rules, is_money, False)) if amount else None  # noqa: FBT003  # columns

    def usual(fact: Fact, timestamp_ms: int, key: bytes | None) -> Any:
        user_id, event_id, at_ms, number = read(fact)
        if may_be_anonymous and not user_id:
            user_id = fact.anonymous_id
        if once and event_id.__class__ is str and event_id:
            event_id = once + event_id
        if instant_of is not None and not (is_ms and at_ms.__class__ is int):
            at_ms = instant_of(at_ms)
        if not (
            user_id.__class__ is str
            and 0 < len(user_id) <= SHORT
            and user_id[0] != OWN
            and "\0" not in user_id
            and event_id.__class__ is str
            and 0 < len(event_id) <= EVENT_ID_MAX
            and 0 < at_ms <= timestamp_ms + FUTURE_MAX_MS
            and at_ms <= FAR_FUTURE_MS
        ) or (key is not None and user_id.encode() != key):
            return None
        if amount_of is None or (number is None and may_lack):
            return make(user_id, event_id, at_ms, None)
        if is_as_written and (unit_of is None or unit_of(fact) == currency):
            number = _number_of(number) if number.__class__ is str else number
            if number.__class__ is float and least <= number <= AMOUNT_MAX:
                return make(user_id, event_id, at_ms, number)
        return make(user_id, event_id, at_ms, amount_of(fact.body))

    return usual


def _number_of(text: str) -> float | None:
    """Return a number that is written in digits, so far from all bounds that no digit matters."""
    number = float(text) if _DIGITS(text) else 0.0
    return number if 0.0 < number < AMOUNT_MAX else None


def _is_steps(path: Path) -> bool:
    """Return whether a path leads through fields alone."""
    return bool(path) and all(isinstance(step, str) for step in path)


def _is_plain(pick: Pick | None) -> bool:
    """Return whether a value is taken as it stands, if it is there."""
    return pick is None or (_is_steps(pick.path) and pick.table is None)


def _is_as_written(amount: Amount | None) -> bool:
    """Return whether a number that is there is the amount."""
    if amount is None or not _is_steps(amount.path):
        return False
    return amount.scale is Scale.MAJOR and amount.sign is Sign.POSITIVE


def _name(value: Pick | When | Amount | None, own: str) -> str:
    """Return where a value stands in a fact: among what the format told, or in the body."""
    if value is None:
        return own
    return ".".join(("body", *(attribute(str(step)) for step in value.path)))
