"""What became of a record: native events, or why there are none."""

from collections.abc import Callable
from typing import Final, NamedTuple

from streams.core.decoded import Headers, Rejected, Skipped
from streams.core.interpret import NativeEvent

ACCEPTED: Final = "accepted"
SKIPPED: Final = "skipped"
REJECTED: Final = "rejected"

Told = tuple[NativeEvent, ...] | Rejected | Skipped
"""Native events, in order and never none, or why there are none."""

Tell = Callable[[bytes | None, bytes | None, int, Headers], Told]
"""``tell(key, value, timestamp_ms, headers)``: ids and times of what it returns are checked."""


class Examined(NamedTuple):
    """What became of one event of a record; one that is rejected rejects the whole record.

    Attributes:
        event: Its name, as a rule names it; empty = the record could not be read so far.
        outcome: ``accepted``, ``skipped`` or ``rejected``.
        meaning: What it means to us; empty = nothing.
        reason: Why it was skipped or rejected.
        detail: In words.
        line: Of the rules file: of the rule that it fell to; 0 = none.
        native: As it was told; None = it was not.
    """

    event: str
    outcome: str
    meaning: str = ""
    reason: str = ""
    detail: str = ""
    line: int = 0
    native: NativeEvent | None = None


Examine = Callable[[bytes | None, bytes | None, int, Headers], tuple[Examined, ...]]
"""``examine(key, value, timestamp_ms, headers)``: at least one, in the order of the record."""
