"""Values in Protobuf, framed with the id of a schema and the place of the message in it.

Source:
    https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from typing import Any, Final

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from msgspec import inspect

from streams.core.decoded import RejectReason
from streams.intake.fact import Parse, ParseAs, UnreadableError
from streams.intake.wire.faults import not_written_with, unreadable
from streams.intake.wire.protobuf_files import KIND, with_files
from streams.intake.wire.protobuf_values import Read, Readers
from streams.intake.wire.schemas import FRAME_BYTES, Schema, Schemas

FIRST: Final = b"\0"
"""Where it stands, if the message is the first of its schema: most are."""
STEPS_MAX: Final = 32
_MISFITS: Final = (
    DecodeError, ValueError, OverflowError, RecursionError, TypeError,
    AttributeError,  # A reference of the registry calls itself as a type of Google's, and is none.
)  # fmt: skip
_FAULTS: Final = (DecodeError, TypeError, LookupError, ValueError, AttributeError, RecursionError)
"""What descriptors lead to that contradict each other."""


def protobuf_parse_as(schemas: Schemas) -> ParseAs:
    """Return what makes the parsers of values in Protobuf."""

    def parse_as(shape: type) -> Parse:
        tree, convert = inspect.type_info(shape), msgspec.convert
        known: dict[bytes, tuple[Any, Read]] = {}

        def parse(value: bytes) -> Any:
            end = FRAME_BYTES + 1
            if value[FRAME_BYTES:end] != FIRST:
                end = _place(value)[1]
            found = known.get(value[:end])
            if found is None:
                found = known[value[:end]] = _reading(schemas, value, tree)
            message_of, read = found
            try:
                return convert(read(message_of(value[end:])), shape)
            except msgspec.ValidationError as error:
                raise unreadable(error) from None
            except _MISFITS as error:
                raise not_written_with(int.from_bytes(value[1:FRAME_BYTES]), error) from None

        return parse

    return parse_as


def _compiled(schemas: Schemas, value: bytes) -> Schema:
    """Return the schema that a value names; a worker has had it compiled when it came.

    Raises:
        UnreadableError: It is unknown, or cannot be used.
    """
    schema = schemas.of(value, KIND)
    if not schema.files:
        schemas.learn(int.from_bytes(value[1:FRAME_BYTES]), with_files(schema))
    return schemas.of(value, KIND)


def _place(value: bytes) -> tuple[tuple[int, ...], int]:
    """Return the place of the message in its schema, outermost first, and where the body begins.

    Raises:
        UnreadableError: No place stands there.
    """
    count, end = _number(value, FRAME_BYTES)
    if not count:
        return (0,), end
    steps = []
    for _ in range(min(count, STEPS_MAX)):
        step, end = _number(value, end)
        steps.append(step)
    if count > STEPS_MAX:
        raise _misplaced()
    return tuple(steps), end


def _number(value: bytes, begin: int) -> tuple[int, int]:
    """Return a number that is not negative, of at most five bytes in zigzag, and where it ends."""
    number = 0
    for end, byte in enumerate(value[begin : begin + 5], begin + 1):
        number |= (byte & 127) << 7 * (end - begin - 1)
        if byte < 128:  # noqa: PLR2004 (the bit that says: there is more)
            if number & 1:
                break
            return number >> 1, end
    raise _misplaced()


def _misplaced() -> UnreadableError:
    what = "after the schema's id stands no place of a message in it - at `$`"
    return UnreadableError(what, RejectReason.BAD_ENVELOPE.value)


def _reading(schemas: Schemas, value: bytes, tree: inspect.Type) -> tuple[Any, Read]:
    """Return what makes a message of its bytes, and what reads that.

    Raises:
        UnreadableError: The schema has no such message, or cannot be used; that is found out once.
    """
    schema = _compiled(schemas, value)
    try:
        return _made(schema, value, tree)
    except _FAULTS as error:
        raise schemas.unusable(value, f"its descriptors do not fit: {error!r}") from None


def _made(schema: Schema, value: bytes, tree: inspect.Type) -> tuple[Any, Read]:
    files = descriptor_pb2.FileDescriptorSet.FromString(schema.files)
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    messages, name = files.file[-1].message_type, files.file[-1].package
    for step in _place(value)[0]:
        if step >= len(messages):
            raise _misplaced()
        name = f"{name}.{messages[step].name}" if name else messages[step].name
        messages = messages[step].nested_type
    descriptor = pool.FindMessageTypeByName(name)
    kind: Any = message_factory.GetMessageClass(descriptor)
    return kind.FromString, Readers().of(descriptor, tree)
