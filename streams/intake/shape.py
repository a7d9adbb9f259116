"""Shapes: types that hold what is read of a record, and nothing else.

A decoder that knows what is wanted skips the rest unread; so a mapping costs what it reads, however
wide the records are.
"""

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

import msgspec

from streams.core.sources import Path

_PLAIN: Final = frozenset(
    name for kind in (str, int, float, bool, list, dict, tuple, bytes) for name in dir(kind)
)
_CODED: Final = re.compile(r"_.*|x[0-9a-f]+")

_Node = dict[str | int, Any]
"""Steps that lead on from a place, each with its node; {} = the place is read as it is."""


def attribute(name: str) -> str:
    """Return under which attribute a field of this name is kept in a shape.

    It is the name itself, unless that is no identifier or is an attribute of texts, numbers or
    lists: those may stand where an object was expected, and must not be taken for one.
    """
    is_free = name.isidentifier() and not keyword.iskeyword(name) and name not in _PLAIN
    return name if is_free and not _CODED.fullmatch(name) else f"x{name.encode().hex()}"


def struct_of(
    name: str, envelope: Mapping[str, Any], paths: Iterable[Path]
) -> type[msgspec.Struct]:
    """Return the type that holds what a format and a mapping read of a record.

    Every field may be missing, and is None then. What the envelope names has the type that stands
    there, also where a path leads through it; what only paths lead to is any value at all, and what
    they lead through is an object, or something else, which leads nowhere.

    Args:
        name: Of the type, for messages.
        envelope: Field of the format to its type, or to a mapping for the fields of an object.
        paths: Of the mapping, from the root of the type.
    """
    tree: _Node = {}
    for path in paths:
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    return _struct(name, envelope, tree)


def _struct(name: str, envelope: Mapping[str, Any], tree: _Node) -> type[msgspec.Struct]:
    kinds: dict[str, Any] = {}
    for field in (*envelope, *(step for step in tree if isinstance(step, str))):
        own, below = envelope.get(field), tree.get(field, {})
        if field in envelope and not isinstance(own, Mapping):
            kinds[field] = own
        else:
            kinds[field] = _kind(f"{name}.{field}", own or {}, below)
    attributes = {attribute(field): field for field in kinds}
    return msgspec.defstruct(
        name.replace(".", "_"),
        [(attribute(field), kind, None) for field, kind in kinds.items()],
        rename={short: field for short, field in attributes.items() if short != field},
        gc=False,
    )


def _kind(name: str, envelope: Mapping[str, Any], tree: _Node) -> Any:  # a type made at run time
    """Return the type of a place where an object or a list is expected, and other things stand."""
    if not tree and not envelope:
        return Any
    items: _Node = {}
    for step, node in tree.items():
        if isinstance(step, int):
            _merge(items, node)
    has_fields = envelope or any(isinstance(step, str) for step in tree)
    fields = _struct(name, envelope, tree) if has_fields else dict[str, Any]
    item = _kind(f"{name}.item", {}, items)
    return fields | str | float | int | bool | list[item] | None  # type: ignore[valid-type]


def _merge(into: _Node, tree: _Node) -> None:
    for step, node in tree.items():
        _merge(into.setdefault(step, {}), node)


def getter(path: Path) -> Callable[[Any], Any]:
    """Return what reads the value that a path leads to in a shape; None = it leads nowhere.

    A path of one step asks for a shape that was made for it: there it is a plain attribute.
    """
    names = [attribute(step) for step in path if isinstance(step, str)]
    if len(names) < len(path) or not path:
        return lambda body: _walk(body, path)
    direct = attrgetter(".".join(names))
    if len(names) == 1:
        return direct

    def get(body: Any) -> Any:
        try:
            return direct(body)
        except AttributeError:
            return _walk(body, path)

    return get


def _walk(body: Any, path: Path) -> Any:
    """Follow a path through shapes, mappings and lists."""
    for step in path:
        if isinstance(step, int):
            is_there = isinstance(body, list | tuple) and step < len(body)
            body = body[step] if is_there else None
        elif isinstance(body, msgspec.Struct):
            body = getattr(body, attribute(step), None)
        else:
            body = body.get(step) if isinstance(body, dict) else None
    return body
