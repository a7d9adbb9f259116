"""CloudEvents 1.0, structured and binary, around data of their own or of another format.

Source:
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Callable, Collection
from typing import Any, Final

from streams.core.decoded import Headers, Rejected, RejectReason, Skipped
from streams.core.sources import Form, Path, Source
from streams.intake.fact import Fact, Facts, ParseAs, Plain, Read, UnreadableError
from streams.intake.formats.catalogue import format_of
from streams.intake.formats.cloudevents_modes import inside, make_take
from streams.intake.formats.envelope import (
    BAD,
    demand_not_ours,
    faulty,
    refused,
)
from streams.intake.formats.times import demand_zone, instant_ms
from streams.intake.mapping_ids import RESERVED

PLACES: Final = {
    "event": "$.type",
    "id": "$.id",
    "user": "$.subject",
    "time": "$.time",
}
PROFILE: Final[frozenset[str]] = frozenset()
VERSION: Final = "1.0"
"""Of all 1.0.x: the patch of the specification does not stand in the attribute."""
REQUIRED: Final = {"id": RejectReason.NO_ID, "source": BAD, "type": BAD}
"""Attributes without which there is no event, and why it is refused then."""


def make_read(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Read:
    """Return the reader of events; paths lead into the data where that has a format of its own."""
    take = make_take(source, paths, parse_as)
    inner = None
    if source.inner is not Form.JSON:
        inner = format_of(source.inner).make_read(source, paths, parse_as)

    def read(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> Facts | Rejected | Skipped:
        try:
            event, where = take(value, headers)
            _demand_valid(event, where)
        except UnreadableError as error:
            return refused(error)
        at_ms = 0 if event.time is None else instant_ms(event.time)
        event_id = f"{event.source} {event.id}"
        if inner is None:
            return (Fact(event.type, event_id, at_ms, event.subject or "", "", event),)
        told = inner(key, _data(event), timestamp_ms, headers)
        if isinstance(told, Rejected):
            return Rejected(told.reason, inside(told.detail))
        if isinstance(told, Skipped):
            return told
        for fact in told:
            fact.event_id = fact.event_id or event_id
            fact.at_ms = fact.at_ms or at_ms
        return told

    return read


def make_plain(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Plain:
    """Return the reader of events whose data has no format of its own."""
    take, has_ids = make_take(source, paths, parse_as), source.id is None

    def plain(
        _key: bytes | None, value: bytes, _timestamp_ms: int, headers: Headers
    ) -> Fact | None:
        event, where = take(value, headers)
        _demand_valid(event, where)
        at_ms = 0 if event.time is None else instant_ms(event.time)
        event_id = f"{event.source} {event.id}" if has_ids else ""
        return Fact(event.type, event_id, at_ms, event.subject or "", "", event)

    return plain


def make_unwrap(source: Source, parse_as: ParseAs) -> Callable[[bytes | None, Headers], bytes]:
    """Return what takes the data out of an event, as bytes; it raises UnreadableError."""
    take = make_take(source, (), parse_as)

    def unwrap(value: bytes | None, headers: Headers) -> bytes:
        event, where = take(value, headers)
        _demand_valid(event, where)
        return _data(event)

    return unwrap


def _data(event: Any) -> bytes:
    return b"" if event.data is None else bytes(event.data)


def _demand_valid(event: Any, where: str) -> None:
    """Raise UnreadableError if an event's attributes are not as the specification has them."""
    name, source, time = event.type, event.source, event.time
    if event.specversion != VERSION or name in RESERVED:
        _demand_ours(event, where)
    if not (source and event.id and name) or " " in source:
        _demand_required(event, where)
    if time is not None and time.tzinfo is None:
        demand_zone(time, where.format("time"))


def _demand_ours(event: Any, where: str) -> None:
    """Raise UnreadableError if an event is of another version, or has a name of ours."""
    version, path = event.specversion, where.format("specversion")
    if version is None:
        raise faulty("missing", path)
    if version != VERSION:
        raise faulty(f"{version!r}", path, RejectReason.UNKNOWN_VERSION)
    demand_not_ours(event.type, where.format("type"))


def _demand_required(event: Any, where: str) -> None:
    """Raise UnreadableError if an attribute is missing without which there is no event."""
    for name, reason in REQUIRED.items():
        if not getattr(event, name):
            raise faulty("missing", where.format(name), reason)
    if " " in event.source:
        raise faulty("a URI holds no blank", where.format("source"))
