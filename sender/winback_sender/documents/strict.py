"""Checking data against types as a linter does: everything that is wrong, not only the first."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from enum import StrEnum
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from winback_sender.documents.faults import Fault, Path, meant

T = TypeVar("T")

FAULTS_MAX: Final = 100
"""So many faults of a document are told; who mends these is told the next."""
_LISTS: Final = (list, tuple, set, frozenset)


def converted(value: object, kind: type[T], path: Path = ()) -> tuple[T | None, list[Fault]]:
    """Return a value as a type, and all that is wrong with it; None when it cannot be that type."""
    faults = list(islice(faults_in(value, kind, path), FAULTS_MAX))
    try:
        return msgspec.convert(value, kind), faults
    except msgspec.ValidationError as error:
        return None, faults or [Fault(path, str(error))]


def without(value: object, faults: Iterable[Fault], path: Path = ()) -> object:
    """Return a copy of a value without the fields that are at fault, as far as they have names.

    What is left may be checked further, so that one fault does not hide another.

    Args:
        value: Of a document.
        faults: What is wrong in it.
        path: Where the value stands.
    """
    copy = deepcopy(value)
    for fault in faults:
        *way, last = fault.path[len(path) :] or ("",)
        part = part_at(copy, way)
        if isinstance(part, dict):
            part.pop(last, None)
    return copy


def part_at(value: Any, path: Iterable[str | int]) -> Any:
    """Return what a path leads to, or None."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return None
    return value


Version = Annotated[
    Literal[1],
    Meta(
        description="Of the format.",
        extra={"hint": "version 1 is known here; a file of a later one needs a later winback"},
    ),
]
"""Version of a file that people write."""


def faults_in(value: object, kind: Any, path: Path = ()) -> Iterator[Fault]:
    """Yield what keeps a value from being of a type; nothing if ``msgspec.convert`` takes it.

    Args:
        value: Of a document: mappings, lists, scalars.
        kind: A struct, list, tuple, dict, union or scalar type, annotated or not. The words that
            ``Meta(extra_json_schema={"enum": …})`` lists are all that a text may be, and
            ``Meta(extra={"hint": …})`` says what would be right.
        path: Where the value stands.
    """
    if get_origin(kind) is Annotated:
        yield from _of_annotated(value, kind, path)
    elif get_origin(kind) in {Union, UnionType}:
        yield from _of_union(value, get_args(kind), path)
    elif _is_struct(kind) and isinstance(value, dict):
        yield from _of_struct(value, kind, path)
    elif get_origin(kind) in _LISTS and isinstance(value, list):
        for place, item in enumerate(value):
            yield from faults_in(item, get_args(kind)[0], (*path, place))
    elif get_origin(kind) is dict and isinstance(value, dict):
        for name, item in value.items():
            for fault in faults_in(name, get_args(kind)[0], (*path, str(name))):
                yield fault._replace(is_of_name=True)
            yield from faults_in(item, get_args(kind)[1], (*path, str(name)))
    elif (words := _words_of(kind)) and isinstance(value, str):
        yield from _of_words(value, words, path)
    else:
        yield from _of_leaf(value, kind, path)


def _of_annotated(value: object, kind: Any, path: Path) -> Iterator[Fault]:
    plain, *metas = get_args(kind)
    hint = next((_hint(meta) for meta in metas if _hint(meta)), "")
    for fault in list(faults_in(value, plain, path)) or _of_metas(value, plain, metas, path):
        yield fault._replace(hint=hint) if hint and fault.path == path else fault


def _of_struct(value: dict[Any, Any], kind: type[msgspec.Struct], path: Path) -> Iterator[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, part in value.items():
        if name in fields:
            yield from faults_in(part, fields[name].type, (*path, name))
        else:
            hint = meant(name, fields)
            yield Fault((*path, str(name)), f"unknown field `{name}`", hint, is_of_name=True)
    for name, field in fields.items():
        if field.required and name not in value:
            yield Fault(path, f"missing required field `{name}`")


def _of_union(value: object, kinds: tuple[Any, ...], path: Path) -> Iterator[Fault]:
    """Of several types that are meant, the one that looks like the value is asked."""
    if value is None and NoneType in kinds:
        return
    rest = [kind for kind in kinds if kind is not NoneType]
    structs = [kind for kind in rest if _is_struct(kind)] if isinstance(value, dict) else []
    if len(rest) == 1 or len(structs) == 1:
        yield from faults_in(value, (structs or rest)[0], path)
    else:
        yield from _of_leaf(value, Union[tuple(rest)], path)  # noqa: UP007  # made at run time


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _of_metas(value: object, plain: Any, metas: list[Any], path: Path) -> Iterator[Fault]:
    for meta in metas:
        words = (meta.extra_json_schema or {}).get("enum")
        if words is not None:
            yield from _of_words(value, words, path)
        elif isinstance(value, list):
            yield from _of_leaf(value, Annotated[list[Any], meta], path)
        elif isinstance(value, dict):
            yield from _of_leaf(value, Annotated[dict[Any, Any], meta], path)
        elif isinstance(value, int | float | str):
            kind = float if plain is float else type(value)  # a whole number is a float, too
            yield from _of_leaf(value, Annotated[kind, meta], path)


def _hint(meta: Meta) -> str:
    """Return what the type itself says would be right: ``extra={"hint": …}``."""
    return str((meta.extra or {}).get("hint", ""))


def _words_of(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    is_enum = isinstance(kind, type) and issubclass(kind, StrEnum)
    return tuple(kind) if is_enum else ()


def _of_words(value: object, words: Iterable[str], path: Path) -> Iterator[Fault]:
    known = [str(word) for word in words]
    if value not in known:
        yield Fault(path, f"{value!r} is unknown", meant(value, known))


def _of_leaf(value: object, kind: Any, path: Path) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, inner = str(error).partition(" - at ")
        hint = ""
        if "`str" in what and isinstance(value, bool):
            hint = (
                "write it in quotes, as you would yes, no, on and off: YAML takes them for others"
            )
        elif "Expected `str`" in what and isinstance(value, int | float):
            hint = f"write it in quotes: '{value}'"
        where = f" (at {inner.strip('`')})" if inner else ""
        yield Fault(path, what + where, hint)
