"""What Protobuf's messages say: instants are such, numbers are numbers, the rest is as in JSON.

A field that can be told to be missing, and is, is None. One that cannot, as proto3 has them, is
what it is then: zero, empty, the first of its enum.

Source:
    https://protobuf.dev/programming-guides/field_presence/
    https://protobuf.dev/programming-guides/json/
"""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from msgspec import inspect

from streams.intake.wire.avro_logical import decimal_text, instant
from streams.intake.wire.wanted import ALL, fields_of, item_of

Read = Callable[[Any], Any]

WRAPPERS: Final = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String")
)
SECONDS_MAX: Final = 315_576_000_000
"""Of an instant or a span: ten thousand years, as their definition says."""


class Readers:
    """Makes readers of messages, one for a kind of message and what is read of it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Read] = {}

    def of(self, kind: Descriptor, shape: inspect.Type) -> Read:
        """Return what reads a message."""
        special = SPECIAL.get(kind.full_name)
        if special is not None:
            return special
        if kind.full_name in WRAPPERS:
            return attrgetter("value")
        key = kind.full_name, id(shape)
        if key not in self._known:
            fields: list[tuple[str, Read]] = []
            # Kept before it is whole: messages may hold messages of their own kind.
            self._known[key] = lambda message: {name: get(message) for name, get in fields}
            fields += self._fields(kind, shape)
        return self._known[key]

    def _fields(self, kind: Descriptor, shape: inspect.Type) -> list[tuple[str, Read]]:
        wanted = fields_of(shape)
        if wanted is None:
            return [(field.name, self._field(field, ALL)) for field in kind.fields]
        found = []
        for name, below in wanted.items():
            field = kind.fields_by_name.get(name) or kind.fields_by_camelcase_name.get(name)
            if field is not None:
                found.append((name, self._field(field, below)))
        return found

    def _field(self, field: FieldDescriptor, shape: inspect.Type) -> Read:
        """Return what reads a field of a message."""
        get = attrgetter(field.name)
        name = field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value_of = self._value(field.message_type.fields_by_name["value"], ALL)
            return lambda message: {
                _key(key): item if value_of is None else value_of(item)
                for key, item in get(message).items()
            }
        convert = self._value(
            field, item_of(shape, inspect.ListType) if field.is_repeated else shape
        )
        if field.is_repeated:
            if convert is None:
                return lambda message: list(get(message))
            return lambda message: [convert(item) for item in get(message)]
        if field.has_presence and not field.has_default_value:
            if convert is None:
                return lambda message: get(message) if message.HasField(name) else None
            return lambda message: convert(get(message)) if message.HasField(name) else None
        return get if convert is None else lambda message: convert(get(message))

    def _value(self, field: FieldDescriptor, shape: inspect.Type) -> Read | None:
        """Return what makes a value of what stands in a field; None = it is one."""
        if field.message_type is not None:
            return self.of(field.message_type, shape)
        if field.enum_type is not None:
            names = {
                number: value.name for number, value in field.enum_type.values_by_number.items()
            }
            return lambda number: names.get(number, number)
        return _base64 if field.type == FieldDescriptor.TYPE_BYTES else None


def _key(key: Any) -> str:
    """Return the key of a mapping as JSON writes it."""
    return str(key).lower() if isinstance(key, bool) else str(key)


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _timestamp(message: Any) -> datetime:
    if abs(message.seconds) > SECONDS_MAX:
        raise ValueError(f"an instant of {message.seconds} s")
    return instant(message.seconds * 1_000_000 + message.nanos // 1_000)


def _duration(message: Any) -> float:
    return float(message.seconds + message.nanos / 1e9)


def _decimal(message: Any) -> str:
    return decimal_text(message.value, scale=message.scale)


def _struct(message: Any) -> dict[str, Any]:
    return {name: _dynamic(value) for name, value in message.fields.items()}


def _dynamic(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    match kind:
        case "struct_value":
            return _struct(message.struct_value)
        case "list_value":
            return [_dynamic(value) for value in message.list_value.values]
        case None | "null_value":
            return None
        case _:
            return getattr(message, kind)


SPECIAL: Final[dict[str, Read]] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _dynamic,
    "google.protobuf.ListValue": lambda message: [_dynamic(value) for value in message.values],
    "google.protobuf.BytesValue": lambda message: _base64(message.value),
    "confluent.type.Decimal": _decimal,
}
