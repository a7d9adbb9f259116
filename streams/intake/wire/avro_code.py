"""Readers of Avro, made for one schema and for what is read of it.

A general reader asks at every field what it is; these are straight lines of Python written for a
schema, and pass over what nobody reads. Names and texts of a schema enter them as constants only.

Source:
    https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import inspect

from streams.intake.wire.avro_logical import converter_of

Read = Callable[[bytes, int], tuple[Any, int]]
"""``read(value, begin)``: what stands there, and where it ends; beyond the end = it is cut off.

Raises:
    BadBytesError, IndexError, ValueError, OverflowError, struct.error: They do not fit.
"""

LINES_MAX: Final = 50_000
"""Of the reader of one schema; the largest that are in use have some thousand fields."""
DEEP_MAX: Final = 12
"""Blocks within blocks; Python allows 20 loops. What lies deeper is a function of its own."""
VARINT_BYTES_MAX: Final = 10
BRANCHES_OF_A_BYTE: Final = 64
FREE_MAX: Final = 100
"""Items of a block that may take no bytes, as nulls do; else few bytes would say: a billion."""
FIXED_SIZES: Final = {"float": 4, "double": 8, "boolean": 1, "null": 0}
NUMBERS: Final = {"int", "long"}
TEXTS: Final = {"string", "bytes"}
ALL: Final = inspect.AnyType()
"""Of what is read: whatever there is."""


class BadBytesError(Exception):
    """Bytes that no value of the schema is written as."""


def make_reader(schema: Any, named: Mapping[str, Any], shape: inspect.Type) -> Read:
    """Return what reads a value into dicts and lists.

    Args:
        schema: As fastavro has parsed it.
        named: Its named types, and those of its references.
        shape: What is read of it.

    Raises:
        BadBytesError: The schema is larger than any that is in use.
    """
    code = _Code(named)
    code.function("read", schema, shape)
    lines = [line for body in code.bodies for line in body]
    space: dict[str, Any] = dict(code.constants)
    exec(compile("\n".join(lines), "<avro schema>", "exec"), space)  # noqa: S102 (our own lines)
    read: Read = space["read"]
    return read


def _more(body: bytes, place: int) -> tuple[int, int]:
    """Return a number of several bytes, before zigzag, and where it ends; it began a byte ago."""
    number, shift = body[place - 1] & 127, 7
    while True:
        byte = body[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 (the bit that says: there is more)
            return number, place
        shift += 7
        if shift >= 7 * VARINT_BYTES_MAX:
            raise BadBytesError("a number of more than ten bytes")


def _length(body: bytes, place: int) -> tuple[int, int]:
    """Return twice a length, and where it ends; it began a byte ago."""
    number, place = _more(body, place) if body[place - 1] > 127 else (body[place - 1], place)  # noqa: PLR2004 (as above)
    if number & 1:
        raise BadBytesError("a length below zero")
    return number, place


def _bad(what: str) -> None:
    raise BadBytesError(what)


class _Code:
    """Lines of a reader.

    Attributes:
        bodies: Lines of each function.
        constants: What they speak of, by name.
    """

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.bodies: list[list[str]] = []
        self.constants: dict[str, Any] = {"more": _more, "length": _length, "bad": _bad}
        for kind, form in (("float", "<f"), ("double", "<d")):
            self.constants[kind] = struct.Struct(form).unpack_from
        self._named = named
        self._functions: dict[tuple[str, int], str] = {}
        self._names = 0
        self._count = 0

    def function(self, name: str, schema: Any, shape: inspect.Type | None) -> None:
        """Write the function that reads a schema, or passes over it: ``shape`` is None."""
        lines: list[str] = []
        self.bodies.append(lines)
        writer = _Writer(self, lines)
        writer.put(0, f"def {name}(b, p):")
        value = "None"
        if shape is None:
            writer.skip(schema, 1)
        else:
            value = writer.value(schema, shape, 1)
        writer.put(1, f"return {value}, p")

    def call(self, schema: Any, shape: inspect.Type | None, key: str) -> str:
        """Return the name of a function for a schema; one that has a key is written once."""
        known = (key, id(shape))
        if key and known in self._functions:
            return self._functions[known]
        name = self.name("f")
        if key:
            self._functions[known] = name
        self.function(name, schema, shape)
        return name

    def name(self, letter: str) -> str:
        """Return a name that nothing has yet."""
        self._names += 1
        return f"{letter}{self._names}"

    def constant(self, thing: Any) -> str:
        """Return the name of a constant."""
        name = self.name("k")
        self.constants[name] = thing
        return name

    def named(self, name: str) -> Any:
        """Return a named type."""
        return self._named[name]

    def count(self) -> None:
        """Note a line."""
        self._count += 1
        if self._count > LINES_MAX:
            raise BadBytesError(f"the schema needs more than {LINES_MAX} lines to be read")


class _Writer:
    """Writes the lines of one function."""

    def __init__(self, code: _Code, lines: list[str]) -> None:
        self._code = code
        self._lines = lines

    def put(self, deep: int, line: str) -> None:
        self._code.count()
        self._lines.append("\t" * deep + line)

    def value(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        """Write what reads a value; return the name that it has then."""
        schema, key = self._resolved(schema)
        if key or deep > DEEP_MAX:
            name = self._code.name("v")
            self.put(deep, f"{name}, p = {self._code.call(schema, shape, key)}(b, p)")
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

    def _resolved(self, schema: Any) -> tuple[Any, str]:
        """Return what a schema is, and its name if it is only spoken of by it."""
        while isinstance(schema, dict) and not isinstance(schema["type"], str):
            schema = schema["type"]
        kind = schema["type"] if isinstance(schema, dict) else schema
        if isinstance(kind, str) and kind not in KINDS:
            return self._code.named(kind), kind
        return schema, ""

    def _long(self, deep: int) -> str:
        """Write what reads a number before zigzag."""
        name = self._code.name("n")
        self.put(deep, f"{name} = b[p]; p += 1")
        self.put(deep, f"if {name} > 127: {name}, p = more(b, p)")
        return name

    def _length(self, deep: int) -> str:
        """Write what reads twice a length, in most cases an even byte."""
        name = self._code.name("n")
        self.put(deep, f"{name} = b[p]; p += 1")
        self.put(deep, f"if {name} & 129: {name}, p = length(b, p)")
        return name

    def _branch(self, schema: Any, deep: int) -> str:
        """Write what reads twice the number of a branch."""
        if len(schema) > BRANCHES_OF_A_BYTE:
            return self._length(deep)
        name = self._code.name("n")
        self.put(deep, f"{name} = b[p]; p += 1")
        return name

    def _simple(self, kind: str, schema: Any, deep: int) -> str:
        name = self._code.name("v")
        if kind in NUMBERS:
            number = self._long(deep)
            self.put(deep, f"{name} = ({number} >> 1) ^ -({number} & 1)")
        elif kind == "enum":
            number, symbols = self._length(deep), self._code.constant(tuple(schema["symbols"]))
            self.put(deep, f"{name} = {symbols}[{number} >> 1]")
        elif kind in TEXTS or kind == "fixed":
            end = self._end(kind, schema, deep)
            text = "b[p:{}].decode()" if kind == "string" else "b[p:{}]"
            self.put(deep, f"{name} = {text.format(end)}; p = {end}")
        elif kind == "null":
            self.put(deep, f"{name} = None")
        elif kind == "boolean":
            self.put(deep, f"{name} = b[p] != 0; p += 1")
        else:
            self.put(deep, f"{name} = {kind}(b, p)[0]; p += {FIXED_SIZES[kind]}")
        convert = converter_of(kind, schema)
        if convert is not None:
            self.put(deep, f"{name} = {self._code.constant(convert)}({name})")
        return name

    def _end(self, kind: str, schema: Any, deep: int) -> str:
        """Write what says where text or bytes end."""
        end = self._code.name("e")
        if kind == "fixed":
            self.put(deep, f"{end} = p + {_size(schema)}")
        else:
            length = self._length(deep)
            self.put(deep, f"{end} = p + ({length} >> 1)")
        return end

    def _record(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        wanted, fields = _fields(shape), []
        for field in schema["fields"]:
            below = ALL if wanted is None else wanted.get(field["name"])
            if below is None:
                self.skip(field["type"], deep)
            else:
                fields.append((field["name"], self.value(field["type"], below, deep)))
        name = self._code.name("v")
        pairs = ", ".join(f"{field!r}: {value}" for field, value in fields)
        self.put(deep, f"{name} = {{{pairs}}}")
        return name

    def _union(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        branch, name = self._branch(schema, deep), self._code.name("v")
        for place, part in enumerate(schema):
            self.put(deep, f"{'el' if place else ''}if {branch} == {2 * place}:")
            self.put(deep + 1, f"{name} = {self.value(part, shape, deep + 1)}")
        self.put(deep, "else: bad('a branch that the union does not have')")
        return name

    def _items(self, schema: Any, shape: inspect.Type, deep: int) -> str:
        is_map, name, left = schema["type"] == "map", self._code.name("v"), self._code.name("n")
        self.put(deep, f"{name} = {'{}' if is_map else '[]'}")
        self._blocks(left, deep)
        self.put(deep + 1, f"for _ in range({left}):")
        if is_map:
            key = self._simple("string", {}, deep + 2)
            value = self.value(schema["values"], _item(shape, inspect.DictType), deep + 2)
            self.put(deep + 2, f"{name}[{key}] = {value}")
        else:
            value = self.value(schema["items"], _item(shape, inspect.ListType), deep + 2)
            self.put(deep + 2, f"{name}.append({value})")
        return name

    def _blocks(self, left: str, deep: int, *, may_jump: bool = False) -> None:
        """Write the loop over blocks of items; each has ``left`` of them."""
        self.put(deep, "while True:")
        number = self._long(deep + 1)
        self.put(deep + 1, f"if not {number}: break")
        self.put(deep + 1, f"{left} = ({number} + 1) >> 1")
        self.put(deep + 1, f"if {number} & 1:")
        length = self._length(deep + 2)
        if may_jump:
            self.put(deep + 2, f"p += {length} >> 1")
            self.put(deep + 2, "continue")
        many = f"{left} > {FREE_MAX} and {left} > len(b) - p"
        self.put(deep + 1, f"if {many}: bad('more items than bytes')")

    def skip(self, schema: Any, deep: int) -> None:
        """Write what passes over a value."""
        schema, key = self._resolved(schema)
        kind = schema["type"] if isinstance(schema, dict) else schema
        if key or (deep > DEEP_MAX and not (isinstance(kind, str) and kind in FLAT)):
            self.put(deep, f"_, p = {self._code.call(schema, None, key)}(b, p)")
        elif isinstance(schema, list):
            branch = self._branch(schema, deep)
            for place, part in enumerate(schema):
                self.put(deep, f"{'el' if place else ''}if {branch} == {2 * place}:")
                self.put(deep + 1, "pass")
                self.skip(part, deep + 1)
            self.put(deep, "else: bad('a branch that the union does not have')")
        elif kind in {"record", "error"}:
            for field in schema["fields"]:
                self.skip(field["type"], deep)
        elif kind in {"array", "map"}:
            self._skip_items(schema, deep)
        else:
            self._skip_simple(kind, schema, deep)

    def _skip_items(self, schema: Any, deep: int) -> None:
        left = self._code.name("n")
        self._blocks(left, deep, may_jump=True)
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
            self.put(deep, f"p += {self._length(deep)} >> 1")
        elif kind != "null":
            self.put(deep, f"p += {_size(schema) if kind == 'fixed' else FIXED_SIZES[kind]}")


FLAT: Final = frozenset({*FIXED_SIZES, *NUMBERS, *TEXTS, "enum", "fixed"})
KINDS: Final = FLAT | {"record", "error", "array", "map"}


def _size(schema: Any) -> int:
    size = int(schema["size"])
    if size < 0:
        raise BadBytesError("a size below zero")
    return size


def _fields(shape: inspect.Type) -> dict[str, inspect.Type] | None:
    """Return the fields that are read of an object; None = all of them."""
    for part in shape.types if isinstance(shape, inspect.UnionType) else (shape,):
        if isinstance(part, inspect.StructType):
            return {field.encode_name: field.type for field in part.fields}
    return None


def _item(shape: inspect.Type, kind: type) -> inspect.Type:
    """Return what is read of the items of a list or a mapping."""
    for part in shape.types if isinstance(shape, inspect.UnionType) else (shape,):
        if isinstance(part, inspect.ListType) and kind is inspect.ListType:
            return part.item_type
        if isinstance(part, inspect.DictType) and kind is inspect.DictType:
            return part.value_type
    return ALL
