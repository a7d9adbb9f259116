"""Schemas of a registry, by their id, and the frame that names the id in front of a value.

Asking the registry is not done here: whoever reads records asks before they are parsed.

Source:
    https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from streams.core.decoded import RejectReason
from streams.intake.fact import UnreadableError

FRAME_BYTES: Final = 5
"""A zero, and the id in four bytes, big-endian."""
UNFRAMED: Final = b"\x01"
"""Where the id stands in a header instead: a frame of a later version."""
UNKNOWN_MAX: Final = 100_000
"""Of ids that are noise; beyond it they are forgotten and asked for again."""


class Schema(msgspec.Struct, frozen=True):
    """A schema as its registry has it.

    Attributes:
        kind: ``AVRO``, ``PROTOBUF`` or ``JSON``.
        text: As it was registered.
        references: By the name under which its text speaks of them.
        files: Of Protobuf: what protoc has made of it, a serialised FileDescriptorSet.
        fault: Why nothing can be read with it; empty = it can.
    """

    kind: str
    text: str
    references: tuple[tuple[str, "Schema"], ...] = ()
    files: bytes = b""
    fault: str = ""


class Schemas:
    """The schemas that are known, and the ids of which the registry has said that it has none."""

    def __init__(self) -> None:
        self._known: dict[int, Schema] = {}
        self._unknown: set[int] = set()

    def learn(self, schema_id: int, schema: Schema | None) -> None:
        """Keep what the registry has said of an id; None = it does not know it."""
        if schema is not None:
            self._unknown.discard(schema_id)
            self._known[schema_id] = schema
            return
        if len(self._unknown) >= UNKNOWN_MAX:
            self._unknown.clear()
        self._unknown.add(schema_id)

    def doubt(self) -> None:
        """Forget which ids are unknown: they may have been registered since."""
        self._unknown.clear()

    def missing(self, values: Iterable[bytes | None]) -> set[int]:
        """Return the ids that values name and of which nothing is known."""
        frames = {value[:FRAME_BYTES] for value in values if value}
        whole = (frame for frame in frames if len(frame) == FRAME_BYTES and not frame[0])
        ids = {int.from_bytes(frame[1:]) for frame in whole}
        return self.lacking(ids) - self._unknown

    def lacking(self, ids: set[int]) -> set[int]:
        """Return the ids of which the schema is not known."""
        return ids - self._known.keys()

    def of(self, value: bytes, kind: str) -> Schema:
        """Return the schema that a value names.

        Raises:
            UnreadableError: The value has no frame, or the schema is unknown or of another kind.
        """
        if len(value) < FRAME_BYTES or value[0]:
            is_newer = value[:1] == UNFRAMED
            reason = RejectReason.UNKNOWN_VERSION if is_newer else RejectReason.BAD_ENVELOPE
            what = f"it begins with {value[:1].hex() or 'nothing'}, not with 00 and a schema's id"
            raise UnreadableError(f"{what} - at `$`", reason.value)
        schema_id = int.from_bytes(value[1:FRAME_BYTES])
        schema = self._known.get(schema_id)
        if schema is None:
            what = f"the schema registry has no schema {schema_id} - at `$`"
            raise UnreadableError(what, RejectReason.SCHEMA_UNKNOWN.value)
        if schema.kind != kind:
            what = f"schema {schema_id} is of the kind {schema.kind}, not {kind} - at `$`"
            raise UnreadableError(what, RejectReason.BAD_ENVELOPE.value)
        if schema.fault:
            raise self.unusable(value, schema.fault)
        return schema

    def unusable(self, value: bytes, fault: str) -> UnreadableError:
        """Note that nothing can be read with the schema that a value names; return the error."""
        schema_id = int.from_bytes(value[1:FRAME_BYTES])
        self._known[schema_id] = msgspec.structs.replace(self._known[schema_id], fault=fault)
        return UnreadableError(f"schema {schema_id} cannot be used: {fault} - at `$`")
