"""From version 1 (winback 0.1.0) to 2.

1 had a fingerprint in place of a number, knew of no definition, and remembered of an erasure only
until when nothing was taken. A profile has one field more at its end, which has its default. It
kept the ids of events and the example of who was gone, which nobody asks for any more.
"""

import struct
from typing import Any, Final

from streams.core.migrations.step import Step

_RING: Final = slice(440, 504)
_FROZEN_AT: Final = slice(320, 328)
_FROZEN_BYTES: Final = 160
_GONE: Final = 6


def _record(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "layout": "2"}


def _user(value: bytes) -> bytes:
    """Forget of who is gone what can matter no more."""
    has_frozen = struct.unpack("<d", value[_FROZEN_AT])[0] != 0.0
    profile = value[_RING.stop + _FROZEN_BYTES * has_frozen :]
    if profile[1] != _GONE:  # The first field, behind the length.
        return value
    head = value[: _FROZEN_AT.start] + bytes(8) + value[_FROZEN_AT.stop : _RING.start]
    return head + bytes(_RING.stop - _RING.start) + profile


def _erasure(value: bytes) -> bytes:
    """Say twice until when: nobody is asked for anything because of it."""
    return b"%b %b" % (value, value)


FROM_1: Final = Step(record=_record, user=_user, erasure=_erasure)
