"""What ``winback doctor`` has seen of a deployment, as plain data: its findings follow from it."""

import msgspec

from streams.core.input_fuse import FuseRecord
from streams.core.messages import PartitionRecord


class Stretch(msgspec.Struct, frozen=True):
    """One partition of a source topic.

    Attributes:
        topic: Its name.
        partition: Its number.
        begin: Offset of its oldest record.
        end: Offset after its newest record.
    """

    topic: str
    partition: int
    begin: int
    end: int


class Stray(msgspec.Struct, frozen=True):
    """Records of a sample whose partition is not that of their key.

    Attributes:
        topic: Where they stand.
        sampled: Records that were looked at.
        strays: How many of them stand on another partition than murmur2 gives.
    """

    topic: str
    sampled: int
    strays: int


class Group(msgspec.Struct, frozen=True):
    """The workers of one role.

    Attributes:
        role: ``pipeline``, or ``router`` and its topic.
        members: How many there are now.
    """

    role: str
    members: int


class Seen(msgspec.Struct, frozen=True):
    """A deployment, looked at once.

    Attributes:
        now_ms: When, epoch ms UTC.
        is_live: Whether the wall clock moves the timers.
        rules_hash: Of the rules that the settings name.
        topics: Name, ``ok`` or what is to be done, and why: as ``topics plan`` says.
        groups: The workers.
        records: Partition to its newest record; None = it has none.
        stretches: Of all source topics.
        clocks: Names of the clocks that a worker waits for.
        idle_after_ms: Clock to how long the others wait for it while it is silent.
        strays: Misrouted keys, of the topics that are keyed by user.
        dead_letters: Reason and topic to how many of the newest dead letters.
        activity: Name of our own topic.
        read: Partitions of the topics that are routed, and up to where each was read.
        held: Partitions of them that are not read on, and why.
        users_max: Most users that a partition may have.
        registry: Why the schema registry cannot be asked; empty = it answers, or nobody needs it.
    """

    now_ms: int
    is_live: bool
    rules_hash: str
    topics: tuple[tuple[str, str, str], ...]
    groups: tuple[Group, ...]
    records: dict[int, PartitionRecord | None]
    stretches: tuple[Stretch, ...]
    clocks: tuple[str, ...]
    idle_after_ms: dict[str, int]
    strays: tuple[Stray, ...]
    dead_letters: dict[str, int]
    activity: str
    read: tuple[tuple[Stretch, int], ...] = ()
    held: tuple[tuple[int, FuseRecord], ...] = ()
    users_max: int = 0
    registry: str = ""
