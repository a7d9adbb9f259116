"""Reading the records of a topic a chunk at a time.

Whether a key stands twice is asked of all values of a chunk at once, which costs little; only those
that may have one are read the careful way, which asks it of each value alone. Both read the same.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from streams.core.decoded import Decode, Decoded, Headers, Rejected
from streams.core.interpret import NativeEvent
from streams.core.native import decode_feedback, make_decode
from streams.core.native_chunk import make_read
from streams.core.rules import Rules
from streams.core.sources import Encoding, Source
from streams.intake.decoder import make_source_decode, make_tell
from streams.intake.fact import Parse, ParseAs, UnreadableError
from streams.intake.formats.cloudevents_modes import HIDING
from streams.intake.formats.envelope import refused
from streams.intake.straight import Straight, straight_decode, straight_tell
from streams.intake.told import Told
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.doubts import Doubtful, make_doubtful
from streams.intake.wire.json_values import raw_parse_as, unguarded_parse_as
from streams.intake.wire.schemas import Schemas
from streams.intake.wire.twice import make_guard, names_of
from streams.kernel.library import kernel
from winback_sender.contract.messages import Feedback

T = TypeVar("T")
One = Callable[[bytes | None, bytes | None, int, Headers], T]
"""``one(key, value, timestamp_ms, headers)`` of a single record."""
NONE: Final[Headers] = ()


class Bulk(NamedTuple, Generic[T]):
    """How the records of a topic are read.

    Attributes:
        careful: Reads a record.
        quick: Reads a record in which no key stands twice, or returns None: `careful` is to be
            asked; None = there is no such way.
        doubtful: Finds the values of a chunk that `quick` is not to read.
        read: Reads keys, values and timestamps of a chunk at once; None = there is no such way.
    """

    careful: One[T]
    quick: One[T | None] | None = None
    doubtful: Doubtful | None = None
    read: Callable[..., Sequence[T]] | None = None

    def all(
        self,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps_ms: Sequence[int],
        headers: Sequence[Headers] | None = None,
    ) -> Sequence[T]:
        """Return what each record comes to, in order.

        Args:
            keys: Raw keys.
            values: Raw values.
            timestamps_ms: Record timestamps, epoch ms UTC.
            headers: Headers of each record; None = there are none.
        """
        if self.read is not None:
            return self.read(keys, values, timestamps_ms)
        told = headers if headers is not None else repeat(NONE)
        doubted = self.doubtful(values) if self.doubtful else []
        if self.quick is None or 2 * len(doubted) > len(values):
            return list(map(self.careful, keys, values, timestamps_ms, told))
        found: list[Any] = list(map(self.quick, keys, values, timestamps_ms, told))
        missed = (place for place, each in enumerate(found) if each is None)
        for place in {*doubted, *missed}:
            said = NONE if headers is None else headers[place]
            found[place] = self.careful(keys[place], values[place], timestamps_ms[place], said)
        return found


def bulk_decode(source: Source, rules: Rules, schemas: Schemas) -> Bulk[Decoded]:
    """Return what decodes the records of a topic that is keyed by user."""

    def make(parse_as: ParseAs) -> One[Decoded]:
        return make_source_decode(source, rules, parse_as)

    return _bulk(source, schemas, make, lambda look: straight_decode(source, rules, look))


def bulk_tell(source: Source, rules: Rules, schemas: Schemas) -> Bulk[Told]:
    """Return what tells the records of a topic as native events."""

    def make(parse_as: ParseAs) -> One[Told]:
        return make_tell(source, rules, parse_as)

    return _bulk(source, schemas, make, lambda look: straight_tell(source, rules, look))


def bulk_native(rules: Rules) -> Bulk[Decoded]:
    """Return what decodes the records of ``user-activity``."""
    decode, native = make_decode(rules), kernel()
    bulk = _guarded(decode, NativeEvent)
    if native is None:
        return bulk
    careful = bulk.careful

    def one(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers = NONE
    ) -> Decoded:
        return careful(key, value, timestamp_ms, headers)

    return bulk._replace(read=make_read(rules, one, decode, native))


def bulk_feedback() -> Bulk[Decoded]:
    """Return what decodes the records of ``win-back-feedback``."""
    return _guarded(decode_feedback, Feedback)


def _bulk(
    source: Source,
    schemas: Schemas,
    make: Callable[[ParseAs], One[T]],
    make_straight: Callable[[ParseAs], Straight | None],
) -> Bulk[T]:
    safe = parse_as_of(source.encoding, schemas)
    careful = make(safe)
    if source.encoding is not Encoding.JSON:
        return Bulk(careful, make_straight(safe))
    names: set[str] = set()

    def noting(parse_as: ParseAs) -> ParseAs:
        def noted(shape: type) -> Parse:
            names.update(names_of(shape))
            return parse_as(shape)

        return noted

    quick = make_straight(noting(raw_parse_as)) or make(noting(unguarded_parse_as))
    return Bulk(careful, quick, make_doubtful(names, HIDING & names))


def _guarded(decode: Decode, shape: type[msgspec.Struct]) -> Bulk[Decoded]:
    """Return how records of ours are read: a field that stands twice is refused."""
    demand_single = make_guard(shape)

    def careful(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> Decoded:
        decoded = decode(key, value, timestamp_ms, headers)
        if isinstance(decoded, Rejected) or value is None:
            return decoded
        try:
            demand_single(value)
        except UnreadableError as error:
            return refused(error)
        return decoded

    return Bulk(careful, decode, make_doubtful(names_of(shape)))
