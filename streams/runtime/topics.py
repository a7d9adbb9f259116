"""The topics winback needs, and what must change to have them: the plan of ``topics apply``.

Pure: what is there comes in as data. ``topic_admin`` asks Kafka and carries the plan out.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from streams.core.channels import TOUCHES_KEPT_MS
from streams.core.sources import KeyedBy, Source
from streams.runtime.retention import (
    AHEAD,
    AHEAD_MS,
    DAY_MS,
    ERASED_WITHIN_MS,
    KEPT_DAYS_MAX,
    ErasedBy,
    gone_after_ms,
)
from streams.settings import Settings

REKEY: Final = "set keyed_by: anything for it in the rules, then the router re-keys it"
_TOUCH_DAYS: Final = TOUCHES_KEPT_MS // DAY_MS
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
        "delete.retention.ms": str(DAY_MS),
    }
)
_STATE: Final = MappingProxyType({**_COMPACTED, AHEAD: str(AHEAD_MS)})
_PERSONAL: Final = ("retention.ms", "segment.ms", "max.compaction.lag.ms", "delete.retention.ms")
"""Configs on which it depends when an erasure is complete."""


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
        erased_by: What ends a person's records.
    """

    name: str
    why: str
    partitions: int
    is_exact: bool
    is_compacted: bool
    configs: Mapping[str, str]
    is_ours: bool
    erased_by: ErasedBy

    @property
    def gone_after_ms(self) -> int | None:
        """From an erasure on, when nothing of the person is left; None = never."""
        return gone_after_ms(self.configs, self.erased_by)


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

    def co_partitioned(
        name: str, why: str, configs: Mapping[str, str], by: ErasedBy = ErasedBy.RETENTION
    ) -> Topic:
        return Topic(name, why, settings.partitions, True, False, configs, False, by)  # noqa: FBT003 (a row)

    def compacted(name: str, why: str, count: int, by: ErasedBy) -> Topic:
        configs = _STATE if by is ErasedBy.SERVICE else _COMPACTED
        return Topic(name, why, count, True, True, configs, True, by)  # noqa: FBT003 (a row)

    touches, activity = personal(_TOUCH_DAYS), kept_for(7)
    decisions = swept(settings.decisions_kept_days)
    dead_letters = personal(settings.dead_letters_kept_days)
    return (
        co_partitioned(settings.topic_activity, "in: what users do", activity, ErasedBy.COMPANY),
        co_partitioned(settings.topic_feedback, "in: what happened to each touch", touches),
        co_partitioned(settings.topic_touches, "out: touches for the senders", touches),
        # A decision about a person must be explainable for months.
        co_partitioned(settings.topic_decisions, "out: every decision with its reason",
                       decisions, ErasedBy.SWEEP),
        co_partitioned(settings.topic_journal, "internal: the order of inputs, for replays",
                       kept_for(30), ErasedBy.NOBODY),
        co_partitioned(settings.topic_identity, "internal: ids that are one person",
                       personal(KEPT_DAYS_MAX)),
        compacted(settings.topic_users_changelog, "internal: the state of every user",
                  settings.partitions, ErasedBy.SERVICE),
        Topic(
            settings.topic_examples, "internal: training examples", 1, is_exact=True,
            is_compacted=False, configs=personal(7), is_ours=False, erased_by=ErasedBy.RETENTION,
        ),
        compacted(settings.topic_models, "internal: model snapshots", 1, ErasedBy.SERVICE),
        compacted(settings.topic_control, "internal: orders of operators to every worker", 1,
                  ErasedBy.NOBODY),
        Topic(
            settings.topic_dead_letters, "out: records that could not be understood",
            settings.partitions, is_exact=False, is_compacted=False, configs=dead_letters,
            is_ours=False, erased_by=ErasedBy.RETENTION,
        ),
    )  # fmt: skip


def bound_ms(catalogue: Iterable[Topic]) -> int | None:
    """Return when an erasure is complete on all topics of ours; None = never."""
    spans = [topic.gone_after_ms for topic in catalogue if topic.erased_by is not ErasedBy.COMPANY]
    return None if None in spans else max(span for span in spans if span is not None)


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
            erased_by=ErasedBy.NOBODY,
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
    topic = Topic(source.topic, why, 0, False, False, {}, False, ErasedBy.COMPANY)  # noqa: FBT003 (a row)
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
    differing = _differing(topic, actual)
    grown = topic.partitions if actual.partitions < topic.partitions else 0
    action = Action.CHANGE if differing or grown else Action.KEEP
    return Step(topic, action, differing, grown)


def _differing(topic: Topic, actual: Actual) -> dict[str, str]:
    """Return the configs that are to be put right, as they should be."""
    is_too_long = _is_too_long(topic, actual)
    return {
        key: value
        for key, value in topic.configs.items()
        if (
            int(actual.configs.get(key, 0)) > int(value)  # An older broker knows of none.
            if key == AHEAD
            else (topic.is_ours or (is_too_long and key in _PERSONAL))
            and actual.configs.get(key) != value
        )
    }


def _refusal(topic: Topic, actual: Actual) -> str:
    """Return why a topic cannot be used as it is, or nothing."""
    if reason := _refused_policy(topic, actual):
        return reason
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


def _refused_policy(topic: Topic, actual: Actual) -> str:
    """Return why a topic cannot be used as it is cleaned up, or nothing."""
    policy = actual.configs.get("cleanup.policy", "delete")
    if topic.is_compacted and policy != "compact":
        return (
            "must be compacted and nothing else (cleanup.policy=compact); what its retention has "
            "removed is lost, so it is not changed here: delete it, or use another name"
        )
    is_swept = topic.erased_by is ErasedBy.SWEEP
    if "compact" in policy and not topic.is_compacted and not is_swept:
        return "is compacted, so records vanish before they are read: set cleanup.policy=delete"
    if is_swept and "compact" not in policy and _is_too_long(topic, actual):
        return (
            "keeps decisions longer than those of people may be kept who ask to be erased, and "
            "nothing can be erased from it one by one: use another name, or set retention.ms to "
            f"{KEPT_DAYS_MAX * DAY_MS} and segment.ms to {DAY_MS}"
        )
    return ""


def _is_too_long(topic: Topic, actual: Actual) -> bool:
    """Return whether an erasure would not be complete in time on a topic as it is."""
    if topic.erased_by is ErasedBy.COMPANY:
        return False
    # What may lie ahead is put right by itself.
    ahead = {AHEAD: topic.configs[AHEAD]} if AHEAD in topic.configs else {}
    span_ms = gone_after_ms({**topic.configs, **actual.configs, **ahead}, topic.erased_by)
    return span_ms is None or span_ms > ERASED_WITHIN_MS


def kept_for(days: int) -> Mapping[str, str]:
    """Return the configs of a topic whose records go by their age."""
    return MappingProxyType({
        "cleanup.policy": "delete",
        "retention.ms": str(days * DAY_MS),
        # A segment goes as a whole, when its newest record is old enough.
        "segment.ms": str(DAY_MS),
    })  # fmt: skip


def personal(days: int) -> Mapping[str, str]:
    """Return the configs of a topic of ours whose records go by their age, and are somebody's."""
    return MappingProxyType({
        **kept_for(days),
        AHEAD: str(AHEAD_MS),
        # A segment, and what its first and last record may lie ahead, are a day together.
        "segment.ms": str(DAY_MS - 2 * AHEAD_MS),
    })  # fmt: skip


def swept(days: int) -> Mapping[str, str]:
    """Return the configs of a topic whose records go by their age, and by a tombstone each.

    Every record has a key of its own, so that compaction takes none that was not erased.
    """
    return MappingProxyType({
        **personal(days),
        "cleanup.policy": "compact,delete",
        "max.compaction.lag.ms": str(DAY_MS),
        "delete.retention.ms": str(DAY_MS),
    })  # fmt: skip
