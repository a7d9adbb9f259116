"""What is wrong with a deployment, where, and what to do: from what the doctor has seen."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from streams.core.time import DAY_MS, SECOND_MS
from streams.core.versions import WINBACK
from streams.runtime.doctor_around_findings import around_findings
from streams.runtime.doctor_clocks import PartitionView, span, view_of
from streams.runtime.doctor_finding import Finding, Level, because
from streams.runtime.doctor_seen import Seen, Stretch
from streams.runtime.topics import Action

APART: Final = {
    "future": "the clock of a producer is ahead: mend it, or the mapping of its time",
    "too_old": "a device's clock is years behind, or history is fed behind what is newer: feed it "
    "first, in order of time",
    "key_mismatch": "the Kafka key is not the user_id: let the topic go through the router, with "
    "keyed_by: anything",
    "schema_unknown": "the schema registry does not know the ids: is it the right registry?",
}
"""What to do about dead letters of a reason, where that is known."""


STOPPED: Final = "fed history: nothing; else look at its producer: is it away, or its clock behind?"
"""What to do about a topic whose events are old."""


SHAPE: Final = "inputs, state and outputs of a user meet by partition, and live as long as topics"
NOBODY: Final = "while nobody works, silence is not noticed and nobody is called back"
WAITING: Final = "what is not read cannot count: who is active looks silent"
LOST: Final = "what was skipped or cannot be read is missing in what is known of users, for good"
TIMERS: Final = "touches, deadlines and examples wait until event time has come to them"
LEFT_OUT: Final = "these users are not seen, so nobody learns that they leave"
NEARLY: Final = 0.8
"""Share of the users that there may be, from which on people are to know."""


class Report(msgspec.Struct, frozen=True):
    """What the doctor says.

    Attributes:
        healthy: Nothing is wrong.
        workers: Role to how many workers there are.
        partitions: How each stands, and what holds its timers.
        misrouted: Topic to records on the wrong partition, and how many were looked at.
        dead_letters: Reason and topic to how many of the newest.
        findings: What is wrong first.
        broker: Version of Kafka's protocol that the brokers speak.
        winback: Version of this program.
        lag: Records that are not applied yet.
    """

    healthy: bool
    workers: dict[str, int]
    partitions: tuple[PartitionView, ...]
    misrouted: dict[str, tuple[int, int]]
    dead_letters: dict[str, int]
    findings: tuple[Finding, ...]
    broker: str = ""
    winback: str = WINBACK
    lag: int = 0


def report_of(seen: Seen) -> Report:
    """Return what follows from what was seen."""
    views = tuple(
        view_of(number, record, seen)
        for number, record in sorted(seen.records.items())
        if record is not None
    )
    groups = (
        (SHAPE, _topics(seen)), (NOBODY, _workers(seen)), (WAITING, _registry(seen)),
        (LOST, _records(seen)), (TIMERS, _held(views)), (WAITING, _fuses(seen)),
        (LEFT_OUT, _crowded(seen)), (LEFT_OUT, _samples(seen)), ("", around_findings(seen)),
    )  # fmt: skip
    found = [finding for why, findings in groups for finding in because(why, findings)]
    found.sort(key=lambda finding: finding.level is not Level.WRONG)
    return Report(
        healthy=not any(finding.level is Level.WRONG for finding in found),
        workers={group.role: group.members for group in seen.groups},
        partitions=views,
        misrouted={stray.topic: (stray.strays, stray.sampled) for stray in seen.strays},
        dead_letters=seen.dead_letters,
        findings=tuple(found),
        broker=seen.around.broker,
        lag=sum(clock.unread or 0 for view in views for clock in view.clocks),
    )


def _topics(seen: Seen) -> Iterator[Finding]:
    for name, action, why in seen.topics:
        where = f"topic {name}"
        if action == Action.CREATE:
            yield Finding(Level.WRONG, "the topic is missing", where, "winback topics apply")
        elif action == Action.AWAIT:
            yield Finding(
                Level.WRONG, why, where, "make it, or take it out of inputs: in the rules"
            )
        elif action == Action.REFUSE:
            yield Finding(Level.WRONG, why, where, "see winback topics plan")
        elif action == Action.CHANGE:
            what = f"it is not as it should be: {why}"
            yield Finding(Level.WRONG, what, where, "winback topics apply")


def _workers(seen: Seen) -> Iterator[Finding]:
    for group in seen.groups:
        if not group.members:
            role, _, topic = group.role.partition(" ")
            start = f"winback run --role {role}"
            what = "no worker is running"
            if topic:
                what = f"no router is running for {topic}, so the timers wait for it"
            yield Finding(Level.WRONG, what, f"role {group.role}", start)


def _records(seen: Seen) -> Iterator[Finding]:
    for number, record in sorted(seen.records.items()):
        where = f"partition {number}"
        parts = [part for part in seen.stretches if part.partition == number]
        if record is None:
            if any(part.end > part.begin for part in parts):
                what = "records wait, and nothing was ever applied"
                yield Finding(Level.NOTE, what, where, "start a worker: winback run")
            continue
        if record.rules_hash != seen.rules_hash:
            yield Finding(
                Level.WRONG, "the state was made with other rules than those of WINBACK_RULES",
                where, "point WINBACK_RULES at the rules that the workers have; or go over to "
                "these: winback state migrate",
            )  # fmt: skip
        for part in parts:
            yield from _gone(part, record.applied.get(part.topic, part.begin))
    for part, place in seen.read:
        yield from _gone(part, place)


def _gone(part: Stretch, applied: int) -> Iterator[Finding]:
    """Say whether what comes next still is there, of a partition that was applied so far."""
    where = f"{part.topic}[{part.partition}]"
    if applied > part.end:
        what = f"applied up to {applied}, but the topic ends at {part.end}: it was made anew"
        next_ = "restore the topic, or start a new WINBACK_APP_ID"
        yield Finding(Level.WRONG, what, where, next_)
    elif applied < part.begin:
        what = f"records {applied} to {part.begin} were deleted before they were read"
        yield Finding(Level.WRONG, what, where, "longer retention; then winback run --skip-lost")


def _registry(seen: Seen) -> Iterator[Finding]:
    if seen.registry:
        what = f"it cannot be asked, so topics in Avro and Protobuf wait: {seen.registry}"
        cure = "start it, or mend WINBACK_SCHEMA_REGISTRY_URL and _AUTH, which takes a restart"
        yield Finding(Level.WRONG, what, "schema registry", cure)


def _held(views: Sequence[PartitionView]) -> Iterator[Finding]:
    for view in views:
        where = f"partition {view.partition}"
        if view.is_sick:
            yield Finding(Level.WRONG, view.why, where, _cure(view))
        elif view.held_by and len(view.clocks) > 1:
            yield Finding(Level.NOTE, view.why, where, _patience(view))
        for clock in view.clocks:
            aged_ms = (clock.aged_s or 0) * SECOND_MS
            late_ms = clock.lateness_s * SECOND_MS
            if aged_ms > DAY_MS + late_ms and not (clock.is_idle or clock.unread):
                what = f"the newest event of {clock.clock} is {span(aged_ms)} old"
                yield Finding(Level.NOTE, what, where, STOPPED)


def _fuses(seen: Seen) -> Iterator[Finding]:
    """Name the inputs that are not read on."""
    direct = (
        (number, fuse)
        for number, record in sorted(seen.records.items()) if record is not None
        for fuse in record.fuses if fuse.is_held
    )  # fmt: skip
    for number, fuse in (*direct, *seen.held):
        what = f"it is not read on from offset {fuse.held_at}: too much was rejected, {fuse.reason}"
        cure = (
            "mend the rules or the producer (winback dead-letters list); to read on in spite of "
            f"it: winback control resume-input {fuse.topic}"
        )
        yield Finding(Level.WRONG, what, f"{fuse.topic}[{number}]", cure)


def _crowded(seen: Seen) -> Iterator[Finding]:
    """Name the partitions that have almost as many users as they may."""
    for number, record in sorted(seen.records.items()):
        if record is None or not seen.users_max or record.users < NEARLY * seen.users_max:
            continue
        is_full = record.users >= seen.users_max
        what = f"it has {record.users:,} of at most {seen.users_max:,} users"
        yield Finding(
            Level.WRONG if is_full else Level.NOTE,
            f"{what}: nobody new is taken in" if is_full else what, f"partition {number}",
            "raise WINBACK_USERS_MAX if there is memory; look first for who makes users up",
        )  # fmt: skip


def _cure(view: PartitionView) -> str:
    held = next(clock for clock in view.clocks if clock.clock == view.held_by)
    if held.unread is None:
        return "look at the router: winback run --role router, its log and /health"
    if held.unread:
        return "let the worker catch up, or start more of them; touches wait until it has"
    return "look at the worker of this partition: /health, and the log of its rebalances"


def _patience(view: PartitionView) -> str:
    held = next(clock for clock in view.clocks if clock.clock == view.held_by)
    if not held.mark:
        return "nothing, if the topic is new; else look at its producer"
    return (
        f"nothing; a smaller lateness of {held.clock} ({span(held.lateness_s * 1000)}) shortens it"
    )


def _samples(seen: Seen) -> Iterator[Finding]:
    for stray in seen.strays:
        if stray.strays:
            what = (
                f"{stray.strays} of {stray.sampled} records do not stand on the partition of their "
                "key: the producer does not use murmur2"
            )
            cure = "set partitioner=murmur2 (librdkafka: murmur2_random) at the producer"
            if stray.topic != seen.activity:
                cure = f"set keyed_by: anything for {stray.topic}, or {cure}"
            yield Finding(Level.WRONG, what, f"topic {stray.topic}", cure)
    for name, count in sorted(seen.dead_letters.items(), key=lambda item: -item[1]):
        reason, _, topic = name.partition(" ")
        cure = APART.get(reason, "winback inputs check shows what is not understood, and why")
        what = f"{count} of the newest dead letters are {reason}"
        yield Finding(Level.NOTE, what, f"topic {topic}", cure)
