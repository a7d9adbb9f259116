"""Decoding other people's topics: a record is read, told in our own terms, and understood.

The router takes what was told, and writes it as native events; a pipeline that reads the topic
itself goes on to the inputs. Tools ask what became of every event, and by which rule.
"""

from collections.abc import Callable
from typing import NamedTuple

from streams.core.decoded import Decode, Headers, Rejected, Skipped
from streams.core.interpret import NativeEvent
from streams.core.rules import Rules
from streams.core.sources import Source
from streams.intake.fact import ParseAs

Told = tuple[NativeEvent, ...] | Rejected | Skipped
"""Native events, in order and never none, or why there are none."""

Tell = Callable[[bytes | None, bytes | None, int, Headers], Told]
"""``tell(key, value, timestamp_ms, headers)``: ids and times of what it returns are checked."""


class Examined(NamedTuple):
    """What became of one event of a record.

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


def make_tell(source: Source, rules: Rules, parse_as: ParseAs) -> Tell:
    """Return what tells the records of a topic as native events."""
    raise NotImplementedError


def make_source_decode(source: Source, rules: Rules, parse_as: ParseAs) -> Decode:
    """Return what decodes the records of a topic that is keyed by user."""
    raise NotImplementedError


def make_examine(source: Source, rules: Rules, parse_as: ParseAs) -> Examine:
    """Return what says of each event of a record what became of it, and why."""
    raise NotImplementedError
