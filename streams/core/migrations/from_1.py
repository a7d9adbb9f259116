"""From version 1 (winback 0.1.0) to 2.

1 had a fingerprint in place of a number, knew of no definition, and remembered of an erasure only
until when nothing was taken. A profile has one field more at its end, which has its default.
"""

from typing import Any, Final

from streams.core.migrations.step import Step


def _record(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "layout": "2"}


def _erasure(value: bytes) -> bytes:
    """Say twice until when: nobody is asked for anything because of it."""
    return b"%b %b" % (value, value)


FROM_1: Final = Step(record=_record, erasure=_erasure)
