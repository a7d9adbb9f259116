"""A check-up of a topic: what its records come to under its mapping, counted, with examples."""

from collections import Counter
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from streams.core.interpret import NativeEvent
from streams.core.partitioner import partition_of_key
from streams.core.sources import LINK_EVENT, Source
from streams.core.time import SECOND_MS
from streams.intake.decoder import Examine, Examined
from streams.intake.foreign import Foreign
from streams.replay.findings import (
    ACCEPTED,
    REJECTED,
    SKIPPED,
    Disorder,
    Example,
    Found,
    Group,
    Keys,
)
from streams.replay.origins import Origin, Understanding

SHARE_IN_TIME: Final = 0.999
"""A bound of disorder is proposed that so large a share keeps."""
BOUNDS_MS: Final = tuple(
    seconds * SECOND_MS
    for seconds in (10, 60, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800)
)
"""Bounds that are proposed, the smallest that suffices."""


class Checkup:
    """Takes the records of one topic, one after the other.

    Args:
        examine: Of the topic's mapping.
        lateness_ms: What the rules allow.
        partitions: Of the topic, 0 = the records come from a file.
        now_ms: The time of records that have none, epoch ms UTC.
    """

    def __init__(self, examine: Examine, *, lateness_ms: int, partitions: int, now_ms: int) -> None:
        self._examine = examine
        self._lateness_ms = lateness_ms
        self._partitions = partitions
        self._now_ms = now_ms
        self._records = 0
        self._groups: dict[tuple[str, ...], Group] = {}
        self._users: set[str] = set()
        self._given_up: set[str] = set()
        self._links = 0
        self._seen: set[tuple[str, str]] = set()
        self._keys = Keys()
        self._newest: dict[tuple[str, int], int] = {}
        self._behind: list[int] = []
        self._span: tuple[int, int] | None = None
        self._currencies: Counter[str] = Counter()
        self._duplicates: Counter[str] = Counter()
        self._duplicate: Example | None = None
        self._said: dict[str, Counter[str]] = {}

    def see(self, record: Foreign) -> tuple[Examined, ...]:
        """Take a record; return what its events came to."""
        self._records += 1
        at_ms = record.timestamp_ms if record.timestamp_ms > 0 else self._now_ms
        examined = self._examine(record.key, record.value, at_ms, record.headers)
        for told in examined:
            self._group(told, record)
            if told.native is not None and told.outcome == ACCEPTED:
                self._native(told.native, record)
        return examined

    def found(self) -> Found:
        """Return what the records came to, the most frequent first."""
        groups = sorted(self._groups.values(), key=lambda group: -group.count)
        counts = Counter[str]()
        for group in groups:
            counts[group.outcome] += group.count
        first_ms, last_ms = self._span or (0, 0)
        return Found(
            records=self._records, accepted=counts[ACCEPTED], skipped=counts[SKIPPED],
            rejected=counts[REJECTED], groups=groups, users=len(self._users), links=self._links,
            given_up=len(self._given_up), first_ms=first_ms, last_ms=last_ms, keys=self._keys,
            disorder=self._disorder(), currencies=dict(self._currencies.most_common()),
            duplicates=self._duplicates.total(), duplicate=self._duplicate,
            properties={name: dict(said.most_common()) for name, said in self._said.items()},
        )  # fmt: skip

    def _group(self, told: Examined, record: Foreign) -> None:
        name = told.native.event if told.native is not None else ""
        key = (told.event, told.outcome, told.meaning, name, told.reason, str(told.line))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(
                event=told.event, outcome=told.outcome, meaning=told.meaning, name=name,
                reason=told.reason, line=told.line, detail=told.detail,
                example=_example(told.native, record),
            )  # fmt: skip
        group.count += 1

    def _native(self, event: NativeEvent, record: Foreign) -> None:
        at_ms = event_ms(event)
        self._users.add(event.user_id)
        if event.event == LINK_EVENT:
            self._links += 1
            self._given_up.add(_properties(event).get("anonymous_id", ""))
        elif event.properties:
            said = self._said.setdefault(event.event, Counter())
            said.update(_properties(event).keys())
        if event.currency is not None:
            self._currencies[event.currency] += 1
        if (event.user_id, event.event_id) in self._seen:
            self._duplicates[event.event] += 1
            self._duplicate = self._duplicate or _example(event, record)
        self._seen.add((event.user_id, event.event_id))
        self._key(event, record)
        line = record.topic, record.partition
        newest = max(self._newest.get(line, at_ms), at_ms)
        self._newest[line] = newest
        self._behind.append(newest - at_ms)
        first_ms, last_ms = self._span or (at_ms, at_ms)
        self._span = min(first_ms, at_ms), max(last_ms, at_ms)

    def _key(self, event: NativeEvent, record: Foreign) -> None:
        if record.key is None:
            return
        keys = self._keys
        keys.known += 1
        if record.key != event.user_id.encode():
            keys.example = keys.example or record.key[:80].decode(errors="replace")
            return
        keys.equal += 1
        if self._partitions:
            keys.placeable += 1
            keys.placed += partition_of_key(record.key, self._partitions) == record.partition

    def _disorder(self) -> Disorder:
        behind = np.array(self._behind or [0])
        shares = ("0.5", "0.9", "0.99", "0.999", "1")
        found = np.quantile(behind, [float(share) for share in shares], method="higher").tolist()
        enough = float(np.quantile(behind, SHARE_IN_TIME, method="higher"))
        return Disorder(
            quantiles={share: int(late) for share, late in zip(shares, found, strict=True)},
            late=int(np.count_nonzero(behind > self._lateness_ms)),
            proposed_ms=next((bound for bound in BOUNDS_MS if bound >= enough), None),
        )


class Checked(NamedTuple):
    """A source, and what was found.

    Attributes:
        partitions: Of the topic, 0 = a file was read.
    """

    source: Source
    found: Found
    partitions: int


class Checkups:
    """Takes the records of files and topics, each under the mapping of its topic.

    Args:
        meaning: Of the rules.
        now_ms: The time of records that have none, epoch ms UTC.
    """

    def __init__(self, meaning: Understanding, now_ms: int) -> None:
        self._meaning = meaning
        self._now_ms = now_ms
        self._all: dict[str, tuple[Source, Checkup, int]] = {}

    def see(self, origin: Origin) -> None:
        """Take all records of a file or a topic."""
        for record in origin.records:
            topic = record.topic or origin.topic
            if topic not in self._all:
                source = self._meaning.source(topic, origin.label)
                examine = self._meaning.examine(source, is_file=origin.is_file)
                checkup = Checkup(
                    examine, lateness_ms=source.lateness_ms, partitions=origin.partitions,
                    now_ms=self._now_ms,
                )  # fmt: skip
                self._all[topic] = source, checkup, origin.partitions
            self._all[topic][1].see(record)

    def found(self) -> list[Checked]:
        """Return what was found, one entry a source."""
        return [
            Checked(source, checkup.found(), partitions)
            for source, checkup, partitions in self._all.values()
        ]


def event_ms(event: NativeEvent) -> int:
    """Return when a told event happened, epoch ms UTC."""
    at_ms = event.event_time
    assert isinstance(at_ms, int), "a mapping tells instants as epoch ms"
    return at_ms


def _example(event: NativeEvent | None, record: Foreign) -> Example:
    if event is None:
        return Example(place=record.place)
    return Example(
        place=record.place, user_id=event.user_id, event_id=event.event_id,
        event_time_ms=event_ms(event), amount=event.amount, currency=event.currency,
    )  # fmt: skip


def _properties(event: NativeEvent) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(event.properties) if event.properties else {}
    return found
