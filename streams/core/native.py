"""Decoding: one Kafka record becomes an input, is skipped for a reason, or is rejected for one.

The native event is JSON with the user id as Kafka key::

    {"event_id": "…", "user_id": "…", "event": "purchase", "event_time": 1483271606000,
     "amount": 12.34, "currency": "CNY", "properties": {}}

``event_time`` is epoch milliseconds or ISO 8601 with a zone; ``amount`` is in major units where the
rules say money, else a count.
"""

from datetime import datetime
from typing import Final

import msgspec

from streams.core.decoded import Decode, Decoded, Headers, Rejected, RejectReason
from streams.core.inputs import FeedbackReceived, WatermarkPassed
from streams.core.interpret import (
    FEEDBACK_STATUSES,
    UNREADABLE,
    NativeEvent,
    make_interpret,
)
from streams.core.record_limits import (
    EVENT_ID_MAX,
    ID_BYTES_MAX,
    NAME_MAX,
    NESTING_MAX,
    SMALL,
    VALUE_BYTES_MAX,
    is_too_deep,
)
from streams.core.rules import Rules
from streams.core.time import FAR_FUTURE_MS, HOUR_MS
from winback_sender.contract.messages import CHANNEL_MAX, OUTCOME_MAX, Feedback
from winback_sender.contract.words import Status

WATERMARK_EVENT: Final = "$watermark"
WATERMARK_KEY: Final = b"$watermark"
TOO_DEEP: Final = Rejected(
    RejectReason.NOT_DECODABLE, f"nested too deep: more than {NESTING_MAX} levels - at `$`"
)
FUTURE_MAX_MS: Final = (
    HOUR_MS  # A clock may be wrong by this much; more, and every timer would fire.
)


class Clock(msgspec.Struct, omit_defaults=True):
    """Properties of a watermark.

    Attributes:
        clock: Of which clock; empty = of the topic it stands on.
        is_idle: It has nothing to say and holds nothing back.
    """

    clock: str = ""
    is_idle: bool = False


_CLOCK: Final = msgspec.json.Decoder(Clock)


def make_decode(rules: Rules) -> Decode:  # noqa: C901  # as `decode`
    """Return ``decode(key, value, timestamp_ms)`` for the records of ``user-activity``."""
    parse = msgspec.json.Decoder(NativeEvent).decode
    interpret = make_interpret(rules)

    def decode(  # noqa: C901, PLR0911  # one test after the other, cheapest first
        key: bytes | None, value: bytes | None, timestamp_ms: int, _headers: Headers = ()
    ) -> Decoded:
        if not value or key is None:
            return Rejected(RejectReason.EMPTY, "the record has no key or no value")
        if len(value) > SMALL or len(key) > ID_BYTES_MAX:
            refused = _refused(key, value)
            if refused is not None:
                return refused
        try:
            event = parse(value)
        except UNREADABLE as error:
            return Rejected(RejectReason.NOT_DECODABLE, str(error))
        moment = event.event_time
        at_ms = moment if isinstance(moment, int) else _instant(moment)
        if at_ms <= 0:
            return Rejected(
                RejectReason.BAD_TIME, f"event_time {moment} has no zone or is before 1970"
            )
        if at_ms > timestamp_ms + FUTURE_MAX_MS or at_ms > FAR_FUTURE_MS:
            return Rejected(
                RejectReason.FUTURE, f"event_time {at_ms}, record timestamp {timestamp_ms}"
            )
        user_id, name, event_id = event.user_id, event.event, event.event_id
        if name == WATERMARK_EVENT and key == WATERMARK_KEY:
            return _watermark(event, at_ms)
        if not user_id or not event_id or not name:
            return Rejected(RejectReason.NO_ID, "user_id, event_id and event must not be empty")
        if user_id.encode() != key or "\0" in user_id or len(value) > NAME_MAX:
            refused = _wrong_ids(key, event)
            if refused is not None:
                return refused
        return interpret(event, at_ms)

    return decode


def _refused(key: bytes, value: bytes) -> Rejected | None:
    """Return why a record is not even parsed, or None."""
    if len(value) > VALUE_BYTES_MAX or len(key) > ID_BYTES_MAX:
        return Rejected(RejectReason.TOO_LARGE, f"key {len(key)} B, value {len(value)} B")
    return TOO_DEEP if is_too_deep(value) else None


def _wrong_ids(key: bytes, event: NativeEvent) -> Rejected | None:
    """Return what is wrong with ids that are there, or None."""
    if len(event.event_id) > EVENT_ID_MAX or len(event.event) > NAME_MAX:
        what = f"event_id {len(event.event_id)} characters, event {len(event.event)} characters"
        return Rejected(RejectReason.TOO_LARGE, what)
    return _wrong_user(key, event.user_id)


def _wrong_user(key: bytes, user_id: str) -> Rejected | None:
    """Return why this is not the user of a record with a key, or None."""
    if "\0" in user_id:
        return Rejected(RejectReason.BAD_ID, "user_id has a null character in it")
    if user_id.encode() != key:
        return Rejected(RejectReason.KEY_MISMATCH, f"{key!r} is not the user_id {user_id!r}")
    return None


def _watermark(event: NativeEvent, at_ms: int) -> Decoded:
    """Return the watermark of the topic, or of the clock that the router names."""
    if not event.properties:
        return WatermarkPassed(at_ms)
    try:
        said = _CLOCK.decode(event.properties)
    except UNREADABLE as error:
        return Rejected(RejectReason.BAD_PROPERTY, f"watermark: {error}")
    return WatermarkPassed(at_ms, said.clock, said.is_idle)


def decode_feedback(  # noqa: PLR0911  # one reason a test
    key: bytes | None, value: bytes | None, timestamp_ms: int, _headers: Headers = ()
) -> Decoded:
    """Turn one record of ``win-back-feedback`` into an input, or say why it cannot be one."""
    if not value or key is None:
        return Rejected(RejectReason.EMPTY, "the record has no key or no value")
    refused = _refused(key, value)
    if refused is not None:
        return refused
    try:
        event = msgspec.json.decode(value, type=Feedback)
    except UNREADABLE as error:
        return Rejected(RejectReason.NOT_DECODABLE, str(error))
    at_ms = event.at if isinstance(event.at, int) else _instant(event.at)
    if at_ms <= 0:
        return Rejected(RejectReason.BAD_TIME, f"at {event.at} has no zone or is before 1970")
    if at_ms > timestamp_ms + FUTURE_MAX_MS or at_ms > FAR_FUTURE_MS:
        return Rejected(RejectReason.FUTURE, f"at {at_ms}, record timestamp {timestamp_ms}")
    if not event.user_id or not (event.touch_id or event.status == Status.OPTED_OUT):
        return Rejected(RejectReason.NO_ID, "user_id and touch_id must not be empty")
    refused = _wrong_user(key, event.user_id)
    if refused is not None:
        return refused
    if event.status not in FEEDBACK_STATUSES:
        return Rejected(
            RejectReason.BAD_STATUS,
            f"{event.status!r}; known: {sorted(map(str, FEEDBACK_STATUSES))}",
        )
    if len(event.outcome) > OUTCOME_MAX or len(event.channel) > CHANNEL_MAX:
        return Rejected(RejectReason.BAD_PROPERTY, "the outcome or the channel is too long")
    return FeedbackReceived(
        event.user_id, at_ms, event.touch_id, event.status, event.outcome, event.channel
    )


def _instant(moment: datetime) -> int:
    """Return epoch ms of an instant, or 0 for one without a zone."""
    return round(moment.timestamp() * 1_000) if moment.tzinfo is not None else 0
