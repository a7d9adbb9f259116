"""Readers of Avro, made for one schema and for what is read of it.

A general reader asks at every field what it is; these are straight lines of Python written for a
schema, and pass over what nobody reads. Names and texts of a schema are values that the
lines speak of, never a part of them; numbers are, of fields, branches and sizes.

Source:
    https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import inspect

from streams.core.record_limits import NESTING_MAX
from streams.intake.wire.avro_lines import (
    FIXED_SIZES,
    FLAT,
    NUMBERS,
    TEXTS,
    Book,
    Lines,
    Read,
    runs,
    size_of,
)
from streams.intake.wire.avro_logical import converter_of
from streams.intake.wire.wanted import ALL, fields_of, is_open, item_of, struct_in

DEEP_MAX: Final = 12
"""Blocks within blocks; Python allows 20 loops. What lies deeper is a function of its own."""
NO_BRANCH: Final = "else: bad('a branch that the union does not have')"


def make_reader(schema: Any, named: Mapping[str, Any], shape: inspect.Type) -> Read:
    """Return what reads a value: into its type if that takes anything, else dicts to be checked.

    Args:
        schema: As fastavro has parsed it.
        named: Its named types, and those of its references.
        shape: What is read of it.

    Raises:
        BadBytesError: The schema is larger than any that is in use.
    """
    book = Book(named, _write, is_open=is_open(shape))
    book.function("read", schema, shape)
    lines = [line for body in book.bodies for line in body]
    space: dict[str, Any] = dict(book.constants)
    exec(compile("\n".join(lines), "<avro schema>", "exec"), space)  # noqa: S102 (our own lines)
    read: Read = space["read"]
    return read


def _write(
    book: Book, lines: list[str], name: str, schema: Any, shape: inspect.Type | None
) -> None:
    writer = _Reading(book, lines)
    writer.put(0, f"def {name}(b, p, d=0):")
    writer.put(1, f"if d > {NESTING_MAX}: bad('nested deeper than {NESTING_MAX}')")
    value = "None"
    if shape is None:
        writer.skip(schema, 1)
    else:
        value = writer.value(schema, shape, 1)
    writer.put(1, f"return {value}, p")


class _Passing(Lines):
    """Lines that pass over what nobody reads."""

    def skip(self, schema: Any, deep: int) -> None:
        """Write what passes over a value."""
        schema, key = self.resolved(schema)
        kind = schema["type"] if isinstance(schema, dict) else schema
        if key or (deep > DEEP_MAX and not (isinstance(kind, str) and kind in FLAT)):
            self.put(deep, f"_, p = {self.book.call(schema, None, key)}(b, p, d + 1)")
        elif isinstance(schema, list):
            branch = self.branch(schema, deep)
            for place, part in enumerate(schema):
                self.put(deep, f"{'el' if place else ''}if {branch} == {2 * place}:")
                self.put(deep + 1, "pass")
                self.skip(part, deep + 1)
            self.put(deep, NO_BRANCH)
        elif kind in {"record", "error"}:
            for row in runs(schema["fields"]):
                self._skip_row(row, deep)
        elif kind in {"array", "map"}:
            self._skip_items(schema, deep)
        else:
            self._skip_simple(kind, schema, deep)

    def _skip_row(self, row: list[Any], deep: int) -> None:
        if len(row) > 1:
            self.all_null(len(row), deep)
            self.put(deep, "else:")
            deep += 1
        for field in row:
            self.skip(field["type"], deep)

    def _skip_items(self, schema: Any, deep: int) -> None:
        left = self.book.name("n")
        self.blocks(left, deep, may_jump=True)
        self.put(deep + 1, f"for _ in range({left}):")
        self.put(deep + 2, "pass")
        if schema["type"] == "map":
            self._skip_simple("string", schema, deep + 2)
        self.skip(schema["values" if schema["type"] == "map" else "items"], deep + 2)

    def _skip_simple(self, kind: str, schema: Any, deep: int) -> None:
        if kind in NUMBERS or kind == "enum":
            self.put(deep, "while b[p] > 127: p += 1")
            self.put(deep, "p += 1")
        elif kind in TEXTS:
            self.put(deep, f"p += {self.length(deep)} >> 1")
        elif kind != "null":
            self.put(deep, f"p += {size_of(schema) if kind == 'fixed' else FIXED_SIZES[kind]}")


class _Reading(_Passing):
    """Lines that read."""

    def value(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        """Write what reads a value; return the name that it has then."""
        schema, key = self.resolved(schema)
        if key or deep > DEEP_MAX:
            name = self.book.name("v")
            self.put(deep, f"{name}, p = {self.book.call(schema, shape, key)}(b, p, d + 1)")
            return name
        if isinstance(schema, list):
            return self._union(schema, shape, deep)
        kind = schema if isinstance(schema, str) else schema["type"]
        match kind:
            case "record" | "error":
                return self._record(schema, shape, deep)
            case "array" | "map":
                return self._items(schema, shape, deep)
            case _:
                return self._simple(kind, {} if isinstance(schema, str) else schema, deep)

    def _simple(self, kind: str, schema: Any, deep: int) -> str:
        name = self.book.name("v")
        if kind in NUMBERS:
            number = self.long(deep)
            self.put(deep, f"{name} = ({number} >> 1) ^ -({number} & 1)")
        elif kind == "enum":
            number, symbols = self.length(deep), self.book.constant(tuple(schema["symbols"]))
            self.put(deep, f"{name} = {symbols}[{number} >> 1]")
        elif kind in TEXTS or kind == "fixed":
            size = size_of(schema) if kind == "fixed" else f"({self.length(deep)} >> 1)"
            self.put(deep, f"e = p + {size}")
            text = "b[p:e].decode()" if kind == "string" else "b[p:e]"
            self.put(deep, f"{name} = {text}; p = e")
        elif kind == "null":
            self.put(deep, f"{name} = None")
        elif kind == "boolean":
            self.put(deep, f"{name} = b[p] != 0; p += 1")
        else:
            self.put(deep, f"{name} = {kind}(b, p)[0]; p += {FIXED_SIZES[kind]}")
        convert = converter_of(kind, schema)
        if convert is not None:
            self.put(deep, f"{name} = {self.book.constant(convert)}({name})")
        return name

    def _record(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        wanted, name = fields_of(shape), self.book.name("v")
        pairs: list[tuple[str, str]] = []
        for row in runs(schema["fields"]):
            read = [
                (field, self.book.name("v"), below)
                for field in row
                if (below := ALL if wanted is None else wanted.get(field["name"])) is not None
            ]
            if read:
                self._row(row, read, deep)
            else:
                self._skip_row(row, deep)
            pairs += ((field["name"], value) for field, value, _ in read)
        kind = struct_in(shape)
        if kind is None or not self.book.is_open:
            told = (f"{self.book.constant(key)}: {value}" for key, value in pairs)
            self.put(deep, f"{name} = {{{', '.join(told)}}}")
        else:
            found = dict(pairs)
            values = [found.get(field.encode_name, "None") for field in kind.fields]
            self.put(deep, f"{name} = {self.book.constant(kind.cls)}({', '.join(values)})")
        return name

    def _row(self, row: list[Any], read: list[tuple[Any, str, inspect.Type]], deep: int) -> None:
        """Write what reads some fields of a row and passes over the others."""
        if len(row) > 1:
            self.all_null(len(row), deep)
            self.put(deep + 1, f"{' = '.join(value for _, value, _ in read)} = None")
            self.put(deep, "else:")
            deep += 1
        names = {field["name"]: (value, below) for field, value, below in read}
        for field in row:
            if field["name"] in names:
                value, below = names[field["name"]]
                self.put(deep, f"{value} = {self.value(field['type'], below, deep)}")
            else:
                self.skip(field["type"], deep)

    def _union(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        branch, name = self.branch(schema, deep), self.book.name("v")
        for place, part in enumerate(schema):
            self.put(deep, f"{'el' if place else ''}if {branch} == {2 * place}:")
            self.put(deep + 1, f"{name} = {self.value(part, shape, deep + 1)}")
        self.put(deep, NO_BRANCH)
        return name

    def _items(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        is_map, name, left = schema["type"] == "map", self.book.name("v"), self.book.name("n")
        self.put(deep, f"{name} = {'{}' if is_map else '[]'}")
        self.blocks(left, deep)
        self.put(deep + 1, f"for _ in range({left}):")
        if is_map:
            key = self._simple("string", {}, deep + 2)
            value = self.value(schema["values"], item_of(shape, inspect.DictType), deep + 2)
            self.put(deep + 2, f"{name}[{key}] = {value}")
            kind = struct_in(shape)
            if kind is not None and self.book.is_open:
                fill = self.book.constant(partial(msgspec.convert, type=kind.cls))
                self.put(deep, f"{name} = {fill}({name})")
        else:
            value = self.value(schema["items"], item_of(shape, inspect.ListType), deep + 2)
            self.put(deep + 2, f"{name}.append({value})")
        return name
