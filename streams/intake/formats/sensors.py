"""Sensors Analytics 神策: records of its data format, of ID mapping 1.0, 2.0 and 3.0.

Source:
    https://manual.sensorsdata.cn/sa/docs/tech_knowledge_layout (数据格式)
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

from xxhash import xxh3_128_hexdigest

from streams.core.decoded import Headers, Rejected, RejectReason, Skipped
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
from streams.intake.formats.times import LONG_AGO_MS, corrected, demand_zone, instant_ms, is_absurd
from streams.intake.mapping_ids import RESERVED
from streams.intake.shape import attribute, getter, struct_of

PLACES: Final = {
    "event": "$.event",
    "id": "$._track_id",
    "user": "$.login_id",
    "anonymous": "$.distinct_id",
    "time": "$.time",
}
PROFILES: Final = frozenset(
    f"profile_{verb}" for verb in ("set", "set_once", "increment", "append", "unset", "delete")
)
"""What is told of a user; an event of the name of its type."""
PROFILE: Final = PROFILES | {"$SignUp", "$BindID"}
EVENTS: Final = frozenset({"track", "track_signup", "track_id_bind"})
SKIPPED: Final = {
    "item_set": Skipped("item"),
    "item_delete": Skipped("item"),
    "track_id_unbind": Skipped("identity_unbound"),
}
"""Types that mean nothing to us: things are no users, and what was merged cannot be taken apart."""
LOGIN: Final = "$identity_login_id"
DEVICES: Final = frozenset(
    f"$identity_{kind}"
    for kind in (
        "anonymous_id", "anonymous_uuid", "cookie_id", "android_id", "android_uuid", "idfv",
        "ios_uuid", "harmony_uuid", "mp_id", "ali_mp_id", "baidu_mp_id", "byte_mp_id",
        "feishu_mp_id", "taobao_uuid", "xhs_mp_id",
    )
)  # fmt: skip
"""Identities that the SDK of a client takes as distinct_id as they are, before the log-in."""

RECORD: Final[dict[str, Any]] = {
    "type": str | None,
    "event": str | None,
    "time": int | datetime | None,  # in Avro an instant has a type of its own
    "distinct_id": Id,
    "login_id": Id,
    "anonymous_id": Id,
    "original_id": Id,
    "identities": dict[str, Id] | None,
    "_track_id": Id,
    "_flush_time": int | None,
    "properties": {"$is_login_id": bool | None},
}
_is_login_id: Final = getter(("properties", "$is_login_id"))
_track_id: Final = getter(("_track_id",))
FLUSH_TIME: Final = attribute("_flush_time")


def make_read(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Read:
    """Return the reader of records, one event or one change of a profile each."""
    parse = parse_as(struct_of("Record", RECORD, paths))
    has_times, has_ids = source.time is None, source.id is None

    def read(
        _key: bytes | None, value: bytes | None, timestamp_ms: int, _headers: Headers
    ) -> Facts | Rejected | Skipped:
        if not value:
            return EMPTY
        try:
            record = parse(value)
            at_ms = _at_ms(record, timestamp_ms) if has_times else 0
            return _facts(record, at_ms, value if has_ids else b"")
        except UnreadableError as error:
            return refused(error)

    return read


def make_plain(source: Source, paths: Collection[Path], parse_as: ParseAs) -> Plain:
    """Return the reader of tracked events."""
    parse = parse_as(struct_of("Record", RECORD, paths))
    has_times, has_ids = source.time is None, source.id is None

    def plain(
        _key: bytes | None, value: bytes, timestamp_ms: int, _headers: Headers
    ) -> Fact | None:
        record = parse(value)
        name, login = record.event, record.login_id
        if record.type != "track" or not name or name in RESERVED:
            return None
        at_ms = _at_ms(record, timestamp_ms) if has_times else 0
        event_id = _event_id(record, name, value) if has_ids else ""
        if login.__class__ is str and login:
            return Fact(name, event_id, at_ms, login, "", record)
        return Fact(name, event_id, at_ms, *_ids(record), record)

    return plain


def _facts(record: Any, at_ms: int, value: bytes) -> Facts | Skipped:
    """Return what a record says; without its bytes, without an id."""
    kind = record.type
    name = record.event if kind in EVENTS else kind
    if kind not in EVENTS and kind not in PROFILES:
        skipped = SKIPPED.get(kind)
        if skipped is None:
            raise faulty(f"{kind!r} is no type of the format", "`$.type`")
        return skipped
    if not name or name in RESERVED:
        demand_not_ours(name, "`$.event`")
        raise faulty(f"a {kind} needs the name of its event", "`$.event`")
    event_id = _event_id(record, name, value) if value else ""
    if kind in LINKS:
        return LINKS[kind](record, name, event_id, at_ms)
    user_id, anonymous_id = _ids(record)
    return (Fact(name, event_id, at_ms, user_id, anonymous_id, record),)


def _at_ms(record: Any, record_ms: int) -> int:
    """Return when it happened, epoch ms UTC; 0 = the record does not say."""
    reading = record.time
    if reading is None:
        return 0
    if isinstance(reading, datetime):
        demand_zone(reading, "`$.time`")
        reading = instant_ms(reading)
    if reading < LONG_AGO_MS:
        what = f"{reading} ms is before 2000, are these seconds?"
        raise faulty(what, "`$.time`", RejectReason.BAD_TIME)
    flushed = getattr(record, FLUSH_TIME)
    if flushed is not None and is_absurd(reading, record_ms):
        return corrected(reading, flushed, record_ms)
    return int(reading)


def _event_id(record: Any, name: str, value: bytes) -> str:
    """Return the idempotency key; the format has none.

    An SDK draws ``_track_id`` once for an event, which is sent again with it, out of a number so
    small that it is unique only beside time, user and name. Who writes records without it says the
    same in the same bytes: two orders of one second differ in their properties.
    """
    drawn = _track_id(record)
    if drawn is None:
        return xxh3_128_hexdigest(value)
    return f"{drawn}:{record.time}:{record.distinct_id}:{name}"


def _ids(record: Any) -> tuple[str, str]:
    """Return under which id the person is known, and that of the device; empty = none.

    Of a ``distinct_id`` alone nobody knows which of both it is, and it does not matter: with only
    one id a user has that.
    """
    anonymous, login = id_text(record.anonymous_id), id_text(record.login_id)
    if login:
        return login, anonymous
    distinct = id_text(record.distinct_id)
    if record.identities:
        login = id_text(record.identities.get(LOGIN))
    if not login:
        is_login_id = _is_login_id(record)
        if is_login_id or (is_login_id is None and anonymous and anonymous != distinct):
            login = distinct
    if login:
        return login, anonymous
    return "", anonymous or distinct


def _signed_up(record: Any, name: str, event_id: str, at_ms: int) -> Facts:
    """Return the log-in, and that the id from before it is the same person."""
    user_id = _ids(record)[0] or id_text(record.distinct_id)
    other = id_text(record.original_id)
    if not other:
        raise faulty("a track_signup needs it", "`$.original_id`", RejectReason.NO_ID)
    signed_up = Fact(name, event_id, at_ms, user_id, other, record)
    if other == user_id or not user_id:
        return (signed_up,)
    link_id = f"{event_id}:link" if event_id else ""
    return (signed_up, Fact(LINK_EVENT, link_id, at_ms, user_id, other, record))


def _bound(record: Any, name: str, event_id: str, at_ms: int) -> Facts:
    """Return that all identities of a record are one person, each as its own records are told."""
    user_id, anonymous_id = _ids(record)
    known = user_id or anonymous_id
    others: dict[str, None] = {}
    if record.identities and len(record.identities) > EVENTS_MAX:
        what = f"more than {EVENTS_MAX} ids"
        raise faulty(what, "`$.identities`", RejectReason.TOO_LARGE)
    for key, value in (record.identities or {}).items():
        text = id_text(value)
        if text and f"{key}+{text}" != known:
            others[text if key == LOGIN or key in DEVICES else f"{key}+{text}"] = None
    others.pop(known, None)
    bound = Fact(name, event_id, at_ms, known, "", record)
    if not known:
        return (bound,)
    links = (
        Fact(LINK_EVENT, f"{event_id}:{other}" if event_id else "", at_ms, known, other, record)
        for other in others
    )
    return (bound, *links)


LINKS: Final[dict[str, Callable[[Any, str, str, int], Facts]]] = {
    "track_signup": _signed_up,
    "track_id_bind": _bound,
}
"""Types that say which ids are one person."""
