"""A routed event as a record, with where it came from in its headers; and the record of a lane."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from streams.core.decoded import Rejected, RejectReason
from streams.core.input_fuse import FuseRecord
from streams.core.interpret import NativeEvent
from streams.core.native import WATERMARK_EVENT, WATERMARK_KEY, Clock
from streams.core.record_limits import ID_BYTES_MAX, VALUE_BYTES_MAX
from streams.core.routed import clock_name
from streams.core.time import MINUTE_MS
from streams.core.versions import ROUTER, WINBACK
from streams.errors import Exit, UserError
from winback_sender.contract.messages import Output

ORIGIN_TOPIC: Final = "winback_origin_topic"
ORIGIN_PARTITION: Final = "winback_origin_partition"
ORIGIN_OFFSET: Final = "winback_origin_offset"
KIND: Final = b"winback.event"
MINUTES_MAX: Final = 10_000
"""Minutes whose text is kept: a week of them, about a megabyte."""

_JSON: Final = msgspec.json.Encoder()
_ENCODE: Final = _JSON.encode


class LaneRecord(msgspec.Struct, frozen=True):
    """What a lane knows of its partition.

    Attributes:
        next_offset: Where to go on.
        watermark_ms: How far its clock has come, epoch ms UTC.
        version: Of the record.
        fuse: How that of the topic stands, if records of it were rejected of late.
    """

    next_offset: int
    watermark_ms: int
    version: int = ROUTER
    fuse: FuseRecord | None = None


def lane_record(value: bytes) -> LaneRecord:
    """Return what a lane's record says.

    Raises:
        UserError: A newer version wrote it.
    """
    version = msgspec.json.decode(value, type=_Version).version
    if version > ROUTER:
        raise UserError(
            f"the router's state is of version {version}, newer than this one: winback {WINBACK} "
            f"knows versions up to {ROUTER}",
            "Run the version that wrote it, or a later one.",
            Exit.FAILED,
        )
    return msgspec.json.decode(value, type=LaneRecord)


class _Version(msgspec.Struct):
    version: int = ROUTER


class Envelope:
    """Makes the records of one routed partition; what they share is made once.

    Args:
        topic: Where the events came from.
        partition: Of it.
        app_id: Of the deployment.
    """

    def __init__(self, topic: str, partition: int, app_id: str) -> None:
        self._clock = clock_name(topic, partition)
        self._head = [("ce_specversion", b"1.0"), ("ce_type", KIND),
                      ("ce_source", f"/winback/{app_id}/router".encode())]  # fmt: skip
        self._origin = [("content-type", b"application/json"), (ORIGIN_TOPIC, topic.encode()),
                        (ORIGIN_PARTITION, b"%d" % partition)]  # fmt: skip
        self._minutes: dict[int, bytes] = {}

    def wrap(self, event: NativeEvent, at_ms: int, offset: int) -> Output | Rejected:
        """Return an event as the record for ``user-activity``.

        Args:
            event: Its ids and its time have been checked.
            at_ms: When it happened, epoch ms UTC.
            offset: Of the record that told it.

        Returns:
            A refusal when it would not be read as a native event: it is too large, or its user is
            called like what only we may say.
        """
        key, value = event.user_id.encode(), _ENCODE(event)
        if len(key) > ID_BYTES_MAX or len(value) > VALUE_BYTES_MAX:
            what = f"as a native event: user_id {len(key)} B, value {len(value)} B"
            return Rejected(RejectReason.TOO_LARGE, what)
        if key == WATERMARK_KEY:
            what = f"no user is called {WATERMARK_EVENT}"
            return Rejected(RejectReason.BAD_ENVELOPE, what)
        headers = [
            *self._head, ("ce_id", event.event_id.encode()), ("ce_time", self._iso(at_ms)),
            ("ce_subject", key), *self._origin, (ORIGIN_OFFSET, b"%d" % offset),
        ]  # fmt: skip
        return Output(key, value, headers)

    def watermark(self, at_ms: int, *, is_idle: bool) -> Output:
        """Return the record that says how far this partition has come."""
        properties = msgspec.Raw(_ENCODE(Clock(self._clock, is_idle)))
        event = NativeEvent(
            WATERMARK_EVENT, at_ms, f"{self._clock}:{at_ms}", WATERMARK_EVENT, properties=properties
        )
        return Output(WATERMARK_KEY, _ENCODE(event), [])

    def _iso(self, at_ms: int) -> bytes:
        """Return an instant as ISO 8601; the text of a minute is made once."""
        minute, millis = divmod(at_ms, MINUTE_MS)
        text = self._minutes.get(minute)
        if text is None:
            if len(self._minutes) >= MINUTES_MAX:
                self._minutes.clear()
            moment = datetime.fromtimestamp(minute * 60, UTC)
            text = self._minutes[minute] = moment.strftime("%Y-%m-%dT%H:%M:").encode()
        return b"%b%02d.%03dZ" % (text, millis // 1_000, millis % 1_000)
