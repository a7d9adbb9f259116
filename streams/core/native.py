"""Decoding: one Kafka record becomes an input, is skipped for a reason, or is rejected for one.

The native event is JSON with the user id as Kafka key::

    {"event_id": "…", "user_id": "…", "event": "purchase", "event_time": 1483271606000,
     "amount": 12.34, "currency": "CNY", "properties": {}}

``event_time`` is epoch milliseconds or ISO 8601 with a zone; ``amount`` is in major units where the
rules say money, else a count.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams.core.inputs import (
    SOURCE,
    ZONE,
    Acted,
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    ObservationPaused,
    OptedOut,
    OutageAnnounced,
    ReachChanged,
    TraitsSet,
    WatermarkPassed,
)
from streams.core.outages import NEVER, edge_ms
from streams.core.reach import TOKENS_MAX
from streams.core.rules import ACTS, MONEY, RISKY, Meaning, Rules
from streams.core.time import DAY_MS, FAR_FUTURE_MS, HOUR_MS, span_ms
from winback_sender.contract.messages import CHANNEL_MAX, OUTCOME_MAX, Feedback
from winback_sender.contract.words import Status

WATERMARK_EVENT: Final = "$watermark"
WATERMARK_KEY: Final = b"$watermark"
COVERAGE_EVENT: Final = "$coverage"
"""Name of the event, and as a key: the outage is of the whole source, not of one user."""
VALUE_BYTES_MAX: Final = 65_536  # An event is a fact, not a document.
KEY_BYTES_MAX: Final = 256
FUTURE_MAX_MS: Final = (
    HOUR_MS  # A clock may be wrong by this much; more, and every timer would fire.
)
TEXT_MAX: Final = 200  # Characters of a trait.
WINDOW_MAX_MS: Final = 366 * DAY_MS  # No provider leaves a window open for longer.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
AMOUNT_MAX: Final = 1e12  # Beyond it the net value would no longer be an exact float.

FEEDBACK_STATUSES: Final = frozenset(Status)


class RejectReason(StrEnum):
    """Why a record is put aside; every one goes to the dead letters with its bytes."""

    EMPTY = "empty"  # a record without a value
    TOO_LARGE = "too_large"
    NOT_DECODABLE = "not_decodable"
    KEY_MISMATCH = "key_mismatch"  # the Kafka key is not the user id
    NO_ID = "no_id"  # user_id, event_id, event or touch_id is empty
    BAD_TIME = "bad_time"  # no zone, or before 1970
    FUTURE = "future"  # later than its record timestamp by more than an hour
    BAD_AMOUNT = "bad_amount"
    BAD_CURRENCY = "bad_currency"
    BAD_PROPERTY = "bad_property"
    BAD_STATUS = "bad_status"


class Rejected(msgspec.Struct, frozen=True):
    """A record that cannot be an input."""

    reason: RejectReason
    detail: str


class Skipped(msgspec.Struct, frozen=True):
    """A record that is well-formed and means nothing to us."""

    reason: str


Decoded = Input | Rejected | Skipped
Decode = Callable[[bytes | None, bytes | None, int], Decoded]

NOT_ACTIVITY: Final = Skipped("not_activity")


class NativeEvent(msgspec.Struct, gc=False):
    """The wire form of an event."""

    event: str
    event_time: int | datetime
    event_id: str = ""
    user_id: str = ""
    amount: float | str | None = None
    currency: str | None = None
    properties: msgspec.Raw = msgspec.Raw()


class _Plan(NamedTuple):
    """What is done with the events of one name."""

    meaning: Meaning
    is_act: bool
    is_risky: bool
    sign: int
    slot: int
    trigger: str


def _plans(rules: Rules) -> tuple[dict[str, _Plan], _Plan]:
    """Return the plan of every name that the rules know, and that of all others."""

    def plan(name: str) -> _Plan:
        meaning = rules.meaning(name)
        is_act, is_risky = meaning in ACTS, meaning in RISKY
        slot = rules.churn.kinds.index(name) if name in rules.churn.kinds else -1
        trigger = meaning.value if is_risky else ""
        return _Plan(meaning, is_act, is_risky, MONEY.get(meaning, 0), slot, trigger)

    plans = {name: plan(name) for name in (*rules.meanings, *rules.churn.kinds)}
    plans[COVERAGE_EVENT] = _Plan(Meaning.COVERAGE, False, False, 0, -1, "")  # noqa: FBT003  # columns
    return plans, plan("")


def make_decode(rules: Rules) -> Decode:  # noqa: C901  # the hot path is one function
    """Return ``decode(key, value, timestamp_ms)`` for the records of ``user-activity``."""
    parse = msgspec.json.Decoder(NativeEvent).decode
    plans, default = _plans(rules)
    plan_of = plans.get

    def decode(  # noqa: C901, PLR0911, PLR0912  # one test after the other, cheapest first
        key: bytes | None, value: bytes | None, timestamp_ms: int
    ) -> Decoded:
        if not value or key is None:
            return Rejected(RejectReason.EMPTY, "the record has no key or no value")
        if len(value) > VALUE_BYTES_MAX or len(key) > KEY_BYTES_MAX:
            return Rejected(RejectReason.TOO_LARGE, f"key {len(key)} B, value {len(value)} B")
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
            return WatermarkPassed(at_ms)
        if not user_id or not event_id or not name:
            return Rejected(RejectReason.NO_ID, "user_id, event_id and event must not be empty")
        if user_id.encode() != key or user_id[0] == "\0":
            return Rejected(RejectReason.KEY_MISMATCH, f"{key!r} is not the user_id {user_id!r}")
        meaning, is_act, is_risky, sign, slot, trigger = plan_of(name, default)
        size, minor = 0.0, 0
        if event.amount is not None:
            number = _number(event.amount)
            if number is None:
                what = f"amount {event.amount!r} is no number, not finite, or too large"
                return Rejected(RejectReason.BAD_AMOUNT, what)
            if sign:
                if event.currency is not None and event.currency != rules.currency:
                    what = f"{event.currency!r}; the rules count in {rules.currency}"
                    return Rejected(RejectReason.BAD_CURRENCY, what)
                minor = sign * round(number * rules.minor_units)
            size = max(number, 0.0)
        if is_act:
            return Acted(user_id, event_id, at_ms, size, minor, slot, is_risky, trigger)
        return _rare(event, meaning, at_ms, rules)

    return decode


def decode_feedback(  # noqa: PLR0911  # one reason a test
    key: bytes | None, value: bytes | None, timestamp_ms: int
) -> Decoded:
    """Turn one record of ``win-back-feedback`` into an input, or say why it cannot be one."""
    if not value or key is None:
        return Rejected(RejectReason.EMPTY, "the record has no key or no value")
    if len(value) > VALUE_BYTES_MAX or len(key) > KEY_BYTES_MAX:
        return Rejected(RejectReason.TOO_LARGE, f"key {len(key)} B, value {len(value)} B")
    try:
        event = msgspec.json.decode(value, type=Feedback)
    except UNREADABLE as error:
        return Rejected(RejectReason.NOT_DECODABLE, str(error))
    at_ms = event.at if isinstance(event.at, int) else _instant(event.at)
    if at_ms <= 0:
        return Rejected(RejectReason.BAD_TIME, f"at {event.at} has no zone or is before 1970")
    if at_ms > timestamp_ms + FUTURE_MAX_MS:
        return Rejected(RejectReason.FUTURE, f"at {at_ms}, record timestamp {timestamp_ms}")
    if not event.user_id or not (event.touch_id or event.status == Status.OPTED_OUT):
        return Rejected(RejectReason.NO_ID, "user_id and touch_id must not be empty")
    if event.user_id.encode() != key:
        return Rejected(RejectReason.KEY_MISMATCH, f"{key!r} is not the user_id {event.user_id!r}")
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


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _instant(moment: datetime) -> int:
    """Return epoch ms of an instant, or 0 for one without a zone."""
    return round(moment.timestamp() * 1_000) if moment.tzinfo is not None else 0


def _number(amount: float | str) -> float | None:
    """Return an amount as a number that can be counted with, or None."""
    try:
        number = float(amount)
    except ValueError:
        return None
    return number if -AMOUNT_MAX <= number <= AMOUNT_MAX else None


def _rare(  # noqa: PLR0911  # one branch a meaning
    event: NativeEvent, meaning: Meaning, at_ms: int, rules: Rules
) -> Decoded:
    """Return the input of an event that is not an activity."""
    if meaning is Meaning.IGNORED:
        return NOT_ACTIVITY
    try:
        raw: Any = msgspec.json.decode(event.properties) if event.properties else {}
    except UNREADABLE as error:
        return Rejected(RejectReason.BAD_PROPERTY, str(error))
    if not isinstance(raw, dict):
        return Rejected(RejectReason.BAD_PROPERTY, "properties is not an object")
    match meaning:
        case Meaning.CONSENT:
            return _consent(event.user_id, at_ms, raw)
        case Meaning.OPT_OUT:
            channel = raw.get("channel") or ""
            if channel and not _is_channel(channel):
                return Rejected(RejectReason.BAD_PROPERTY, f"{channel!r} is no channel")
            return OptedOut(event.user_id, at_ms, channel)
        case Meaning.REACH:
            return _reach(event, at_ms, raw)
        case Meaning.ERASURE:
            return Erased(event.user_id, at_ms)
        case Meaning.COVERAGE:
            return _coverage(event.user_id, at_ms, raw)
        case _:
            return _traits(event.user_id, at_ms, raw, rules)


def _consent(user_id: str, at_ms: int, raw: dict[str, Any]) -> Decoded:
    channel, granted = raw.get("channel"), raw.get("granted")
    if not _is_channel(channel) or not isinstance(granted, bool):
        what = 'consent needs properties {"channel": "sms", "granted": true}'
        return Rejected(RejectReason.BAD_PROPERTY, what)
    return ConsentChanged(user_id, at_ms, str(channel), granted)


def _text(value: Any) -> str:  # whatever JSON holds
    """Return a trait as text: a string as it is, null as nothing, the rest as JSON writes it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _coverage(user_id: str, at_ms: int, raw: dict[str, Any]) -> Decoded:
    """Return a span in which nothing was logged: of one user, or of the whole source."""
    try:
        start, end = edge_ms(raw.get("from", at_ms)), edge_ms(raw.get("to"))
    except ValueError as error:
        return Rejected(RejectReason.BAD_PROPERTY, f"coverage: {error}")
    if start == NEVER:
        return Rejected(RejectReason.BAD_PROPERTY, 'coverage: "from" is empty')
    if user_id == COVERAGE_EVENT:
        return OutageAnnounced(at_ms, start, end)
    return ObservationPaused(user_id, at_ms, start, end)


def _reach(event: NativeEvent, at_ms: int, raw: dict[str, Any]) -> Decoded:
    """Return what the company says of a user's reach on a channel."""
    channel, tokens = raw.get("channel"), raw.get("tokens", 0)
    is_reachable, until_ms = raw.get("is_reachable"), _window_end(raw, at_ms)
    if (
        not _is_channel(channel)
        or type(tokens) is not int
        or abs(tokens) > TOKENS_MAX
        or not (is_reachable is None or isinstance(is_reachable, bool))
        or until_ms is None
        or not (tokens or until_ms or is_reachable is not None)
    ):
        what = (
            'reach needs properties {"channel": "wechat"} and one of "tokens": 1, '
            '"open_for": "48h", "open_until": "2017-01-12T08:00:00Z", "is_reachable": true'
        )
        return Rejected(RejectReason.BAD_PROPERTY, what)
    return ReachChanged(
        event.user_id, event.event_id, at_ms, str(channel), tokens, until_ms, is_reachable
    )


def _window_end(raw: dict[str, Any], at_ms: int) -> int | None:
    """Return when the window that is said to be open ends, 0 = none is; None = it cannot be."""
    try:
        if "open_for" in raw:
            until_ms: float = at_ms + span_ms(str(raw["open_for"]))
        elif "open_until" in raw:
            until_ms = edge_ms(raw["open_until"])
        else:
            return 0
    except (ValueError, OverflowError):
        return None
    return int(until_ms) if 0 < until_ms <= at_ms + WINDOW_MAX_MS else None


def _is_channel(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= CHANNEL_MAX


def _traits(user_id: str, at_ms: int, raw: dict[str, Any], rules: Rules) -> Decoded:
    """Return the traits that the rules keep or tell apart; the rest is nobody's business here."""
    told_apart = (name for name, _ in rules.traits_told_apart)
    wanted = dict.fromkeys((ZONE, SOURCE, *rules.traits, *told_apart))
    kept = {name: _text(raw[name]) for name in wanted if name in raw}
    too_long = next((name for name, text in kept.items() if len(text) > TEXT_MAX), None)
    if too_long is not None:
        what = f"trait {too_long!r} has more than {TEXT_MAX} characters"
        return Rejected(RejectReason.BAD_PROPERTY, what)
    zone, source = kept.pop(ZONE, ""), kept.pop(SOURCE, "")
    if zone and not _is_zone(zone):
        return Rejected(RejectReason.BAD_PROPERTY, f"{zone!r} is no IANA time zone")
    return TraitsSet(user_id, at_ms, zone, source, kept)
