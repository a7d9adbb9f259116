"""The topics winback needs, and what must change to have them: the plan of ``topics apply``.

Pure: what is there comes in as data. ``topic_admin`` asks Kafka and carries the plan out.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from streams.core.channels import TOUCHES_KEPT_MS
from streams.core.sources import KeyedBy, Source
from streams.settings import Settings

REKEY: Final = "set keyed_by: anything for it in the rules, then the router re-keys it"
_DAY_MS: Final = 86_400_000
_TOUCH_DAYS: Final = TOUCHES_KEPT_MS // _DAY_MS
_REPLICAS_FOR_QUORUM: Final = 3

_COMPACTED: Final = MappingProxyType(
    {
        # Kafka never compacts the active segment: with the defaults (1 GB, 7 days) a restore would
        # read every update since then, not one record per user.
        "cleanup.policy": "compact",
        "segment.bytes": str(32 << 20),
        "segment.ms": "600000",
        "min.cleanable.dirty.ratio": "0.1",
        "max.compaction.lag.ms": "600000",
    }
)


class Topic(NamedTuple):
    """A topic as it should be.

    Attributes:
        name: From the settings.
        why: What it is for, in a line.
        partitions: How many it is made with.
        is_exact: Whether another count cannot be lived with: state and outputs of partition p
            belong to inputs of partition p, and models are learned in one order.
        is_compacted: Whether it must keep the last value of every key for ever. If not, it must
            not: compaction would remove what has not been read.
        configs: What it is made with.
        is_ours: Whether ``configs`` are also put right later; else they are the operator's.
    """

    name: str
    why: str
    partitions: int
    is_exact: bool
    is_compacted: bool
    configs: Mapping[str, str]
    is_ours: bool


class Actual(NamedTuple):
    """A topic as it is; ``configs`` holds at least the keys that the catalogue names."""

    partitions: int
    configs: Mapping[str, str]


class Action(StrEnum):
    """What is to be done about a topic."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "ok"
    REFUSE = "refused"
    AWAIT = "missing"  # it is somebody else's to make


class Step(NamedTuple):
    """One line of a plan.

    Attributes:
        topic: As it should be.
        action: What is to be done.
        changes: Configs to set (CHANGE), or all of them (CREATE).
        partitions: Count to grow to (CHANGE) or to be made with (CREATE); 0 leaves it.
        reason: Why it is refused, and the way out.
    """

    topic: Topic
    action: Action
    changes: Mapping[str, str] = MappingProxyType({})
    partitions: int = 0
    reason: str = ""


def topics(settings: Settings) -> tuple[Topic, ...]:
    """Return the catalogue of topics."""

    def co_partitioned(name: str, why: str, keep_days: int) -> Topic:
        configs = _kept_for(keep_days)
        return Topic(name, why, settings.partitions, True, False, configs, False)  # noqa: FBT003 (a row)

    return (
        co_partitioned(settings.topic_activity, "in: what users do", 7),
        co_partitioned(settings.topic_feedback, "in: what happened to each touch", _TOUCH_DAYS),
        co_partitioned(settings.topic_touches, "out: touches for the senders", _TOUCH_DAYS),
        # A decision about a person must be explainable for months.
        co_partitioned(settings.topic_decisions, "out: every decision with its reason", 180),
        co_partitioned(settings.topic_journal, "internal: the order of inputs, for replays", 30),
        co_partitioned(settings.topic_identity, "internal: ids that are one person", 30),
        Topic(
            settings.topic_users_changelog, "internal: the state of every user",
            settings.partitions, is_exact=True, is_compacted=True, configs=_COMPACTED, is_ours=True,
        ),
        Topic(
            settings.topic_examples, "internal: training examples", 1,
            is_exact=True, is_compacted=False, configs=_kept_for(7), is_ours=False,
        ),
        Topic(
            settings.topic_models, "internal: model snapshots", 1,
            is_exact=True, is_compacted=True, configs=_COMPACTED, is_ours=True,
        ),
        Topic(
            settings.topic_control, "internal: orders of operators to every worker", 1,
            is_exact=True, is_compacted=True, configs=_COMPACTED, is_ours=True,
        ),
        Topic(
            settings.topic_dead_letters, "out: records that could not be understood",
            settings.partitions, is_exact=False, is_compacted=False, configs=_kept_for(30),
            is_ours=False,
        ),
    )  # fmt: skip


def router_topics(
    settings: Settings, routed: Iterable[str], counts: Mapping[str, int]
) -> tuple[Topic, ...]:
    """Return the topics in which the routers keep how far they have come.

    Args:
        settings: The operator's.
        routed: Names of the topics that go through the router.
        counts: Partitions by topic, of those that are there.
    """
    return tuple(
        Topic(
            settings.router_changelog(topic), f"internal: how far {topic} was routed",
            counts[topic], is_exact=False, is_compacted=True, configs=_COMPACTED, is_ours=True,
        )
        for topic in routed if topic in counts
    )  # fmt: skip


def yours(
    sources: Iterable[Source], counts: Mapping[str, int], settings: Settings
) -> tuple[Step, ...]:
    """Return a step for each topic that the rules read: its owner makes and changes it, not we.

    Args:
        sources: Of the rules.
        counts: Partitions by topic, of those that are there.
        settings: Say how many partitions a user's topics have.
    """
    return tuple(_look_at(source, counts.get(source.topic), settings) for source in sources)


def _look_at(source: Source, count: int | None, settings: Settings) -> Step:
    is_direct = source.keyed_by is KeyedBy.USER
    why = f"yours: {'keyed by user, read as it is' if is_direct else 'through the router'}"
    topic = Topic(source.topic, why, 0, False, False, {}, False)  # noqa: FBT003 (a row)
    if count is None:
        reason = "is not there; the rules read it (inputs:), but its owner makes it"
        return Step(topic, Action.AWAIT, reason=f"{reason}; then run this again")
    if not is_direct or count == settings.partitions:
        return Step(topic, Action.KEEP)
    misfit = misfit_of(count, settings.topic_activity, settings.partitions)
    return Step(topic, Action.REFUSE, reason=f"{misfit}; {REKEY}")


def misfit_of(count: int, activity: str, partitions: int) -> str:
    """Return why a topic cannot be read as it is."""
    return (
        f"has {count} partitions, {activity} {partitions}: the rules say keyed_by: user, and a "
        "user must have the same partition in both"
    )


def plan(wanted: Iterable[Topic], actual: Mapping[str, Actual]) -> tuple[Step, ...]:
    """Return one step per wanted topic, in their order."""
    return tuple(_step(topic, actual.get(topic.name)) for topic in wanted)


def quorum_configs(replication: int) -> dict[str, str]:
    """Return what a topic with so many replicas is made with besides its own configs."""
    return {"min.insync.replicas": "2"} if replication >= _REPLICAS_FOR_QUORUM else {}


def _step(topic: Topic, actual: Actual | None) -> Step:
    if actual is None:
        return Step(topic, Action.CREATE, topic.configs, topic.partitions)
    reason = _refusal(topic, actual)
    if reason:
        return Step(topic, Action.REFUSE, reason=reason)
    differing = {
        key: value
        for key, value in topic.configs.items()
        if topic.is_ours and actual.configs.get(key) != value
    }
    grown = topic.partitions if actual.partitions < topic.partitions else 0
    action = Action.CHANGE if differing or grown else Action.KEEP
    return Step(topic, action, differing, grown)


def _refusal(topic: Topic, actual: Actual) -> str:
    """Return why a topic cannot be used as it is, or nothing."""
    is_compacted = "compact" in actual.configs.get("cleanup.policy", "delete")
    if topic.is_compacted and actual.configs.get("cleanup.policy") != "compact":
        return (
            "must be compacted and nothing else (cleanup.policy=compact); what its retention has "
            "removed is lost, so it is not changed here: delete it, or use another name"
        )
    if is_compacted and not topic.is_compacted:
        return "is compacted, so records vanish before they are read: set cleanup.policy=delete"
    if not topic.is_exact or actual.partitions == topic.partitions:
        return ""
    if topic.partitions == 1:
        return f"has {actual.partitions} partitions, must have 1: all of it is read in one order"
    way_out = f"set WINBACK_PARTITIONS={actual.partitions}"
    if actual.partitions > topic.partitions:
        return (
            f"has {actual.partitions} partitions, wanted {topic.partitions}: partitions cannot be "
            f"taken away; {way_out}, or use another name"
        )
    return (
        f"has {actual.partitions} partitions, wanted {topic.partitions}: growing it would move "
        f"users away from their state; {way_out}, or use another name"
    )


def _kept_for(days: int) -> Mapping[str, str]:
    return MappingProxyType({"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)})
