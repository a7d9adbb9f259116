"""Keys that stand in a JSON object twice: the standard leaves open what such an object says.

Parsers take the last one without a word; of a field that is read that would be a guess, so the
value is refused. To find out costs a second look, by a twin of the type: each of its leaves is a
class of its own that fits one value and no second one. Of fields that are objects the name is
counted. Only what fails there is looked at key by key.

Source:
    RFC 8259 §4, https://www.rfc-editor.org/rfc/rfc8259#section-4
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Union

import msgspec
from msgspec import inspect

from streams.core.decoded import RejectReason
from streams.core.interpret import UNREADABLE
from streams.intake.fact import UnreadableError

ESCAPE: Final = b"\\u"
"""How a key may be written so that its name is not seen."""
SCALARS: Final = (str, int, float, bool, None)


def make_guard(shape: type) -> Callable[[bytes], None]:
    """Return what raises UnreadableError for a value in which a field of a type stands twice."""
    tree, twins = inspect.type_info(shape), _Twins()
    twin, plan = twins.of(tree), _plan_of(tree)
    new_tickets, look = twins.tickets.copy, msgspec.json.decode
    # The text of a name may also be a value: in the schema that Kafka Connect writes it always is.
    names = [b'"%s"' % name.encode() for name in sorted(twins.nested)]
    nested = [(name, re.compile(re.escape(name) + rb"\s*:").findall) for name in names]

    def demand_single(value: bytes) -> None:
        # A leaf takes its ticket; the next one of the same field is handed its own value, which
        # does not fit. All of it happens without a Python frame.
        try:
            look(value, type=twin, dec_hook=new_tickets().pop)
        except UNREADABLE:
            return _look_closely(value, plan)
        for name, keys in nested:
            if value.count(name) > 1 and len(keys(value)) > 1:
                return _look_closely(value, plan)
        if b"\\" in value and nested and ESCAPE in value:
            _look_closely(value, plan)
        return None

    return demand_single


def names_of(shape: type) -> frozenset[str]:
    """Return the names of all fields of a type, and of what is in them."""
    names: set[str] = set()

    def look(tree: inspect.Type) -> None:
        match tree:
            case inspect.StructType():
                for field in tree.fields:
                    names.add(field.encode_name)
                    look(field.type)
            case inspect.ListType():
                look(tree.item_type)
            case inspect.UnionType():
                for part in tree.types:
                    look(part)

    look(inspect.type_info(shape))
    return frozenset(names)


class _Twins:
    """Makes the twin of a type.

    Attributes:
        tickets: For each leaf the one value that fits it.
        nested: Names of fields that are objects, or lists of them.
    """

    def __init__(self) -> None:
        self.tickets: dict[type, object] = {}
        self.nested: set[str] = set()

    def of(self, tree: inspect.Type) -> Any:  # a type made at run time
        """Return the twin of a type."""
        if not _has_fields(tree):
            leaf = type("Leaf", (), {})
            self.tickets[leaf] = leaf()
            return leaf
        match tree:
            case inspect.StructType():
                return self._struct(tree)
            case inspect.ListType():
                return list[self.of(tree.item_type)]  # type: ignore[misc]
            case _:
                return Union[(*map(self._part, tree.types), *SCALARS)]  # type: ignore[attr-defined]

    def _part(self, tree: inspect.Type) -> Any:
        """Return the twin of one of several types that a field may be of."""
        if _has_fields(tree):
            return self.of(tree)
        kinds = {inspect.ListType: list[Any], inspect.DictType: dict[str, Any]}
        return kinds.get(type(tree), str)

    def _struct(self, tree: inspect.StructType) -> Any:
        self.nested |= {field.encode_name for field in tree.fields if _has_fields(field.type)}
        names = {f"f{place}": field.encode_name for place, field in enumerate(tree.fields)}
        fields = [
            (f"f{place}", self.of(field.type), None) for place, field in enumerate(tree.fields)
        ]
        return msgspec.defstruct("Twin", fields, rename=names, gc=False)


def _has_fields(tree: inspect.Type) -> bool:
    """Whether there are objects in a type of which single fields are read."""
    match tree:
        case inspect.StructType():
            return True
        case inspect.ListType():
            return _has_fields(tree.item_type)
        case inspect.UnionType():
            return any(map(_has_fields, tree.types))
        case _:
            return False


class _Twice(dict[str, Any]):
    """An object in which keys stand twice."""

    keys_twice: frozenset[str] = frozenset()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, marked if a key stands there twice."""
    simple = dict(pairs)
    if len(simple) == len(pairs):
        return simple
    marked, names = _Twice(simple), (name for name, _ in pairs)
    seen: set[str] = set()
    marked.keys_twice = frozenset(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return marked


_PARSE: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=bool, parse_float=bool).decode
"""Of numbers nobody asks here: one of thousands of digits is not to be worked out."""


class _Plan(NamedTuple):
    """Where in a value to look for keys that stand twice.

    Attributes:
        fields: Of an object: those that are read, each with where to look in it.
        item: Of a list: where to look in its items.
    """

    fields: "dict[str, _Plan | None]"
    item: "_Plan | None"


def _plan_of(tree: inspect.Type) -> _Plan | None:
    """Return where to look in a value of a type; None = there are no fields in it."""
    match tree:
        case inspect.StructType():
            return _Plan({field.encode_name: _plan_of(field.type) for field in tree.fields}, None)
        case inspect.ListType():
            item = _plan_of(tree.item_type)
            return None if item is None else _Plan({}, item)
        case inspect.UnionType():
            plans = [plan for part in tree.types if (plan := _plan_of(part)) is not None]
            fields = {name: below for plan in plans for name, below in plan.fields.items()}
            items = [plan.item for plan in plans if plan.item is not None]
            return _Plan(fields, items[0] if items else None) if plans else None
        case _:
            return None


def _look_closely(value: bytes, plan: _Plan | None) -> None:
    """Raise UnreadableError if a field that is read stands twice in one object."""
    try:
        found = _PARSE(value.decode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{error} - at `$`") from None
    path = None if plan is None else _path_of_twice(found, plan, "$")
    if path is not None:
        what = f"a key stands twice in one object - at `{path}`"
        raise UnreadableError(what, RejectReason.DUPLICATE_KEY.value)


def _path_of_twice(found: Any, plan: _Plan, path: str) -> str | None:
    """Return the path of the first field that stands twice, or None.

    Only what stands there is gone through: a value of many small objects has few fields in each.
    """
    if found.__class__ is list and plan.item is not None:
        item = plan.item
        return _first(_path_of_twice(each, item, f"{path}[...]") for each in found)
    if not isinstance(found, dict):
        return None
    fields = plan.fields
    doubled = found.keys_twice if isinstance(found, _Twice) else frozenset()
    for name in found:
        if name not in fields:
            continue
        if name in doubled:
            return f"{path}.{name}"
        below = fields[name]
        if below is not None and isinstance(found[name], dict | list):
            deeper = _path_of_twice(found[name], below, f"{path}.{name}")
            if deeper is not None:
                return deeper
    return None


def _first(paths: Iterator[str | None]) -> str | None:
    return next((path for path in paths if path is not None), None)
