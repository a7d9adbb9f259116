"""Segment: calls of its specification, as its API takes them and as its destinations get them.

Source:
    https://segment.com/docs/connections/spec/
    https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from streams.core.decoded import Headers, Rejected, RejectReason, Skipped
from streams.core.native import FUTURE_MAX_MS
from streams.core.record_limits import EVENTS_MAX
from streams.core.sources import LINK_EVENT, Path, Source
from streams.intake.fact import Fact, Facts, ParseAs, Plain, Read, UnreadableError
from streams.intake.formats.envelope import (
    EMPTY,
    Id,
    demand_not_ours,
    faulty,
    id_text,
    refused,
)
from streams.intake.formats.times import (
    LONG_AGO_MS,
    corrected,
    demand_zone,
    instant_ms,
    is_absurd,
)
from streams.intake.mapping_ids import RESERVED
from streams.intake.shape import struct_of

PLACES: Final = {
    "event": "$.event",
    "id": "$.messageId",
    "user": "$.userId",
    "anonymous": "$.anonymousId",
    "time": "$.timestamp",
}
PROFILE: Final = frozenset({"identify", "group"})
VERSIONS: Final = frozenset({None, 1, 2, 1.1, "1", "1.0", "1.1", "2", "2.0"})
"""Of the Tracking API: examples write 2 as well as "1.1"."""
NAMED: Final = frozenset({"identify", "page", "screen", "group"})
"""Calls that are events of their own name."""
SAME_PERSON: Final = Skipped("links_id_to_itself")
NO_CALLS: Final = Skipped("empty_batch")

CALL: Final[dict[str, Any]] = {
    "type": str | None,
    "event": str | None,
    "messageId": Id,
    "userId": Id,
    "anonymousId": Id,
    "previousId": Id,
    "version": str | int | float | None,
}
Told = Facts | Rejected | Skipped
TIMES: Final = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
LENT: Final = ("sentAt", "receivedAt")
"""What a batch says of all its calls."""


def make_read(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Read:
    """Return the reader of calls, one a record or a batch of them."""
    times = {} if source.time else dict.fromkeys(TIMES, datetime | None)
    call_type = _call_type(source, paths)
    lent = {name: kind for name, kind in times.items() if name in LENT}
    calls = list[call_type] | None  # type: ignore[valid-type]  # made at run time
    context = [path for path in paths if path[0] == "context"]
    parse = parse_as(call_type)
    parse_batch = parse_as(struct_of("Batch", lent | {"batch": calls}, context))
    facts_of = _teller(has_times=bool(times))

    def read(_key: bytes | None, value: bytes | None, timestamp_ms: int, _headers: Headers) -> Told:
        if not value:
            return EMPTY
        try:
            call = parse(value)
            batch = None if call.type else parse_batch(value)
            if batch is None or batch.batch is None:
                return facts_of(call, timestamp_ms, "$") or SAME_PERSON
            if len(batch.batch) > EVENTS_MAX:
                what = f"more than {EVENTS_MAX} calls"
                raise faulty(what, "`$.batch`", RejectReason.TOO_LARGE)
            facts: list[Fact] = []
            for place, each in enumerate(batch.batch):
                _lend(batch, each)
                facts += facts_of(each, timestamp_ms, f"$.batch[{place}]")
        except UnreadableError as error:
            return refused(error)
        return tuple(facts) or (SAME_PERSON if batch.batch else NO_CALLS)

    return read


def make_plain(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Plain:
    """Return the reader of track calls, one a record."""
    parse, has_times = parse_as(_call_type(source, paths)), source.time is None

    def plain(
        _key: bytes | None, value: bytes, timestamp_ms: int, _headers: Headers
    ) -> Fact | None:
        call = parse(value)
        name = call.event
        if call.type != "track" or not name or name in RESERVED or call.version not in VERSIONS:
            return None
        at_ms = _at_ms(call, timestamp_ms, "$") if has_times else 0
        event_id, user_id, other = call.messageId, call.userId, call.anonymousId
        if event_id.__class__ is not str or user_id.__class__ is not str:
            event_id, user_id = id_text(event_id), id_text(user_id)
        return Fact(name, event_id, at_ms, user_id, id_text(other) if other else "", call)

    return plain


def _call_type(source: Source, paths: Collection[Path]) -> type[msgspec.Struct]:
    times = {} if source.time else dict.fromkeys(TIMES, datetime | None)
    return struct_of("Call", CALL | times, paths)


def _teller(*, has_times: bool) -> Callable[[Any, int, str], Facts]:
    """Return ``facts_of(call, record_ms, at)``: what one call says; it raises UnreadableError."""

    def facts_of(call: Any, record_ms: int, at: str) -> Facts:
        kind, at_ms = call.type, _at_ms(call, record_ms, at) if has_times else 0
        if call.version not in VERSIONS:
            what = f"{call.version!r}"
            raise faulty(what, f"`{at}.version`", RejectReason.UNKNOWN_VERSION)
        if kind == "track":
            name, event_id, user_id = call.event, call.messageId, call.userId
            if not name or name in RESERVED:
                demand_not_ours(name, f"`{at}.event`")
                raise faulty("a track call needs the name of its event", f"`{at}.event`")
            if event_id.__class__ is not str or user_id.__class__ is not str:
                event_id, user_id = id_text(event_id), id_text(user_id)
            other = call.anonymousId
            return (Fact(name, event_id, at_ms, user_id, id_text(other) if other else "", call),)
        if kind in NAMED:
            return _named(call, at_ms)
        if kind == "alias":
            return _alias(call, at_ms, at)
        raise faulty(f"{kind!r} is no call of the specification", f"`{at}.type`")

    return facts_of


def _named(call: Any, at_ms: int) -> Facts:
    """Return the event of a call without a name; one that logs in links the ids, besides."""
    user_id, anonymous_id = id_text(call.userId), id_text(call.anonymousId)
    event_id = id_text(call.messageId)
    fact = Fact(call.type, event_id, at_ms, user_id, anonymous_id, call)
    if call.type != "identify" or not user_id or anonymous_id in {"", user_id}:
        return (fact,)
    link_id = f"{event_id}:link" if event_id else ""
    return (fact, Fact(LINK_EVENT, link_id, at_ms, user_id, anonymous_id, call))


def _alias(call: Any, at_ms: int, at: str) -> Facts:
    """Return that two ids are one person, none if they are the same id.

    A library of a browser leaves ``previousId`` out, and means its anonymous id.
    """
    user_id, other = id_text(call.userId), id_text(call.previousId) or id_text(call.anonymousId)
    for name, text in (("userId", user_id), ("previousId", other)):
        if not text:
            raise faulty("an alias call needs it", f"`{at}.{name}`", RejectReason.NO_ID)
    if other == user_id:
        return ()
    return (Fact(LINK_EVENT, id_text(call.messageId), at_ms, user_id, other, call),)


def _at_ms(call: Any, record_ms: int, at: str) -> int:
    """Return when a call was made, epoch ms UTC, 0 = it does not say.

    ``timestamp`` is what Segment has corrected already, so it is taken as it is, unless no clock
    can have been right that said so: then the client's two readings and the receiver's one tell.
    """
    stamp, received_at = call.timestamp, call.receivedAt
    if received_at is None and stamp is not None and stamp.tzinfo is not None:
        reading: int = round(stamp.timestamp() * 1_000)
        if LONG_AGO_MS <= reading <= record_ms + FUTURE_MAX_MS:
            return reading  # The way of nearly all.
    for name in TIMES:
        demand_zone(getattr(call, name), f"`{at}.{name}`")
    received = record_ms if received_at is None else instant_ms(received_at)
    said, sent = stamp or call.originalTimestamp, call.sentAt
    if said is None:
        return received if received_at else 0
    reading = instant_ms(said)
    is_raw = stamp is None and received_at is not None
    if sent is not None and (is_raw or is_absurd(reading, received)):
        return corrected(reading, instant_ms(sent), received)
    return reading


def _lend(batch: Any, call: Any) -> None:
    """Give a call of a batch what the batch says of all, where the call says nothing itself."""
    names = call.__struct_fields__
    for name in LENT:
        if name in names and getattr(call, name) is None:
            setattr(call, name, getattr(batch, name))
    context = getattr(batch, "context", None)
    if context is not None and call.context is None:
        call.context = context
    elif isinstance(context, msgspec.Struct) and isinstance(call.context, msgspec.Struct):
        for name in call.context.__struct_fields__:
            if getattr(call.context, name, None) is None:
                setattr(call.context, name, getattr(context, name, None))
