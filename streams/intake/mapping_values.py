"""Reading the values that a mapping names: exactly, or not at all.

Every reader raises `WrongError` with the path and the line of the rule when a value is not what the
rule says it is.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from streams.core.decoded import RejectReason
from streams.core.sources import Path, Pick, path_text
from streams.intake.shape import getter

Body = Any  # a shape, made at run time
Reader = Callable[[Body], Any]

_SHOWN: Final = 60
_NAMES: Final[dict[type, str]] = {
    str: "a text or a whole number",
    int: "a whole number",
    bool: "true or false",
}


class WrongError(Exception):
    """A fact cannot be told; the text names the path and the line of the rule.

    Args:
        reason: Of the rejection.
        what: In words.
        line: Of the rules, 0 = of none.
    """

    def __init__(self, reason: RejectReason, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.reason, self.line = reason, line


def wrong(reason: RejectReason, what: str, path: Path, line: int) -> WrongError:
    """Return the error of a value that stands at a path which a line of the rules names."""
    return WrongError(reason, f"{what} - at `{path_text(path)}` (line {line} of the rules)", line)


def shown(value: object) -> str:
    """Return a value for a message: not long, and no secret of a whole record."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python refuses to write thousands of digits.
        text = "a value that is too long to be shown"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def text_of(value: object) -> str | None:
    """Return a text, or a whole number in digits; None = it is neither, or empty."""
    if isinstance(value, str):
        return value or None
    return str(value) if type(value) is int else None


def make_pick(
    pick: Pick,
    kind: type = str,
    *,
    is_needed: bool = True,
    reason: RejectReason = RejectReason.BAD_PROPERTY,
) -> Reader:
    """Return what reads a value that is a text, a whole number or a truth.

    Args:
        pick: What the rules say of it.
        kind: ``str`` (whole numbers are taken as texts), ``int``, ``bool``, or ``object``: any.
        is_needed: Refuse what is missing, null or an empty text; else it is None.
        reason: Of the rejection of what is missing.
    """
    path, default, line, get = pick.path, pick.default, pick.line, getter(pick.path)
    meaning_of, fits = _tabled(pick), _fitting(kind)
    if not path:
        return lambda _body: default

    def read(body: Body) -> Any:
        value = get(body)
        if value.__class__ is str and value and meaning_of is None and fits is text_of:
            return value
        if value is None or value == "":
            if default is None and is_needed:
                raise wrong(reason, "missing, null or empty", path, line)
            return default
        said = fits(value if meaning_of is None else meaning_of(value))
        if said is None:
            what = f"{shown(value)} is not {_NAMES.get(kind, 'a value')}"
            raise wrong(RejectReason.BAD_PROPERTY, what, path, line)
        return said

    return read


def _fitting(kind: type) -> Callable[[object], Any]:
    """Return what takes a value for one of a kind; None = it is none."""
    if kind is str:
        return text_of
    if kind is object:
        return lambda value: value
    return lambda value: value if type(value) is kind else None


def _tabled(pick: Pick) -> Callable[[object], Any] | None:
    """Return what looks a value up in the table; None = there is no table."""
    table, others, path, line = pick.table, pick.others, pick.path, pick.line
    if table is None:
        return None

    def meaning_of(value: object) -> Any:
        key = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
        found = table.get(key, others)
        if found is None:
            what = f"{shown(value)} is not in the table"
            raise wrong(RejectReason.BAD_PROPERTY, what, path, line)
        return found

    return meaning_of
