"""CloudEvents 1.0, structured and binary, around data of their own or of another format.

Source:
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from base64 import b64decode
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from streams.core.decoded import Headers, Rejected, RejectReason, Skipped
from streams.core.sources import Encoding, Form, Path, Source
from streams.intake.fact import Facts, ParseAs, Read, UnreadableError
from streams.intake.formats.catalogue import format_of
from streams.intake.formats.envelope import (
    BAD,
    EMPTY,
    OWN_NAMES,
    demand_not_ours,
    fact_of,
    faulty,
    refused,
)
from streams.intake.formats.times import demand_zone, instant_ms
from streams.intake.shape import attribute, struct_of

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
MEDIA_TYPE: Final = b"application/cloudevents"
STRUCTURED_TYPE: Final = "application/cloudevents+json"
PREFIX: Final = "ce_"
JSON_TYPE: Final = "application/json"

ATTRIBUTES: Final[dict[str, Any]] = {
    "specversion": str | None,
    "id": str | None,
    "source": str | None,
    "type": str | None,
    "subject": str | None,
    "time": datetime | None,
    "datacontenttype": str | None,
}
ENVELOPE: Final = ATTRIBUTES | {"data_base64": str | None}
NO_HEADERS: Final = frozenset({"data", "data_base64", "datacontenttype"})
STRUCTURED: Final = "`$.{}`"
BINARY: Final = "header `ce_{}`"
Open = Callable[[bytes], Any]
Unwrap = Callable[[bytes, Headers], Any]


def make_read(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Read:
    """Return the reader of events; paths lead into the data where that has a format of its own."""
    inner, envelope = None, ENVELOPE
    if source.inner is not Form.JSON:
        inner = format_of(source.inner).make_read(source, paths, parse_as)
        envelope, paths = ENVELOPE | {"data": msgspec.Raw}, ()
    event_type = struct_of("Event", envelope, paths)
    opened = bytes if inner else _opener(event_type, source, paths, parse_as)
    is_json = source.encoding is Encoding.JSON
    of_binary = _binary(event_type, opened, is_json=is_json)
    of_structured = _structured(event_type, opened, parse_as) if is_json else _unsupported

    def read(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> Facts | Rejected | Skipped:
        try:
            where = _mode(headers)
            event = (of_binary if where is BINARY else of_structured)(value or b"", headers)
            if event.specversion != VERSION or event.type in OWN_NAMES:
                _demand_ours(event, where)
            source_id, event_id, name, time = event.source, event.id, event.type, event.time
            if not (source_id and event_id and name) or " " in source_id:
                _demand_required(event, where)
            if time is not None and time.tzinfo is None:
                demand_zone(time, where.format("time"))
        except UnreadableError as error:
            return refused(error)
        at_ms = 0 if time is None else instant_ms(time)
        event_id = f"{source_id} {event_id}"
        if inner is None:
            return (fact_of((name, event_id, at_ms, event.subject or "", "", event, None)),)
        data = b"" if event.data is None else bytes(event.data)
        return _filled(inner(key, data, timestamp_ms, headers), event_id, at_ms)

    return read


def _mode(headers: Headers) -> str:
    """Return where a record has its attributes: `STRUCTURED` or `BINARY`."""
    is_binary = False
    for name, text in headers:
        if name == "content-type" and text[: len(MEDIA_TYPE)].lower() == MEDIA_TYPE:
            media = text.partition(b";")[0].strip().lower().decode(errors="replace")
            if media == STRUCTURED_TYPE:
                return STRUCTURED
            raise faulty(f"{media!r} is not read", "header `content-type`")
        is_binary = is_binary or name.startswith(PREFIX)
    return BINARY if is_binary else STRUCTURED


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


def _structured(event_type: type, opened: Open | None, parse_as: ParseAs) -> Unwrap:
    """Return what reads an event in the JSON format."""
    parse = parse_as(event_type)
    has_data = "data" in event_type.__annotations__

    def unwrap(value: bytes, _headers: Headers) -> Any:
        if not value:
            raise UnreadableError(EMPTY.detail, EMPTY.reason)
        event = parse(value)
        if has_data and (event.data is not None or event.data_base64 is not None):
            _demand_json(event.datacontenttype, "`$.datacontenttype`")
            if event.data_base64 is not None:
                event.data = _decoded(event, opened)
        return event

    return unwrap


def _decoded(event: Any, opened: Open | None) -> Any:
    """Return data that stands there as base64."""
    if event.data is not None:
        raise faulty("there is data, too", "`$.data_base64`")
    try:
        data = b64decode(event.data_base64, validate=True)
    except ValueError as error:
        raise faulty(f"{error}", "`$.data_base64`") from None
    return _opened(data, opened)


def _binary(event_type: type, opened: Open | None, *, is_json: bool) -> Unwrap:
    """Return what reads an event whose attributes are headers, and whose value is its data."""
    fields = {field.encode_name for field in msgspec.structs.fields(event_type)}
    wanted = {f"{PREFIX}{name}": attribute(name) for name in fields - NO_HEADERS}
    wanted["content-type"] = "datacontenttype"
    has_data = "data" in fields

    def unwrap(value: bytes, headers: Headers) -> Any:
        said: dict[str, Any] = {}
        for name, text in headers:
            short = wanted.get(name)
            if short is None:
                continue
            if short in said:
                path = f"header `{name}`"
                raise faulty("stands twice", path, RejectReason.DUPLICATE_KEY)
            try:
                said[short] = text.decode() if short != "time" else _instant(text)
            except UnicodeDecodeError as error:
                raise faulty(f"{error}", f"header `{name}`") from None
        event = event_type(**said)
        if has_data and value:
            if is_json:
                _demand_json(event.datacontenttype, "header `content-type`")
            event.data = _opened(value, opened)
        return event

    return unwrap


def _instant(text: bytes) -> datetime:
    try:
        return msgspec.convert(text.decode(), datetime)
    except msgspec.ValidationError as error:
        raise faulty(f"{error}", "header `ce_time`", RejectReason.BAD_TIME) from None


def _unsupported(_value: bytes, _headers: Headers) -> Any:
    raise faulty("an event in one piece is JSON, not of this encoding", "`$`")


def _opened(data: bytes, opened: Open | None) -> Any:
    """Return data that comes as bytes, parsed; a path of what is wrong begins at the event."""
    if opened is None:
        return None
    try:
        return opened(data)
    except UnreadableError as error:
        raise UnreadableError(_inside(str(error)), error.reason) from None


def _opener(
    event_type: type, source: Source, paths: Collection[Path], parse_as: ParseAs
) -> Open | None:
    """Return what parses data that comes as bytes; None = no path leads there."""
    if source.encoding is Encoding.JSON:
        kind = event_type.__annotations__.get("data")
        return None if kind is None else parse_as(kind)
    below = [path[1:] for path in paths if path[0] == "data"]
    return parse_as(struct_of("Data", {}, below)) if below else None


def _filled(
    told: Facts | Rejected | Skipped, event_id: str, at_ms: int
) -> Facts | Rejected | Skipped:
    """Return what the data says, with id and time of the event where the data has none."""
    if isinstance(told, Rejected):
        return Rejected(told.reason, _inside(told.detail))
    if isinstance(told, Skipped):
        return told
    return tuple(
        fact._replace(event_id=fact.event_id or event_id, at_ms=fact.at_ms or at_ms)
        for fact in told
    )


def _inside(detail: str) -> str:
    """Return a path in the data as one in the event."""
    return detail.replace("`$", "`$.data")


def _demand_json(media: str | None, where: str) -> None:
    """Raise UnreadableError if data that is read is not JSON; it is where no type is named."""
    if media is None or media == JSON_TYPE:
        return
    if not media.partition(";")[0].strip().lower().endswith(("/json", "+json")):
        raise faulty(f"{media!r} is not JSON", where)
