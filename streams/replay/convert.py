"""Foreign records become one native log, in order of event time."""

from collections import Counter
from itertools import islice
from typing import Final

import msgspec

from streams.core.decoded import Rejected, Skipped
from streams.core.sources import LINK_EVENT
from streams.intake.decoder import Tell
from streams.intake.foreign import Foreign
from streams.replay.checkup import event_ms
from streams.replay.origins import Origin, Understanding
from streams.replay.sorted_log import NewFile, Sorter

REFUSED_SHOWN: Final = 2
"""Of each reason."""
LINES_AT_ONCE: Final = 1_000
VALUE_SHOWN: Final = 2_000
"""Bytes of a refused value that a file of rejects keeps."""

_encode = msgspec.json.Encoder().encode


class Refused(msgspec.Struct, frozen=True):
    """A record that was refused: where it stands, and why."""

    source: str
    place: str
    reason: str
    detail: str
    value: str | None = None


class Converted(msgspec.Struct, kw_only=True):
    """What a conversion came to.

    Attributes:
        records: Read.
        events: Written.
        links: Of these, how many say that two ids are one person.
        repeated: Events left out because the very same was there already.
        skipped: Reason to records that mean nothing to us.
        rejected: Reason to records that were refused.
        refused: The first of them, of each reason.
        names: Native event name to events.
        first_ms: Event time of the first event, epoch ms UTC; 0 = there is none.
        last_ms: Of the last.
    """

    records: int = 0
    events: int = 0
    links: int = 0
    repeated: int = 0
    skipped: Counter[str] = msgspec.field(default_factory=Counter)
    rejected: Counter[str] = msgspec.field(default_factory=Counter)
    refused: list[Refused] = []
    names: Counter[str] = msgspec.field(default_factory=Counter)
    first_ms: int = 0
    last_ms: int = 0


class Converter:
    """Tells foreign records as native events.

    Args:
        meaning: Of the rules.
        sorter: Takes the events.
        rejects: Takes what was refused; None = it is only counted.
        now_ms: The time of records that have none, epoch ms UTC.
    """

    def __init__(
        self,
        meaning: Understanding,
        sorter: Sorter,
        rejects: NewFile | None,
        now_ms: int,
    ) -> None:
        self.converted = Converted()
        self._meaning = meaning
        self._tells: dict[tuple[str, bool], Tell] = {}
        self._sorter = sorter
        self._rejects = rejects
        self._now_ms = now_ms

    def take(self, origin: Origin, record: Foreign) -> int:
        """Take a record; return the event time of its last event, 0 = it gave none."""
        converted = self.converted
        converted.records += 1
        tell = self._tell(record.topic or origin.topic, origin)
        at_ms = record.timestamp_ms if record.timestamp_ms > 0 else self._now_ms
        told = tell(record.key, record.value, at_ms, record.headers)
        if isinstance(told, Skipped):
            converted.skipped[told.reason] += 1
            return 0
        if isinstance(told, Rejected):
            converted.rejected[told.reason] += 1
            self._refused(told, origin, record)
            return 0
        for event in told:
            at_ms = event_ms(event)
            converted.names[event.event] += 1
            self._sorter.add(at_ms, _encode(event))
        return at_ms

    def _tell(self, topic: str, origin: Origin) -> Tell:
        key = topic, origin.is_file
        tell = self._tells.get(key)
        if tell is None:
            source = self._meaning.source(topic, origin.label)
            tell = self._tells[key] = self._meaning.tell(source, is_file=origin.is_file)
        return tell

    def _refused(self, told: Rejected, origin: Origin, record: Foreign) -> None:
        value = (
            None if record.value is None else record.value[:VALUE_SHOWN].decode(errors="replace")
        )
        refused = Refused(origin.label, record.place, told.reason, told.detail, value)
        if self.converted.rejected[told.reason] <= REFUSED_SHOWN:
            self.converted.refused.append(msgspec.structs.replace(refused, value=None))
        if self._rejects is not None:
            self._rejects.write(_encode(refused) + b"\n")

    def write(self, out: NewFile) -> Converted:
        """Write all events in the order of time; return what it came to."""
        converted = self.converted
        times = iter(self._sorter)
        while taken := list(islice(times, LINES_AT_ONCE)):
            out.write(b"".join(line + b"\n" for _, line in taken))
            converted.events += len(taken)
            converted.first_ms = converted.first_ms or taken[0][0]
            converted.last_ms = taken[-1][0]
        converted.repeated = self._sorter.repeated
        converted.links = converted.names[LINK_EVENT]
        return converted
