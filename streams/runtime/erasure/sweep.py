"""Tombstones for decisions: one for each that is about somebody who was erased.

Idempotent: a decision that has its tombstone is passed over, so a sweep may be broken off.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.core.erasures import Erasure
from streams.core.ids import Ids
from streams.errors import Unavailable
from streams.runtime.erasure.topics import Scan
from winback_sender.cluster import Cluster
from winback_sender.contract.instants import instant_ms

IsErased = Callable[[str, int], bool]
"""Takes a user id, and when something was decided about the user, epoch ms UTC; says whether it is
to go."""

FLUSH_S: Final = 30.0
NOTHING: Final = b"sweep"
"""Key of a tombstone that deletes nothing."""
_OF_NOBODY: Final = b"winback.budget.status"


class Swept(NamedTuple):
    """What a sweep has done: decisions looked at, and those that got a tombstone."""

    seen: int
    erased: int


class _Who(msgspec.Struct, frozen=True):
    """The ids in a decision."""

    user_id: str = ""
    other_id: str = ""


_WHO: Final = msgspec.json.Decoder(_Who)


def by_pseudonym(ids: Ids, erased: dict[str, Erasure]) -> IsErased:
    """Return who was erased, of those whose pseudonyms stand in the changelog.

    Nothing is decided under an erased id as long as it is refused: what is older was the erased
    person's, what is younger is a stranger's who came later.
    """

    @lru_cache(maxsize=100_000)
    def until_ms(user_id: str) -> int:
        found = (erased[name].until_ms for name in ids.pseudonyms(user_id) if name in erased)
        return max(found, default=0)

    return lambda user_id, at_ms: at_ms < until_ms(user_id)


def sweep(cluster: Cluster, topic: str, is_erased: IsErased) -> Swept:
    """Put a tombstone behind every decision about somebody who was erased.

    Raises:
        Unavailable: Kafka stops answering, or does not take a tombstone.
    """
    scan = Scan(cluster, is_committed=True)
    try:
        seen, doomed = _doomed(scan.records(topic), is_erased)
    finally:
        scan.close()
    _bury(cluster, topic, doomed)
    return Swept(seen, len(doomed))


def _doomed(records: Iterator[Any], is_erased: IsErased) -> tuple[int, list[tuple[int, bytes]]]:
    """Return how many decisions there are, and partition and key of those that are to go."""
    doomed: dict[tuple[int, bytes], None] = {}
    seen = 0
    for record in records:
        name = (record.partition, record.key)
        if record.value is None:
            doomed.pop(name, None)
            continue
        seen += 1
        if record.key is None:
            continue
        at_ms = _decided_ms(record)
        if any(is_erased(each, at_ms) for each in whose(record.value, record.headers)):
            doomed[name] = None
    return seen, [*doomed]


def _decided_ms(record: Any) -> int:
    stated = dict(record.headers).get("ce_time")
    try:
        return int(record.timestamp) if stated is None else instant_ms(stated.decode())
    except ValueError:
        return int(record.timestamp)


def whose(value: bytes, headers: Any) -> set[str]:
    """Return whom a decision is about."""
    said = dict(headers)
    if said.get("ce_type") == _OF_NOBODY:
        return set()
    try:
        who = _WHO.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        who = _Who()
    subject = (said.get("ce_subject") or b"").decode(errors="replace")
    return {each for each in (who.user_id, who.other_id, subject) if each}


def _bury(cluster: Cluster, topic: str, doomed: list[tuple[int, bytes]]) -> None:
    """Write the tombstones, and behind them one of nothing to every partition.

    Kafka closes a segment, and so may clean it, only when something is written behind it.
    """
    producer: Any = KafkaProducer(**cluster.options(), acks="all")
    try:
        behind = [(number, NOTHING) for number in sorted(producer.partitions_for(topic))]
        sent = [
            producer.send(topic, key=key, partition=number) for number, key in (*doomed, *behind)
        ]
        producer.flush(timeout=FLUSH_S)
        for one in sent:
            one.get(timeout=FLUSH_S)
    except KafkaError as error:
        raise Unavailable(
            f"Kafka does not take tombstones for {topic}: {error}", "run it again: it goes on"
        ) from error
    finally:
        producer.close()
