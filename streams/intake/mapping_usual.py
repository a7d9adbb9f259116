"""The short way for what is usual: an act whose values are all of the right type where they stand.

All of them are read in one call, and taken if there is nothing to look up, convert or refuse;
whatever else is the case goes the long way, which alone knows what is wrong. Both tell the same.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from streams.core.interpret import AMOUNT_MAX, NativeEvent
from streams.core.meanings import MONEY
from streams.core.native import FUTURE_MAX_MS
from streams.core.sources import Amount, MapRule, Path, Pick, Scale, Sign, Source, Unit, When
from streams.core.time import FAR_FUTURE_MS
from streams.intake.fact import Fact
from streams.intake.mapping_ids import EVENT_ID_MAX, OWN, SHORT
from streams.intake.shape import attribute

Tell = Callable[[Fact, str, int, str], Any]


def make_usual(rule: MapRule, source: Source, currency: str, exact: Tell) -> Tell:
    """Return what tells an act the short way where it can, and else as it is told exactly.

    Args:
        rule: Of an act.
        source: Its topic.
        currency: Of the rules.
        exact: The long way.
    """
    user, key, time = rule.user or source.user, rule.id or source.id, rule.time or source.time
    amount, unit = rule.amount, rule.currency
    is_plain = _is_plain(user) and _is_plain(key) and _is_plain(unit) and _is_plain_time(time)
    if not is_plain or not _is_plain_amount(amount) or rule.once_per or source.anonymous:
        return exact
    read = attrgetter(
        _name(user, "user_id"),
        _name(key, "event_id"),
        _name(time, "at_ms"),
        _name(amount, "at_ms"),
        _name(unit, "at_ms"),
    )
    given, is_own, may_be_anonymous = rule.name, unit is None, user is None
    is_bare, is_money = amount is None, rule.meaning in MONEY
    least = 0.0 if is_money else -AMOUNT_MAX

    def tell(fact: Fact, name: str, timestamp_ms: int, suffix: str) -> Any:
        try:
            user_id, event_id, at_ms, number, told = read(fact)
        except AttributeError:
            return exact(fact, name, timestamp_ms, suffix)
        if may_be_anonymous and not user_id:
            user_id = fact.anonymous_id
        if (
            user_id.__class__ is str
            and 0 < len(user_id) <= SHORT
            and user_id[0] not in OWN
            and event_id.__class__ is str
            and 0 < len(event_id) <= EVENT_ID_MAX
            and at_ms.__class__ is int
            and 0 < at_ms <= timestamp_ms + FUTURE_MAX_MS
            and at_ms <= FAR_FUTURE_MS
        ):
            if is_bare or (number is None and not is_money):
                return NativeEvent(given or name, at_ms, event_id, user_id)
            is_usual = number.__class__ is float and least <= number <= AMOUNT_MAX
            if is_usual and (is_own or told == currency):
                return NativeEvent(given or name, at_ms, event_id, user_id, number, currency)
        return exact(fact, name, timestamp_ms, suffix)

    return tell


def _is_steps(path: Path) -> bool:
    """Return whether a path leads through fields alone."""
    return bool(path) and all(isinstance(step, str) for step in path)


def _is_plain(pick: Pick | None) -> bool:
    """Return whether a value is taken as it stands, if it is there."""
    return pick is None or (_is_steps(pick.path) and pick.table is None)


def _is_plain_time(time: When | None) -> bool:
    is_ms = time is not None and time.unit is Unit.MILLISECONDS and not time.zone
    return time is None or (is_ms and _is_steps(time.path))


def _is_plain_amount(amount: Amount | None) -> bool:
    if amount is None:
        return True
    is_as_written = amount.scale is Scale.MAJOR and amount.sign is Sign.POSITIVE
    is_all = amount.default is None and not amount.less
    return is_as_written and is_all and _is_steps(amount.path)


def _name(value: Pick | When | Amount | None, own: str) -> str:
    """Return where a value stands in a fact: among what the format told, or in the body."""
    if value is None:
        return own
    return ".".join(("body", *(attribute(str(step)) for step in value.path)))
