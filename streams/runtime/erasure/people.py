"""Which ids are one person, as the service knows it: found in its changelog."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from streams.core.erasures import Erasure, erased_at
from streams.core.kinship import STUB_PREFIX, Stub
from streams.core.partition_record import OURS
from streams.core.state import decode
from streams.runtime.recovery import read_changelog
from winback_sender.cluster import Cluster


class Person(msgspec.Struct, frozen=True):
    """Ids that are one person.

    Attributes:
        asked: The id that was asked about.
        ids: All of them, the asked one first.
        is_known: Whether the service has a state of one of them.
    """

    asked: str
    ids: tuple[str, ...]
    is_known: bool


class Known(NamedTuple):
    """What a changelog says of ids.

    Attributes:
        stubs: Id to the one under which the person is known.
        members: Id to the other ids that its state names; only of ids that have a state.
    """

    stubs: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]


def known_in(contents: Iterable[Mapping[bytes, bytes]]) -> Known:
    """Return what the contents of partitions say; only of people with several ids, and who is."""
    stubs: dict[str, str] = {}
    members: dict[str, tuple[str, ...]] = {}
    for content in contents:
        for key, value in content.items():
            if key.startswith(STUB_PREFIX):
                stub = msgspec.msgpack.decode(value, type=Stub)
                stubs[key.removeprefix(STUB_PREFIX).decode()] = stub.into
            elif not key.startswith(OURS):
                members[key.decode()] = tuple(decode(value).profile.members)
    return Known(stubs, members)


def person_of(user_id: str, known: Known) -> Person:
    """Return all ids of whoever is known under an id.

    A claimed id may belong to somebody else (the link was refused): it counts as the person's only
    if it leads to the person.
    """
    root = _root(user_id, known)
    into: dict[str, list[str]] = {}
    for other in known.stubs:
        into.setdefault(_root(other, known), []).append(other)
    mine = {user_id, root, *into.get(root, ())}
    mine |= {
        other
        for other in known.members.get(root, ())
        if other not in known.stubs and other not in known.members
    }
    ids = (user_id, *sorted(mine - {user_id}))
    return Person(user_id, ids, any(each in known.members for each in ids))


def _root(user_id: str, known: Known) -> str:
    seen = {user_id}
    while (into := known.stubs.get(user_id)) is not None and into not in seen:
        seen.add(into)
        user_id = into
    return user_id


async def read_known(cluster: Cluster, topic: str, count: int) -> tuple[Known, dict[str, Erasure]]:
    """Return what the changelog of the users says, partition by partition, and who was erased.

    Raises:
        KafkaError: The broker is away or refuses.
    """
    stubs: dict[str, str] = {}
    members: dict[str, tuple[str, ...]] = {}
    erased: dict[str, Erasure] = {}
    for partition in range(count):  # One at a time: a state is large, and there may be millions.
        content = (await read_changelog(cluster, topic, [partition]))[partition]
        known = known_in([content])
        stubs |= known.stubs
        members |= known.members
        erased |= erased_at(content)
    return Known(stubs, members), erased
