"""Native events on other topics than our own: in any encoding, keyed by anything, no mapping."""

from datetime import datetime
from typing import Any

import msgspec

from streams.core.decoded import Headers, Rejected, RejectReason, Skipped
from streams.core.interpret import NativeEvent, make_interpret
from streams.core.native import FUTURE_MAX_MS, WATERMARK_EVENT
from streams.core.record_limits import NAME_MAX, VALUE_BYTES_MAX
from streams.core.rules import Rules
from streams.core.sources import Form, Source
from streams.core.time import FAR_FUTURE_MS
from streams.intake.fact import ParseAs, UnreadableError
from streams.intake.formats.cloudevents import make_unwrap
from streams.intake.formats.envelope import EMPTY, refused
from streams.intake.mapping_ids import demand_id, demand_user
from streams.intake.mapping_values import WrongError
from streams.intake.told import ACCEPTED, REJECTED, SKIPPED, Examine, Examined, Tell, Told

_encode = msgspec.json.Encoder().encode


class NativeRecord(msgspec.Struct, gc=False):
    """A native event in any encoding."""

    event: str
    event_time: int | datetime
    event_id: str = ""
    user_id: str = ""
    amount: float | str | None = None
    currency: str | None = None
    properties: dict[str, Any] | None = None


def make_native_tell(source: Source, rules: Rules, parse_as: ParseAs) -> Tell:
    """Return what tells the records of a topic of native events, or of CloudEvents around them."""
    parse, interpret = parse_as(NativeRecord), make_interpret(rules)
    unwrap = make_unwrap(source, parse_as) if source.form is Form.CLOUDEVENTS else None

    def tell(_key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers) -> Told:
        if unwrap is not None:
            try:
                value = unwrap(value, headers)
            except UnreadableError as error:
                return refused(error)
        if not value:
            return EMPTY
        if len(value) > VALUE_BYTES_MAX:
            return Rejected(RejectReason.TOO_LARGE, f"the value has more than {VALUE_BYTES_MAX} B")
        try:
            event = _event(parse(value), timestamp_ms)
        except UnreadableError as error:
            return refused(error)
        except WrongError as error:
            return Rejected(error.reason, str(error))
        meant = interpret(event, event.event_time)  # type: ignore[arg-type]  # told in ms
        return meant if isinstance(meant, Rejected | Skipped) else (event,)

    return tell


def _event(record: Any, timestamp_ms: int) -> NativeEvent:
    """Return the event of a record; raises WrongError."""
    moment, said = record.event_time, record.properties
    if isinstance(moment, datetime):
        at_ms = 0 if moment.tzinfo is None else round(moment.timestamp() * 1_000)
    else:
        at_ms = moment
    if at_ms <= 0:
        what = f"{moment} has no zone or is before 1970 - at `$.event_time`"
        raise WrongError(RejectReason.BAD_TIME, what)
    if at_ms > timestamp_ms + FUTURE_MAX_MS or at_ms > FAR_FUTURE_MS:
        what = f"{at_ms}, record timestamp {timestamp_ms} - at `$.event_time`"
        raise WrongError(RejectReason.FUTURE, what)
    if not record.event or record.event == WATERMARK_EVENT:
        what = "event must not be empty, or a name of winback's own - at `$.event`"
        raise WrongError(RejectReason.NO_ID, what)
    if len(record.event) > NAME_MAX:
        what = f"the event name has more than {NAME_MAX} characters - at `$.event`"
        raise WrongError(RejectReason.TOO_LARGE, what)
    demand_id(record.event_id, "event_id must not be empty - at `$.event_id`")
    demand_user(record.user_id, "user_id must not be empty - at `$.user_id`")
    return NativeEvent(
        record.event,
        at_ms,
        record.event_id,
        record.user_id,
        record.amount,
        record.currency,
        msgspec.Raw(_encode(said)) if said else msgspec.Raw(),
    )


def make_native_examine(source: Source, rules: Rules, parse_as: ParseAs) -> Examine:
    """Return what says of a native event what became of it, and why."""
    tell = make_native_tell(source, rules, parse_as)

    def examine(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> tuple[Examined, ...]:
        told = tell(key, value, timestamp_ms, headers)
        if isinstance(told, Rejected):
            return (Examined("", REJECTED, reason=told.reason, detail=told.detail),)
        if isinstance(told, Skipped):
            return (Examined("", SKIPPED, reason=told.reason),)
        meaning = rules.meaning
        return tuple(
            Examined(each.event, ACCEPTED, meaning(each.event).value, native=each) for each in told
        )

    return examine
