"""Guesses of what single fields are, each with its evidence."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from streams.core.sources import Unit
from streams.replay.define_words import plain as printable
from streams.replay.propose import lexicon
from streams.replay.propose.fields import MOST, Field, Fields
from streams.replay.propose.lexicon import plain

OFTEN: Final = 0.9
SOMETIMES: Final = 0.02
NAMES_MAX: Final = 200
"""Different names of events; a field with more is something else."""
WHOLE_MINOR_LEAST: Final = 100
"""Whole amounts that all are this large may count minor units."""
CODE: Final = re.compile(r"[A-Z]{3}")
BASE64: Final = re.compile(r"[A-Za-z0-9+/]{2,22}={0,2}")
SCALE: Final = 2
Said = dict[str, Any]
"""A part of the rules as YAML holds it."""


class Guess(NamedTuple):
    """What a rule should say, and why.

    Attributes:
        said: A path, or a path with what belongs to it.
        why: The evidence, in words.
    """

    said: str | Said
    why: str


def has(field: Field, fields: Fields) -> str:
    """Return how many records have a field."""
    return f"{field.count:,} of {fields.records:,} have {printable(field.path)}"


def named(
    fields: Fields, ranks: Mapping[str, int], share: float = OFTEN, kind: str = ""
) -> list[Field]:
    """Return the fields whose name is well known, the likeliest first.

    Args:
        fields: Among these.
        ranks: Well-known name to its rank.
        share: They are in so many of the records.
        kind: ``number``, ``time`` or anything.
    """
    found = [
        field
        for field in fields.common(share)
        if _plain(field.name) in ranks
        and (kind != "number" or field.is_number)
        and (kind != "time" or field.unit is not None)
    ]
    return sorted(found, key=lambda f: (ranks[_plain(f.name)], f.path.count("."), f.path))


def _plain(name: str) -> str:
    """Return a name without its unit: ``total_fen`` is a total."""
    return lexicon.UNIT.sub("", plain(name)) or plain(name)


def time_guess(
    fields: Fields, zone: str, ranks: Mapping[str, int] = lexicon.TIME, share: float = OFTEN
) -> Guess | None:
    """Return where the instant stands; what names no zone is taken in that of the rules."""
    is_column = ranks is lexicon.PAID_AT
    for field in named(fields, ranks, share, kind="time"):
        assert field.unit is not None
        unit, has_zone = field.unit
        why = f"{has(field, fields)}, {_unit_words(unit)}"
        if unit is Unit.ISO and has_zone:
            return Guess(field.path, f"{why} with a zone")
        said: Said = {"path": field.path}
        if unit is not Unit.ISO:
            said["unit"] = unit.value
            if is_column and unit is not Unit.DAY:
                why += "; of a column that knows no zone, as DATETIME, the zone must be named: zone"
        if not has_zone:
            said["zone"] = zone
            why += f"; they name no zone, taken as {zone}: check"
        return Guess(said, why)
    return None


def _unit_words(unit: Unit) -> str:
    words = {
        Unit.ISO: "ISO 8601", Unit.DAY: "days", Unit.SECONDS: "seconds since 1970",
        Unit.MILLISECONDS: "milliseconds since 1970", Unit.MICROSECONDS: "microseconds since 1970",
        Unit.NANOSECONDS: "nanoseconds since 1970",
    }  # fmt: skip
    return words[unit]


def amount_guess(fields: Fields, *, is_change: bool) -> Guess | None:
    """Return where the money stands, and in which unit."""
    if is_change:
        for field in named(fields, lexicon.AMOUNT):
            if not field.is_number and all(map(BASE64.fullmatch, field.words)):
                why = f"{has(field, fields)}, the bytes of a decimal; {SCALE} decimals: check"
                return Guess({"path": field.path, "scale": SCALE}, why)
    for field in named(fields, lexicon.AMOUNT, kind="number"):
        why = f"{has(field, fields)}, {field.low:,.10g} to {field.high:,.10g}"
        said: Said = {"path": field.path}
        is_whole = field.whole == field.numbers
        if is_whole and any(mark in field.name.lower() for mark in lexicon.MINOR):
            said["unit"] = "minor"
            why += "; its name says minor units"
        elif is_whole and field.low >= WHOLE_MINOR_LEAST:
            why += "; all whole: if these are fen or cents, write unit: minor"
        if field.high <= 0 and field.low < 0:
            said["sign"] = "negative"
        return Guess(said if len(said) > 1 else field.path, why)
    return None


def currency_guess(fields: Fields) -> tuple[Guess, Counter[str]] | None:
    """Return where the currency stands, and which there are."""
    for field in named(fields, lexicon.CURRENCY, SOMETIMES):
        if field.words and all(map(CODE.fullmatch, field.words)):
            codes = ", ".join(f"{code} {count:,}" for code, count in field.words.most_common(3))
            why = f"{has(field, fields)}: {codes}"
            if field.count == fields.records:
                return Guess(field.path, why), field.words
            default = field.words.most_common(1)[0][0]
            why += f"; taken as {default} where it is missing: check"
            return Guess({"path": field.path, "default": default}, why), field.words
    return None


def user_guess(fields: Fields, share: float = OFTEN) -> Guess | None:
    """Return where the id of the user stands."""
    found = named(fields, lexicon.USER, share)
    return Guess(found[0].path, has(found[0], fields)) if found else None


def anonymous_guess(fields: Fields) -> Guess | None:
    """Return where the id of the device stands."""
    found = named(fields, lexicon.ANONYMOUS, SOMETIMES)
    return Guess(found[0].path, has(found[0], fields)) if found else None


def event_guess(fields: Fields) -> Guess | None:
    """Return where the name of the event stands: one of few texts that come again and again."""
    for field in named(fields, lexicon.EVENT):
        is_text = field.texts == field.count and not field.is_number
        if is_text and len(field.words) < NAMES_MAX and len(field.words) * 2 <= field.count:
            return Guess(field.path, f"{has(field, fields)}, {len(field.words)} different names")
    return None


def id_guess(fields: Fields, distinct: Mapping[str, int]) -> Guess | None:
    """Return where the idempotency key stands: what differs in every record.

    Args:
        fields: Of all records.
        distinct: Path to the number of different values, of the fields that may be it.
    """
    found = named(fields, lexicon.ID)
    found += [field for field in fields.common(1.0) if plain(field.name).endswith(lexicon.ID_ENDS)]
    for field in found:
        if distinct.get(field.path, 0) >= MOST * field.count and field.count == fields.records:
            differ = f"{distinct[field.path]:,} different values"
            return Guess(field.path, f"{has(field, fields)}, {differ}")
    return None
