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


class Lacking(msgspec.Struct, frozen=True):
    """What a role needs of a topic, and Kafka does not allow us."""

    topic: str
    operations: tuple[str, ...]


class ModelSeen(msgspec.Struct, frozen=True):
    """What is in force of the models.

    Attributes:
        is_frozen: It is a file, and no newer one is followed.
        written_ms: When the newest was written, epoch ms UTC; 0 = none was.
        version: Of it.
        examples: That it has learned.
        phase: How far it is trusted.
        refused: Why workers do not take it; empty = they do.
    """

    is_frozen: bool
    written_ms: int
    version: str = ""
    examples: int = 0
    phase: str = ""
    refused: str = ""


class Consent(msgspec.Struct, frozen=True):
    """What users of a sample have said of a channel that playbooks use."""

    channel: str
    sampled: int
    yes: int
    no: int


class Disk(msgspec.Struct, frozen=True):
    """Where state files lie: its path, bytes that are free, and of all files of ours there."""

    path: str
    free: int
    used: int
    is_writable: bool


class Around(msgspec.Struct, frozen=True):
    """What there is to see beside topics and clocks.

    Attributes:
        broker: Version of Kafka's protocol that the brokers speak; empty = not known.
        lacking: What a role needs, and Kafka does not allow us.
        newest_ms: Topic to the newest timestamp of its records, epoch ms UTC.
        model: In force; None = it was not looked at.
        consents: By channel.
        disk: None = no state files are kept.
        playbooks: What providers have against the texts of playbooks: where, and what.
        senders: What is wrong with the settings of providers: which, and what.
    """

    broker: str = ""
    lacking: tuple[Lacking, ...] = ()
    newest_ms: dict[str, int] = {}
    model: ModelSeen | None = None
    consents: tuple[Consent, ...] = ()
    disk: Disk | None = None
    playbooks: tuple[tuple[str, str], ...] = ()
    senders: tuple[tuple[str, str], ...] = ()


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
        around: What there is beside topics and clocks.
        is_consent_assumed: Whether who has said nothing may be contacted.
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
    around: Around = Around()
    is_consent_assumed: bool = False
