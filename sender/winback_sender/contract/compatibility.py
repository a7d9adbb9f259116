"""Whether two schemas of a message can live together: who can read what the other has written.

The question is one of subsets: a reader takes what a writer writes if every value that the writer's
schema allows is allowed by the reader's. Asked of what our types can say, and in doubt answered no.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from winback_sender.contract.schemas import Schema

WORDS: Final = frozenset({"$comment", "$defs", "$id", "$schema", "description", "title"})
"""Keywords that say nothing about values."""
BOUNDS: Final = {"minimum": 1, "minLength": 1, "maximum": -1, "maxLength": -1}
"""Keywords that bound a value, and in which direction the bound becomes narrower."""
_KNOWN: Final = {
    *WORDS, *BOUNDS, "$ref", "additionalProperties", "anyOf", "const", "default", "enum", "format",
    "items", "properties", "required", "type",
}  # fmt: skip
_MISSING: Final = object()


class Field(NamedTuple):
    """A field for people.

    Attributes:
        holds: What it may hold, and whether it may be missing.
        means: Its description.
    """

    holds: str
    means: str


def refusals(old: Schema, new: Schema, *, is_ours: bool) -> list[str]:
    """Return why a schema must not follow another one of the same version; nothing = it may.

    Whoever reads with the new schema reads what the old one allowed (backward). What winback writes
    must be readable for those who read with the old one, too (forward): their owners update when
    they like. Whoever reads feedback is winback, which is updated before its senders.

    Args:
        old: What has been released.
        new: What is to be.
        is_ours: Winback writes the message, others read it.

    Source:
        Confluent Schema Registry, "Schema Evolution and Compatibility": BACKWARD_TRANSITIVE and
        FULL_TRANSITIVE. Stricter in that no field ever goes; and a new field may come into an open
        schema, because fields that senders invent begin with ``x_``.
    """
    found = [f"{field} is gone; a field never goes" for field in _gone(old, new)]
    found += [f"{field}: its default has changed" for field in _redefined(old, new)]
    found += [f"old messages can no longer be read: {why}" for why in unread(new, old)]
    if is_ours:
        found += [f"readers of today cannot read it: {why}" for why in unread(old, new)]
    return found


def unread(reader: Schema, writer: Schema) -> list[str]:
    """Return what of a writer's messages a reader does not take."""
    return list(_Question(reader, writer).ask(reader, writer, ""))


def fields(schema: Schema) -> dict[str, Field]:
    """Return every field of a message, also of its parts, by its path."""
    return {
        path: Field(_in_words(part, must), part.get("description", ""))
        for path, part, must in _walk(schema, schema, "")
    }


class _Question:
    def __init__(self, reader: Schema, writer: Schema) -> None:
        self._reader, self._writer = reader, writer

    def ask(self, reader: Schema, writer: Schema, path: str) -> Iterator[str]:
        """Say for a part at a path what the reader does not take."""
        reader, writer = _resolved(reader, self._reader), _resolved(writer, self._writer)
        for keyword in sorted((reader.keys() | writer.keys()) - _KNOWN):
            if _differs(reader.get(keyword, _MISSING), writer.get(keyword, _MISSING)):
                yield f"{_at(path)}: {keyword} cannot be judged"
        if "anyOf" in reader or "anyOf" in writer:
            yield from self._ask_alternatives(reader, writer, path)
            return
        yield from _ask_value(reader, writer, path)
        if _may_be(writer, "object"):
            yield from self._ask_object(reader, writer, path)
        if _may_be(writer, "array") and "items" in reader:
            yield from self.ask(reader["items"], writer.get("items", {}), f"{path}[]")

    def _ask_alternatives(self, reader: Schema, writer: Schema, path: str) -> Iterator[str]:
        for part in (reader, writer):
            if "anyOf" in part and part.keys() - WORDS - {"anyOf", "default"}:
                yield f"{_at(path)}: anyOf beside other keywords cannot be judged"
        choices = reader.get("anyOf", [reader])
        for written in writer.get("anyOf", [writer]):
            reasons = [list(self.ask(choice, written, path)) for choice in choices]
            if all(reasons):
                yield from min(reasons, key=len)

    def _ask_object(self, reader: Schema, writer: Schema, path: str) -> Iterator[str]:
        read, written = reader.get("properties", {}), writer.get("properties", {})
        for name in sorted(set(reader.get("required", ())) - set(writer.get("required", ()))):
            yield f"{_at(_below(path, name))} may be missing"
        for name in read.keys() & written.keys():
            yield from self.ask(read[name], written[name], _below(path, name))
        named = writer.get("additionalProperties", True)
        for name in read.keys() - written.keys():
            if isinstance(named, dict):  # A map: its keys are data, not fields.
                yield from self.ask(read[name], named, _below(path, name))
        more = reader.get("additionalProperties", True)
        if more is True:
            return
        rest = {name: part for name, part in written.items() if name not in read}
        rest["*"] = named
        for name, part in rest.items():
            if part is False:
                continue
            if more is False:
                yield f"{_at(_below(path, name))} is not expected"
            else:
                yield from self.ask(more, {} if part is True else part, _below(path, name))


def _ask_value(reader: Schema, writer: Schema, path: str) -> Iterator[str]:
    wanted, given = _types(reader), _types(writer)
    surplus = given - wanted - ({"integer"} if "number" in wanted else set())
    if wanted and (surplus or not given):
        yield f"{_at(path)} may be {_or(surplus) or 'anything'}, not only {_or(wanted)}"
    chosen = _choice(reader)
    if chosen is not None:
        others = None if (choice := _choice(writer)) is None else choice - chosen
        if others is None or others:
            yield f"{_at(path)} may be {'any value' if others is None else _or(others)}"
    for bound, sign in BOUNDS.items():
        if bound in reader and not _holds(writer.get(bound), reader[bound], sign):
            yield f"{_at(path)} may lie beyond {bound} {reader[bound]}"
    if "format" in reader and reader["format"] != writer.get("format"):
        yield f"{_at(path)} need not be a {reader['format']}"


def _holds(given: float | None, wanted: float, sign: int) -> bool:
    return given is not None and given * sign >= wanted * sign


def _resolved(part: Schema, root: Schema) -> Schema:
    """Follow a reference; what stands beside it holds as well."""
    while "$ref" in part:
        beside = {keyword: said for keyword, said in part.items() if keyword != "$ref"}
        part = root["$defs"][part["$ref"].rpartition("/")[2]] | beside
    return part


def _differs(read: Any, written: Any) -> bool:
    """Whether two constraints are not surely the same; what holds schemas in itself never is."""
    return read != written or isinstance(read, dict | list)


def _types(part: Schema) -> set[str]:
    stated = part.get("type", [])
    return {stated} if isinstance(stated, str) else set(stated)


def _may_be(part: Schema, kind: str) -> bool:
    types = _types(part)
    return not types or kind in types


def _choice(part: Schema) -> set[Any] | None:
    if "const" in part:
        return {part["const"]}
    return set(part["enum"]) if "enum" in part else None


def _gone(old: Schema, new: Schema) -> list[str]:
    kept = {path for path, _, _ in _walk(new, new, "")}
    return [path for path, _, _ in _walk(old, old, "") if path not in kept]


def _redefined(old: Schema, new: Schema) -> list[str]:
    now = {path: part for path, part, _ in _walk(new, new, "")}
    return [
        path
        for path, part, _ in _walk(old, old, "")
        if path in now and "default" in part and part["default"] != now[path].get("default")
    ]


def _walk(part: Schema, root: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    """Give every field below a part: its path, its schema, whether it must be there."""
    part = _resolved(part, root)
    for choice in part.get("anyOf", ()):
        yield from _walk(choice, root, path)
    if "items" in part:
        yield from _walk(part["items"], root, f"{path}[]")
    for name, field in part.get("properties", {}).items():
        below, must = _below(path, name), name in part.get("required", ())
        yield below, _resolved(field, root), must
        yield from _walk(field, root, below)


def _in_words(part: Schema, must: bool) -> str:  # noqa: FBT001 (private, a column of a row)
    if "anyOf" in part:
        said = " or ".join(_kind(choice) for choice in part["anyOf"])
    else:
        said = _kind(part)
    return said if must else f"{said}; optional"


def _kind(part: Schema) -> str:
    choice = _choice(part)
    if choice is not None:
        return "one of " + ", ".join(sorted(map(str, choice)))
    said = part.get("format") or _or(_types(part)) or "anything"
    if isinstance(part.get("additionalProperties"), dict):
        said = f"map of {_kind(part['additionalProperties'])}"
    bounds = [f"{bound} {part[bound]}" for bound in BOUNDS if bound in part]
    return ", ".join([said, *bounds])


def _or(words: set[Any]) -> str:
    return " or ".join(sorted(map(str, words)))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _at(path: str) -> str:
    return path or "the message"
