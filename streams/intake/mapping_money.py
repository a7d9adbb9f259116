"""Reading amounts: of every scale and sign, and in the currency of the rules.

What is converted is exact to a minor unit: the decimal that is written times the rate that is
written, rounded once, half to even.
"""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final, NamedTuple

import msgspec

from streams.core.decoded import RejectReason
from streams.core.record_limits import AMOUNT_MAX
from streams.core.rules import Rules
from streams.core.sources import Amount, Pick, Scale, Sign
from streams.intake.formats.cdc_values import decimal_of
from streams.intake.mapping_values import Body, make_pick, shown, wrong
from streams.intake.shape import getter

Number = int | float | Decimal
Read = Callable[[Body], Any]
_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?")
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)


class Purse(NamedTuple):
    """What an amount is to be.

    Attributes:
        rules: Of the deployment: in which currency money is counted, and what others are worth.
        is_money: It changes a user's value, so it must not be missing.
        is_signed: It may be negative.
    """

    rules: Rules
    is_money: bool
    is_signed: bool


def make_amount(amount: Amount, currency: Pick | None, purse: Purse) -> Read:
    """Return what reads an amount in major units of the currency of the rules, or None.

    Args:
        amount: What the rules say of it.
        currency: Of which it is; None = that of the rules.
        purse: What it is to be.
    """
    make, rules = _make_difference if amount.less else _make_number, purse.rules
    read = make(amount, purse)
    own, rates, minor_units = rules.currency, rules.rates, rules.minor_units
    if currency is None:
        return lambda body: _plain(read(body))
    get_currency, is_minor = make_pick(currency), amount.scale is Scale.MINOR

    def read_money(body: Body) -> float | int | None:
        number = read(body)
        if number is None:
            return None
        unit = get_currency(body)
        if unit == own:
            return _plain(number)
        rate = rates.get(unit)
        if rate is None:
            what = f"{shown(unit)} is neither {own} nor one of money.rates"
            raise wrong(RejectReason.BAD_CURRENCY, what, currency.path, currency.line)
        if is_minor:
            what = f"how many minor units {unit} has is not known: say scale in place of unit"
            raise wrong(RejectReason.BAD_CURRENCY, what, amount.path, amount.line)
        return converted(number, rate, minor_units)

    return read_money


def converted(number: Number, rate: Decimal, minor_units: int) -> float:
    """Return money in another currency, in major units, exact to a minor one, half to even.

    Args:
        number: In major units of the currency that it is told in.
        rate: What one of them is worth.
        minor_units: Minor units of one major unit of the result.
    """
    minor = _EXACT.multiply(_EXACT.multiply(_exact(number), rate), Decimal(minor_units))
    return int(minor.to_integral_value(ROUND_HALF_EVEN)) / minor_units


def _plain(number: Any) -> float | int | None:
    return float(number) if isinstance(number, Decimal) else number


def _make_difference(amount: Amount, purse: Purse) -> Read:
    """Return what reads by how much an amount changed, exactly, or None."""
    either = msgspec.structs.replace(amount, less=(), sign=Sign.POSITIVE)
    before, signed = (
        msgspec.structs.replace(either, path=amount.less),
        purse._replace(is_signed=True),
    )
    now, then, check = (
        _make_number(either, signed),
        _make_number(before, signed),
        _make_check(amount, purse),
    )

    def read(body: Body) -> Any:
        more, less = now(body), then(body)
        if more is None or less is None:
            return None
        return check(_exact(more) - _exact(less))

    return read


def _exact(number: Number) -> Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def _make_check(amount: Amount, purse: Purse) -> Callable[[Any], Any]:
    """Return what takes a number for an amount, as its sign is told, or refuses it."""
    path, line, sign = amount.path, amount.line, amount.sign
    lowest = 0 if purse.is_money and sign is Sign.POSITIVE and not purse.is_signed else -AMOUNT_MAX

    def check(number: Any) -> Any:
        if not lowest <= number <= AMOUNT_MAX:
            raise wrong(RejectReason.BAD_AMOUNT, _absurd(number), path, line)
        if sign is Sign.POSITIVE:
            return number
        if sign is Sign.NEGATIVE and number > 0:
            what = f"{number} is not negative, as the rule says (sign)"
            raise wrong(RejectReason.BAD_AMOUNT, what, path, line)
        return abs(number)

    return check


def _make_number(amount: Amount, purse: Purse) -> Read:
    """Return what reads an amount in major units of whatever currency it is in, or None."""
    path, line, default = amount.path, amount.line, amount.default
    scale, minor_units, check = amount.scale, purse.rules.minor_units, _make_check(amount, purse)
    is_plain, get = scale is Scale.MAJOR, getter(path)
    if not path:
        return lambda _body: default

    def read(body: Body) -> Any:
        value = get(body)
        number: Number
        if is_plain and value.__class__ is float:
            number = value
        elif value is None:
            if default is None and purse.is_money:
                raise wrong(RejectReason.BAD_PROPERTY, "missing or null", path, line)
            return default
        else:
            try:
                number = _number(value, scale, minor_units)
            except (ValueError, ArithmeticError) as error:
                what = f"{shown(value)}: {error}"
                raise wrong(RejectReason.BAD_AMOUNT, what, path, line) from None
        return check(number)

    return read


def _absurd(number: Number) -> str:
    if -AMOUNT_MAX <= number < 0:
        return f"{number} is negative (of refunds say sign: negative, or sign: either)"
    return f"{shown(number)} is not finite, or too large"


def _number(value: object, scale: int | Scale, minor_units: int) -> Number:
    """Return an amount that is written in one of many ways, in major units."""
    if isinstance(value, Decimal):
        number: Any = value
        if not value.is_finite():
            raise ValueError("not finite")
    elif isinstance(scale, int) or scale is Scale.OWN:
        return _scaled(value, scale)
    elif isinstance(value, str) and _NUMBER.fullmatch(value):
        number = Decimal(value)
    elif type(value) in {int, float}:
        number = value
    else:
        raise ValueError("no number (if Debezium writes it so, the rule needs scale)")
    if scale is not Scale.MINOR:
        return number  # type: ignore[no-any-return]  # one of three, as was asked
    if number % 1:
        raise ValueError("minor units are whole (if these are yuan or dollars: unit: major)")
    return int(number) / minor_units


def _scaled(value: object, scale: int | Scale) -> Number:
    if isinstance(scale, int):
        if type(value) is int:
            return Decimal(value).scaleb(-scale, _EXACT)
        return decimal_of(value, scale)
    if isinstance(value, dict):
        return decimal_of(value, 0)
    raise ValueError('no decimal with a scale of its own: {"scale": 2, "value": "BNI="}')
