"""What lines of a reader are made of: names, constants, and what Avro says by numbers and lengths.

Source:
    https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import inspect

from streams.core.record_limits import ITEMS_MAX

Read = Callable[[bytes, int], tuple[Any, int]]
"""``read(value, begin)``: what stands there, and where it ends; beyond the end = it is cut off.

Raises:
    BadBytesError, IndexError, ValueError, OverflowError, struct.error: They do not fit.
"""
Write = Callable[["Book", list[str], str, Any, inspect.Type | None], None]
"""``write(book, lines, name, schema, shape)`` writes a function; no shape = it passes over."""

LINES_MAX: Final = 50_000
"""Of the reader of one schema; the largest that are in use have some thousand fields."""
VARINT_BYTES_MAX: Final = 10
BRANCHES_OF_A_BYTE: Final = 64
FREE_MAX: Final = 100
"""Items of a block that may take no bytes, as nulls do; else few bytes would say: a billion."""
RUN_MIN: Final = 3
"""Fields in a row that are worth to be asked together whether all of them are null."""
FIXED_SIZES: Final = {"float": 4, "double": 8, "boolean": 1, "null": 0}
NUMBERS: Final = {"int", "long"}
TEXTS: Final = {"string", "bytes"}
FLAT: Final = frozenset({*FIXED_SIZES, *NUMBERS, *TEXTS, "enum", "fixed"})
KINDS: Final = FLAT | {"record", "error", "array", "map"}


class BadBytesError(Exception):
    """Bytes that no value of the schema is written as."""


def _more(body: bytes, place: int) -> tuple[int, int]:
    """Return a number of several bytes, before zigzag, and where it ends; it began a byte ago."""
    number, byte = body[place - 1] & 127, body[place]
    if byte < 128:  # noqa: PLR2004 (the bit that says: there is more)
        return number | byte << 7, place + 1
    number |= (byte & 127) << 7
    byte = body[place + 1]
    if byte < 128:  # noqa: PLR2004 (as above)
        return number | byte << 14, place + 2
    number |= (byte & 127) << 14
    byte = body[place + 2]
    if byte < 128:  # noqa: PLR2004 (as above)
        return number | byte << 21, place + 3
    number |= (byte & 127) << 21 | (body[place + 3] & 127) << 28
    if body[place + 3] > 127 and body[place + 4] < 128:  # noqa: PLR2004 (instants are so long)
        return number | body[place + 4] << 35, place + 5
    return _most(body, place)


def _most(body: bytes, place: int) -> tuple[int, int]:
    number, shift = body[place - 1] & 127, 7
    while True:
        byte = body[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 (as above)
            return number, place
        shift += 7
        if shift >= 7 * VARINT_BYTES_MAX:
            raise BadBytesError("a number of more than ten bytes")


def _length(body: bytes, place: int) -> tuple[int, int]:
    """Return twice a length, and where it ends; it began a byte ago."""
    number = body[place - 1]
    if number > 127:  # noqa: PLR2004 (as above)
        number, place = _more(body, place)
    if number & 1:
        raise BadBytesError("a length below zero")
    return number, place


def _bad(what: str) -> None:
    raise BadBytesError(what)


class Book:
    """All functions of a reader.

    Args:
        named: Named types of the schema.
        write: Writes a function.
        is_open: Whether objects are made at once.

    Attributes:
        bodies: Lines of each function.
        constants: What they speak of, by name.
    """

    def __init__(self, named: Mapping[str, Any], write: Write, *, is_open: bool) -> None:
        self.is_open = is_open
        self.bodies: list[list[str]] = []
        self.constants: dict[str, Any] = {"more": _more, "length": _length, "bad": _bad}
        for kind, form in (("float", "<f"), ("double", "<d")):
            self.constants[kind] = struct.Struct(form).unpack_from
        self._named = named
        self._write = write
        self._functions: dict[tuple[str, int], str] = {}
        self._names = 0
        self._count = 0

    def function(self, name: str, schema: Any, shape: inspect.Type | None) -> None:
        """Write the function that reads a schema, or passes over it: ``shape`` is None."""
        self.bodies.append([])
        self._write(self, self.bodies[-1], name, schema, shape)

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


class Lines:
    """Lines of one function."""

    def __init__(self, book: Book, lines: list[str]) -> None:
        self.book = book
        self._lines = lines

    def put(self, deep: int, line: str) -> None:
        """Add a line."""
        self.book.count()
        self._lines.append("\t" * deep + line)

    def resolved(self, schema: Any) -> tuple[Any, str]:
        """Return what a schema is, and its name if it is only spoken of by it."""
        while isinstance(schema, dict) and not isinstance(schema["type"], str):
            schema = schema["type"]
        kind = schema["type"] if isinstance(schema, dict) else schema
        if isinstance(kind, str) and kind not in KINDS:
            return self.book.named(kind), kind
        return schema, ""

    def long(self, deep: int) -> str:
        """Write what reads a number before zigzag."""
        name = self.book.name("n")
        self.put(deep, f"{name} = b[p]; p += 1")
        self.put(deep, f"if {name} > 127: {name}, p = more(b, p)")
        return name

    def length(self, deep: int) -> str:
        """Write what reads twice a length, in most cases an even byte."""
        name = self.book.name("n")
        self.put(deep, f"{name} = b[p]; p += 1")
        self.put(deep, f"if {name} & 129: {name}, p = length(b, p)")
        return name

    def branch(self, schema: Any, deep: int) -> str:
        """Write what reads twice the number of a branch."""
        if len(schema) > BRANCHES_OF_A_BYTE:
            return self.length(deep)
        name = self.book.name("n")
        self.put(deep, f"{name} = b[p]; p += 1")
        return name

    def blocks(self, left: str, deep: int, *, may_jump: bool = False) -> None:
        """Write the loop over blocks of items; each has ``left`` of them."""
        total = self.book.name("t")
        self.put(deep, f"{total} = 0")
        self.put(deep, "while True:")
        number = self.long(deep + 1)
        self.put(deep + 1, f"if not {number}: break")
        self.put(deep + 1, f"{left} = ({number} + 1) >> 1")
        self.put(deep + 1, f"if {number} & 1:")
        length = self.length(deep + 2)
        if may_jump:
            self.put(deep + 2, f"p += {length} >> 1")
            self.put(deep + 2, "continue")
        self.put(deep + 1, f"{total} += {left}")
        many = f"{left} > {FREE_MAX} and {left} > len(b) - p or {total} > {ITEMS_MAX}"
        self.put(deep + 1, f"if {many}: bad('too many items')")

    def all_null(self, count: int, deep: int) -> None:
        """Write the question whether the next unions are all null, each by a zero."""
        self.put(deep, f"if b[p:p + {count}] == {self.book.constant(bytes(count))}:")
        self.put(deep + 1, f"p += {count}")


def runs(fields: list[Any]) -> Iterator[list[Any]]:
    """Yield fields one by one, but those in a row that may be null together."""
    row: list[Any] = []
    for field in (*fields, None):
        kind = None if field is None else field["type"]
        if isinstance(kind, list) and kind and kind[0] == "null":
            row.append(field)
            continue
        if len(row) >= RUN_MIN:
            yield row
        else:
            yield from ([one] for one in row)
        row = []
        if field is not None:
            yield [field]


def size_of(schema: Any) -> int:
    """Return how many bytes a fixed has."""
    size = int(schema["size"])
    if size < 0:
        raise BadBytesError("a size below zero")
    return size
