"""What an event says: the one place where names and properties become inputs.

A native event comes here as it was read; one of another format as its mapping has told it. So the
same history means the same, whatever it was written in.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams.core.decoded import NOT_ACTIVITY, Decoded, Rejected, RejectReason
from streams.core.inputs import (
    SOURCE,
    ZONE,
    Acted,
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Linked,
    ObservationPaused,
    OptedOut,
    OutageAnnounced,
    ReachChanged,
    TraitsSet,
    ValueCorrected,
)
from streams.core.meanings import ACTS, MONEY, RISKY, Meaning
from streams.core.outages import NEVER, edge_ms
from streams.core.reach import TOKENS_MAX
from streams.core.record_limits import AMOUNT_MAX, ID_BYTES_MAX, TEXT_MAX
from streams.core.rules import Rules
from streams.core.time import DAY_MS, span_ms
from winback_sender.contract.messages import CHANNEL_MAX, OUTCOME_MAX
from winback_sender.contract.words import Status

COVERAGE_EVENT: Final = "$coverage"
"""Name of the event, and as a key: the outage is of the whole source, not of one user."""
WINDOW_MAX_MS: Final = 366 * DAY_MS  # No provider leaves a window open for longer.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
FEEDBACK_STATUSES: Final = frozenset(Status)


class NativeEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """The wire form of an event."""

    event: str
    event_time: int | datetime
    event_id: str = ""
    user_id: str = ""
    amount: float | str | None = None
    currency: str | None = None
    properties: msgspec.Raw = msgspec.Raw()


Interpret = Callable[[NativeEvent, int], Decoded]
"""``interpret(event, at_ms)`` of an event whose ids are there and whose time can be."""


Acting = Callable[[str, str, int, float | None], Acted]
"""``act(user_id, event_id, at_ms, amount)``: major units where it is money; None = it has none."""


class _Plan(NamedTuple):
    """What is done with the events of one name.

    Attributes:
        meaning: Of the event.
        sign: Of its money; 0 = its amount is a count.
        act: Makes the input; None = it is no act.
    """

    meaning: Meaning
    sign: int
    act: Acting | None


def _plans(rules: Rules) -> tuple[dict[str, _Plan], _Plan]:
    """Return the plan of every name that the rules know, and that of all others."""

    def plan(name: str) -> _Plan:
        meaning = rules.meaning(name)
        act = make_acting(name, rules) if meaning in ACTS else None
        return _Plan(meaning, MONEY.get(meaning, 0), act)

    plans = {name: plan(name) for name in (*rules.meanings, *rules.churn.kinds)}
    plans[COVERAGE_EVENT] = _Plan(Meaning.COVERAGE, 0, None)
    return plans, plan("")


class Kind(NamedTuple):
    """What is known of the events of one name before any has come.

    Attributes:
        meaning: Of the event.
        sign: Of its money; 0 = its amount is a count.
        slot: Which of the kinds told apart it is, or -1.
        is_risky: Whoever does it is scored at once.
    """

    meaning: Meaning
    sign: int
    slot: int
    is_risky: bool


def kinds_of(rules: Rules) -> tuple[dict[str, Kind], Kind]:
    """Return what is known of every name that the rules know, and of all others."""

    def kind(name: str) -> Kind:
        meaning = rules.meaning(name)
        slot = rules.churn.kinds.index(name) if name in rules.churn.kinds else -1
        return Kind(meaning, MONEY.get(meaning, 0), slot, meaning in RISKY)

    return {name: kind(name) for name in (*rules.meanings, *rules.churn.kinds)}, kind("")


def make_acting(name: str, rules: Rules) -> Acting:
    """Return what makes the input of an act of this name."""
    meaning, minor_units = rules.meaning(name), rules.minor_units
    slot = rules.churn.kinds.index(name) if name in rules.churn.kinds else -1
    sign, is_risky = MONEY.get(meaning, 0), meaning in RISKY
    trigger = meaning.value if is_risky else ""

    def act(user_id: str, event_id: str, at_ms: int, amount: float | None) -> Acted:
        if amount is None:
            return Acted(user_id, event_id, at_ms, 0.0, 0, slot, is_risky, trigger)
        minor = sign * round(amount * minor_units) if sign else 0
        size = max(0.0, float(amount))
        return Acted(user_id, event_id, at_ms, size, minor, slot, is_risky, trigger)

    return act


def make_interpret(rules: Rules) -> Interpret:
    """Return what turns an event into an input under some rules."""
    plans, default = _plans(rules)
    plan_of, currency = plans.get, rules.currency

    def interpret(event: NativeEvent, at_ms: int) -> Decoded:
        meaning, sign, act = plan_of(event.event, default)
        number = None
        if event.amount is not None:
            found = _number(event.amount)
            if found is None:
                what = f"amount {event.amount!r} is no number, not finite, or too large"
                return Rejected(RejectReason.BAD_AMOUNT, what)
            if sign and event.currency is not None and event.currency != currency:
                what = f"{event.currency!r}; the rules count in {currency}"
                return Rejected(RejectReason.BAD_CURRENCY, what)
            if sign and found < 0.0 and meaning is not Meaning.CORRECTION:
                what = f"{event.amount!r} is negative; money that is taken back is told as positive"
                return Rejected(RejectReason.BAD_AMOUNT, what)
            number = found
        if act is not None:
            return act(event.user_id, event.event_id, at_ms, number)
        if meaning is Meaning.CORRECTION:
            minor = 0 if number is None else sign * round(number * rules.minor_units)
            return ValueCorrected(event.user_id, event.event_id, at_ms, minor)
        return _rare(event, meaning, at_ms, rules)

    return interpret


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _number(amount: float | str) -> float | None:
    """Return an amount as a number that can be counted with, or None."""
    try:
        number = float(amount)
    except ValueError:
        return None
    return number if -AMOUNT_MAX <= number <= AMOUNT_MAX else None


def _rare(  # noqa: C901, PLR0911  # one branch a meaning
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
        case Meaning.LINK:
            return _link(event, at_ms, raw)
        case Meaning.FEEDBACK:
            return _feedback(event.user_id, at_ms, raw)
        case _:
            return _traits(event.user_id, at_ms, raw, rules)


def _consent(user_id: str, at_ms: int, raw: dict[str, Any]) -> Decoded:
    channel, granted = raw.get("channel"), raw.get("granted")
    if not _is_channel(channel) or not isinstance(granted, bool):
        what = 'consent needs properties {"channel": "sms", "granted": true}'
        return Rejected(RejectReason.BAD_PROPERTY, what)
    return ConsentChanged(user_id, at_ms, str(channel), granted)


def _link(event: NativeEvent, at_ms: int, raw: dict[str, Any]) -> Decoded:
    """Return which other id is the same person."""
    other = raw.get("anonymous_id")
    if not isinstance(other, str) or not other or other == event.user_id:
        what = 'a link needs properties {"anonymous_id": …}, another id than the user_id'
        return Rejected(RejectReason.BAD_PROPERTY, what)
    if "\0" in other:
        return Rejected(RejectReason.BAD_ID, "anonymous_id has a null character in it")
    if len(other.encode()) > ID_BYTES_MAX:
        return Rejected(RejectReason.TOO_LARGE, f"anonymous_id has more than {ID_BYTES_MAX} B")
    return Linked(event.user_id, event.event_id, at_ms, other)


def _feedback(user_id: str, at_ms: int, raw: dict[str, Any]) -> Decoded:
    """Return what a system of the company tells of a touch, beside the topic of feedback."""
    said = {name: raw.get(name) or "" for name in ("touch_id", "status", "outcome", "channel")}
    if not all(isinstance(text, str) for text in said.values()):
        return Rejected(RejectReason.BAD_PROPERTY, "feedback: all of it is text")
    if not said["touch_id"] and said["status"] != Status.OPTED_OUT:
        return Rejected(RejectReason.NO_ID, "feedback needs the touch_id")
    if said["status"] not in FEEDBACK_STATUSES:
        what = f"{said['status']!r}; known: {sorted(map(str, FEEDBACK_STATUSES))}"
        return Rejected(RejectReason.BAD_STATUS, what)
    if len(said["outcome"]) > OUTCOME_MAX or len(said["channel"]) > CHANNEL_MAX:
        return Rejected(RejectReason.BAD_PROPERTY, "the outcome or the channel is too long")
    return FeedbackReceived(user_id, at_ms, **said)


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
