"""The two modes in which Kafka carries a CloudEvent: in one piece, or with headers as attributes.

Source:
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from base64 import b64decode
from collections.abc import Callable, Collection
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from streams.core.decoded import Headers, RejectReason
from streams.core.sources import Encoding, Form, Path, Source
from streams.intake.fact import ParseAs, UnreadableError
from streams.intake.formats.envelope import EMPTY, faulty
from streams.intake.shape import struct_of

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
HIDING: Final = frozenset({"data_base64"})
"""Fields behind which there is data whose keys nobody sees in the value."""
NO_TEXTS: Final = frozenset({"data", "data_base64", "time", "datacontenttype"})
"""Of an event whose attributes are headers, all others are texts."""
ID: Final = "ce_id"
TELLING: Final = ("ce_specversion", "ce_type", "ce_source")
"""Any of these headers says as well that it is such an event."""
MEDIA_TYPE: Final = "application/cloudevents"
STRUCTURED_TYPE: Final = "application/cloudevents+json"
PREFIX: Final = "ce_"
JSON_TYPE: Final = "application/json"
STRUCTURED: Final = "`$.{}`"
BINARY: Final = "header `ce_{}`"
Open = Callable[[bytes], Any]
Unwrap = Callable[[bytes, dict[str, bytes]], Any]
_rfc3339: Final = msgspec.json.Decoder(datetime).decode
Take = Callable[[bytes | None, Headers], tuple[Any, str]]
"""``take(value, headers)``: the event, and how a path to an attribute of it is written."""


def make_take(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Take:
    """Return what takes an event out of a record; it raises UnreadableError.

    Its data is parsed as far as paths lead there, and left as bytes where it has its own format.
    """
    has_inner = source.inner is not Form.JSON
    event_type = struct_of("Event", ENVELOPE, paths)
    if has_inner:
        event_type = struct_of("Event", ENVELOPE | {"data": msgspec.Raw}, ())
    opened = bytes if has_inner else _opener(event_type, source, paths, parse_as)
    is_json = source.encoding is Encoding.JSON
    of_binary = _binary(event_type, opened, is_json=is_json)
    of_structured = _structured(event_type, opened, parse_as) if is_json else _unsupported

    def take(value: bytes | None, headers: Headers) -> tuple[Any, str]:
        if len(headers) == 1 and headers[0][0] == "content-type" and _is_structured(headers[0][1]):
            return of_structured(value or b"", {}), STRUCTURED
        said = dict(headers)
        media_type = said.get("content-type")
        if media_type is not None and _is_structured(media_type):
            return of_structured(value or b"", said), STRUCTURED
        if ID not in said and (not headers or not any(name in said for name in TELLING)):
            return of_structured(value or b"", said), STRUCTURED
        if len(said) < len(headers):
            _demand_single(headers)
        return of_binary(value or b"", said), BINARY

    return take


def _demand_single(headers: Headers) -> None:
    """Raise UnreadableError if an attribute stands in the headers twice."""
    names = [name for name, _ in headers if name == "content-type" or name.startswith(PREFIX)]
    for name in names:
        if names.count(name) > 1:
            raise faulty("stands twice", f"header `{name}`", RejectReason.DUPLICATE_KEY)


@lru_cache(maxsize=64)  # A topic has one content type, or two.
def _is_structured(media_type: bytes) -> bool:
    """Return whether a record of this content type is an event in one piece, in JSON.

    Raises:
        UnreadableError: It is one in another format, or several.
    """
    media = media_type.partition(b";")[0].strip().lower().decode(errors="replace")
    if media.startswith(MEDIA_TYPE) and media != STRUCTURED_TYPE:
        raise faulty(f"{media!r} is not read", "header `content-type`")
    return media == STRUCTURED_TYPE


def _structured(event_type: type, opened: Open | None, parse_as: ParseAs) -> Unwrap:
    """Return what reads an event in the JSON format."""
    parse = parse_as(event_type)
    has_data = "data" in event_type.__annotations__

    def unwrap(value: bytes, _headers: dict[str, bytes]) -> Any:
        if not value:
            raise UnreadableError(EMPTY.detail, EMPTY.reason)
        event = parse(value)
        if has_data and (event.data is not None or event.data_base64 is not None):
            media = event.datacontenttype
            if media is not None and media != JSON_TYPE:
                _demand_json(media, "`$.datacontenttype`")
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
    fields = [field.encode_name for field in msgspec.structs.fields(event_type)]
    names = [None if name in NO_TEXTS else f"{PREFIX}{name}" for name in fields]
    has_data = "data" in fields

    def unwrap(value: bytes, headers: dict[str, bytes]) -> Any:
        get = headers.get
        texts = [None if name is None else get(name) for name in names]
        try:
            event = event_type(*[None if text is None else text.decode() for text in texts])
        except UnicodeDecodeError as error:
            raise _no_text(error, headers) from None
        time = get("ce_time")
        if time is not None:
            event.time = _instant(time)
        event.datacontenttype = _media(get("content-type"))
        if has_data and value:
            if is_json:
                _demand_json(event.datacontenttype, "header `content-type`")
            event.data = _opened(value, opened)
        return event

    return unwrap


def _no_text(error: UnicodeDecodeError, headers: dict[str, bytes]) -> UnreadableError:
    """Return the fault of the header that is no text."""
    name = next(name for name, text in headers.items() if text == error.object)
    return faulty(f"{error}", f"header `{name}`")


def _instant(text: bytes) -> datetime:
    try:
        return _rfc3339(b'"%s"' % text)
    except msgspec.DecodeError as error:
        raise faulty(f"{error}", "header `ce_time`", RejectReason.BAD_TIME) from None


@lru_cache(maxsize=64)
def _media(text: bytes | None) -> str | None:
    return None if text is None else text.decode(errors="replace")


def _unsupported(_value: bytes, _headers: dict[str, bytes]) -> Any:
    raise faulty("an event in one piece is JSON, not of this encoding", "`$`")


def _opened(data: bytes, opened: Open | None) -> Any:
    """Return data that comes as bytes, parsed; a path of what is wrong begins at the event."""
    if opened is None:
        return None
    try:
        return opened(data)
    except UnreadableError as error:
        raise UnreadableError(inside(str(error)), error.reason) from None


def _opener(
    event_type: type, source: Source, paths: Collection[Path], parse_as: ParseAs
) -> Open | None:
    """Return what parses data that comes as bytes; None = no path leads there."""
    if source.encoding is Encoding.JSON:
        kind = event_type.__annotations__.get("data")
        return None if kind is None else parse_as(kind)
    below = [path[1:] for path in paths if path[0] == "data"]
    return parse_as(struct_of("Data", {}, below)) if below else None


def inside(detail: str) -> str:
    """Return a path in the data as one in the event."""
    return detail.replace("`$", "`$.data")


def _demand_json(media: str | None, where: str) -> None:
    """Raise UnreadableError if data that is read is not JSON; it is where no type is named."""
    if media is None or media == JSON_TYPE:
        return
    if not media.partition(";")[0].strip().lower().endswith(("/json", "+json")):
        raise faulty(f"{media!r} is not JSON", where)
