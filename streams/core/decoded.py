"""What reading a record can come to: inputs, nothing for a reason, or a refusal with one."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from streams.core.inputs import Input

Headers = Sequence[tuple[str, bytes]]
"""Headers of a Kafka record."""


class RejectReason(StrEnum):
    """Why a record is put aside; every one goes to the dead letters with its bytes."""

    EMPTY = "empty"  # a record without a value
    TOO_LARGE = "too_large"
    NOT_DECODABLE = "not_decodable"
    KEY_MISMATCH = "key_mismatch"  # the Kafka key is not the user id
    BAD_ID = "bad_id"  # a user id with a null character in it
    NO_ID = "no_id"  # user_id, event_id, event or touch_id is empty
    BAD_TIME = "bad_time"  # no zone, or before 1970
    FUTURE = "future"  # later than its record timestamp, or the present, by more than an hour
    TOO_OLD = "too_old"  # an activity of 2H and more before the newest event of its topic
    BAD_AMOUNT = "bad_amount"
    BAD_CURRENCY = "bad_currency"
    BAD_PROPERTY = "bad_property"
    BAD_STATUS = "bad_status"
    BAD_ENVELOPE = "bad_envelope"  # what the format asks for is missing or of the wrong kind
    UNKNOWN_VERSION = "unknown_version"  # of a format that has versions
    SCHEMA_UNKNOWN = "schema_unknown"  # the registry does not know the schema's id
    DUPLICATE_KEY = "duplicate_key"  # a field that is read stands there twice
    BAD_HEADER = "bad_header"  # the name of a header is not UTF-8


class Rejected(msgspec.Struct, frozen=True):
    """A record that cannot be an input."""

    reason: RejectReason
    detail: str


class Skipped(msgspec.Struct, frozen=True):
    """A record that is well-formed and means nothing to us."""

    reason: str


class Several(msgspec.Struct, frozen=True):
    """Inputs that one record carries, in order; never empty."""

    inputs: tuple[Input, ...]


Decoded = Input | Several | Rejected | Skipped


class Decode(Protocol):
    """How the records of a topic become inputs."""

    def __call__(
        self, key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers = (), /
    ) -> Decoded:
        """Return what a record comes to; a format without a use for headers ignores them."""


NOT_ACTIVITY: Final = Skipped("not_activity")


def inputs_of(decoded: Decoded) -> tuple[Input, ...]:
    """Return the inputs that a record came to; none when it was skipped or rejected."""
    if isinstance(decoded, Several):
        return decoded.inputs
    return () if isinstance(decoded, Rejected | Skipped) else (decoded,)
