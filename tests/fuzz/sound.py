"""What an accepted record may look like: what a decoder lets through, the core believes."""

import math
from typing import Any, Final

import msgspec

from streams.core.decoded import Decoded, Rejected, RejectReason, Skipped, inputs_of
from streams.core.interpret import NativeEvent
from streams.core.record_limits import ID_BYTES_MAX
from streams.core.time import FAR_FUTURE_MS
from streams.intake.told import Told

WORD: Final = 70
_PACK: Final = msgspec.msgpack.Encoder().encode
_DIGITS: Final = str.maketrans("123456789", "000000000")


def of_decoded(decoded: Decoded) -> str:
    """Return a word for what a record came to; AssertionError if it is no sound answer."""
    if isinstance(decoded, Rejected):
        return refusal(decoded)
    if isinstance(decoded, Skipped):
        assert decoded.reason.isascii(), "the reason of a skip is a label of a metric"
        return f"skipped {decoded.reason}"
    inputs = inputs_of(decoded)
    assert inputs, "neither inputs nor a reason"
    for signal in inputs:
        _sound(signal)
    return f"{len(inputs) > 1} {type(inputs[0]).__name__}"


def of_told(told: Told) -> str:
    """Return a word for what a record was told as; AssertionError if it is no sound answer."""
    if isinstance(told, Rejected):
        return refusal(told)
    if isinstance(told, Skipped):
        return f"skipped {told.reason}"
    assert told, "neither events nor a reason"
    for event in told:
        assert isinstance(event, NativeEvent), "no native event"
        assert isinstance(event.event_time, int), "an instant that is no number"
        assert 0 < event.event_time <= FAR_FUTURE_MS, "an instant that cannot be"
        assert event.event_id, "no event id"
        assert event.event, "no event name"
        _sound_id(event.user_id)
        msgspec.json.encode(event)
    return f"told {len(told) > 1} {told[0].event[:20]}"


def refusal(rejected: Rejected) -> str:
    """Return a word for a refusal."""
    assert isinstance(rejected.reason, RejectReason), "the reason is none of the catalogue"
    assert rejected.detail, "a refusal without words"
    # The same fault at another place is another word; with other numbers it is not.
    return f"{rejected.reason} {rejected.detail[:WORD].translate(_DIGITS)}"


def _sound(signal: Any) -> None:
    """Assert that an input is one that the core may believe."""
    for name in signal.__struct_fields__:
        value = getattr(signal, name)
        if value.__class__ is float:
            is_open = name in {"to_ms", "from_ms"}
            assert math.isfinite(value) or (is_open and value > 0), f"{name} is {value}"
        elif value.__class__ is int:
            assert -(2**63) <= value < 2**63, f"{name} is {value}"
    if (user_id := getattr(signal, "user_id", None)) is not None:
        _sound_id(user_id)
    assert 0 < signal.event_time_ms <= FAR_FUTURE_MS, "an instant that cannot be"
    assert getattr(signal, "amount", 0.0) >= 0.0, "an amount below zero"
    assert len(_PACK(signal)) < 70_000, "an input that is larger than its record"


def _sound_id(user_id: str) -> None:
    assert user_id, "no user id"
    assert len(user_id.encode()) <= ID_BYTES_MAX, "a user id that is too long"
    assert "\0" not in user_id, "a user id with a null character"
