"""What each role may do in Kafka, and nothing beyond: the catalogue of `winback topics acls`.

Pure: topics, groups and transactional ids are named as the settings do. A test runs every role on a
broker that refuses whatever is not listed here, and demands that each line was needed.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from streams.core.routed import direct, routed
from streams.core.sources import Source
from streams.runtime.retention import ErasedBy
from streams.runtime.topics import topics
from streams.settings import Settings


class Kind(StrEnum):
    """What is guarded; the words are those of ``kafka-acls``."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTION = "transactional-id"


class Operation(StrEnum):
    """What is allowed; the words are those of ``kafka-acls``."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    ALTER = "Alter"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


READ: Final = (Operation.READ,)
WRITE: Final = (Operation.WRITE,)
BOTH: Final = (Operation.READ, Operation.WRITE)
SEE: Final = (Operation.DESCRIBE,)


class Grant(NamedTuple):
    """What one role may do with one thing.

    Attributes:
        kind: Of the thing.
        name: Of the thing, or what its name begins with.
        operations: Read and Write imply Describe.
        is_prefix: Whether it is only the begin of the name.
    """

    kind: Kind
    name: str
    operations: tuple[Operation, ...]
    is_prefix: bool = False


class Role(NamedTuple):
    """Somebody who comes to Kafka.

    Attributes:
        name: As in ``--principal NAME=…``.
        what: What is run under it.
        grants: All that it may do.
    """

    name: str
    what: str
    grants: tuple[Grant, ...]


def roles(
    settings: Settings, sources: Iterable[Source] = (), channels: Iterable[str] = ()
) -> tuple[Role, ...]:
    """Return every role of a deployment.

    Args:
        settings: Name topics and groups.
        sources: Of the rules: topics of the company's own.
        channels: Of senders that are to have a principal each, as ``sms`` or ``call,wechat``;
            without, one principal is for all senders.
    """
    sources = tuple(sources)
    made = [
        _pipeline(settings, sources),
        _learner(settings),
        *([_router(settings, sources)] if routed(sources) else []),
        *(_sender(settings, words) for words in channels or ("",)),
        *(
            role(settings, sources)
            for role in (_operator, _letters, _feeder, _eraser, _reader, _migrator, _init)
        ),
    ]
    return tuple(role._replace(grants=_merged(role.grants)) for role in made)


def _pipeline(settings: Settings, sources: tuple[Source, ...]) -> Role:
    app = settings.app_id
    return Role("pipeline", "winback run --role pipeline", (
        *_topics(READ, settings.topic_activity, settings.topic_feedback, settings.topic_models,
                 settings.topic_control, *(source.topic for source in direct(sources))),
        *_topics(BOTH, settings.topic_identity, settings.topic_users_changelog),
        *_topics(WRITE, settings.topic_touches, settings.topic_decisions, settings.topic_journal,
                 settings.topic_examples, settings.topic_dead_letters),
        *_topics(SEE, *(source.topic for source in routed(sources))),  # are they there at all?
        Grant(Kind.GROUP, app, READ),
        Grant(Kind.TRANSACTION, f"{app}-users-", WRITE, is_prefix=True),
    ))  # fmt: skip


def _learner(settings: Settings) -> Role:
    learner = f"{settings.app_id}-learner"
    return Role("learner", "winback run --role learner", (
        *_topics(READ, settings.topic_examples),
        *_topics(BOTH, settings.topic_models),
        Grant(Kind.GROUP, learner, READ),
        Grant(Kind.TRANSACTION, f"{learner}-models-", WRITE, is_prefix=True),
    ))  # fmt: skip


def _router(settings: Settings, sources: tuple[Source, ...]) -> Role:
    names = [source.topic for source in routed(sources)]
    ids = [settings.router_id(name) for name in names]
    return Role("router", "winback run --role router", (
        *_topics(READ, *names, settings.topic_control),
        *_topics(WRITE, settings.topic_activity, settings.topic_dead_letters),
        *_topics(BOTH, *(settings.router_changelog(name) for name in names)),
        *(Grant(Kind.GROUP, each, READ) for each in ids),
        *(Grant(Kind.TRANSACTION, f"{each}-lanes-", WRITE, is_prefix=True) for each in ids),
    ))  # fmt: skip


def _sender(settings: Settings, words: str) -> Role:
    channels = sorted(word.strip() for word in words.split(",") if word.strip())
    group = "-".join([settings.app_id, "sender", *channels])
    return Role("-".join(["sender", *channels]), "winback sender, and senders of your own", (
        *_topics(READ, settings.topic_touches),
        *_topics(WRITE, settings.topic_feedback, settings.topic_dead_letters),
        Grant(Kind.GROUP, group if channels else f"{group}-", READ, is_prefix=not channels),
    ))  # fmt: skip


def _operator(settings: Settings, _: tuple[Source, ...]) -> Role:
    return Role("operator", "winback control, winback models", (
        *_topics(BOTH, settings.topic_control),
        *_topics(READ, settings.topic_users_changelog, settings.topic_models),
        *_topics(WRITE, settings.topic_examples),
    ))  # fmt: skip


def _letters(settings: Settings, _: tuple[Source, ...]) -> Role:
    desk = f"{settings.app_id}-dead-letters"
    return Role("letters", "winback dead-letters replay, discard", (
        *_topics(BOTH, settings.topic_dead_letters),
        *_topics(WRITE, settings.topic_activity, settings.topic_feedback),
        Grant(Kind.TRANSACTION, desk, WRITE),
    ))  # fmt: skip


def _feeder(settings: Settings, _: tuple[Source, ...]) -> Role:
    return Role("feeder", "winback feed, winback coverage, and what else publishes activity", (
        *_topics(WRITE, settings.topic_activity),
        *_topics(READ, settings.topic_users_changelog),
    ))  # fmt: skip


def _eraser(settings: Settings, _: tuple[Source, ...]) -> Role:
    return Role("eraser", "winback erase", (
        *_topics(WRITE, settings.topic_activity),
        *_topics(READ, settings.topic_users_changelog),
        *_topics(BOTH, settings.topic_decisions),
    ))  # fmt: skip


def _migrator(settings: Settings, _: tuple[Source, ...]) -> Role:
    app, learner = settings.app_id, f"{settings.app_id}-learner"
    return Role("migrator", "winback state migrate, winback bootstrap", (
        *_topics(BOTH, settings.topic_users_changelog, settings.topic_models),
        *_topics(WRITE, settings.topic_journal),
        *_topics(READ, settings.topic_activity),
        *_topics(SEE, settings.topic_identity, settings.topic_examples),
        *(Grant(Kind.GROUP, each, SEE) for each in (app, learner)),  # is anybody at work?
        Grant(Kind.TRANSACTION, f"{app}-users-", WRITE, is_prefix=True),
        Grant(Kind.TRANSACTION, f"{learner}-models-", WRITE, is_prefix=True),
        Grant(Kind.TRANSACTION, f"{app}-bootstrap", WRITE),
    ))  # fmt: skip


def _reader(settings: Settings, sources: tuple[Source, ...]) -> Role:
    names = [topic.name for topic in topics(settings)]
    changelogs = [settings.router_changelog(source.topic) for source in routed(sources)]
    groups = [settings.app_id, *(settings.router_id(source.topic) for source in routed(sources))]
    what = "winback doctor, report, explain, erased, export, state export, dead-letters list"
    return Role("reader", what, (
        *_topics((*READ, Operation.DESCRIBE_CONFIGS), *names, *changelogs),
        *_topics((*READ, Operation.DESCRIBE_CONFIGS), *(source.topic for source in sources)),
        *(Grant(Kind.GROUP, each, SEE) for each in groups),
    ))  # fmt: skip


def _init(settings: Settings, sources: tuple[Source, ...]) -> Role:
    changelogs = [settings.router_changelog(source.topic) for source in routed(sources)]
    grow = [topic.name for topic in topics(settings) if not topic.is_exact]
    mend = [
        topic.name
        for topic in topics(settings)
        if topic.is_ours or topic.erased_by not in {ErasedBy.COMPANY, ErasedBy.NOBODY}
    ]
    names = [topic.name for topic in topics(settings)]
    may = (Operation.CREATE, Operation.DESCRIBE_CONFIGS)
    return Role("init", "winback topics apply", (
        *_topics((*SEE, *may), *names, *changelogs),
        *_topics((Operation.ALTER_CONFIGS,), *mend, *changelogs),  # what it puts right
        *_topics((Operation.ALTER,), *grow, *changelogs),  # what it adds partitions to
        *_topics(SEE, *(source.topic for source in sources)),
    ))  # fmt: skip


def _topics(operations: tuple[Operation, ...], *names: str) -> Iterable[Grant]:
    return (Grant(Kind.TOPIC, name, operations) for name in names)


def _merged(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return grants with one line for each thing."""
    found: dict[tuple[Kind, str, bool], tuple[Operation, ...]] = {}
    for grant in grants:
        key = grant.kind, grant.name, grant.is_prefix
        found[key] = tuple(dict.fromkeys((*found.get(key, ()), *grant.operations)))
    return tuple(
        Grant(kind, name, operations, is_prefix)
        for (kind, name, is_prefix), operations in found.items()
    )


class Acl(NamedTuple):
    """One line of Kafka's own list: a principal may do one thing, from any host."""

    principal: str
    kind: Kind
    name: str
    is_prefix: bool
    operation: Operation


def principals(
    made: Iterable[Role], settings: Settings, stated: Mapping[str, str]
) -> dict[str, str]:
    """Return role → principal: as stated, else ``User:<app id>-<role>``."""
    return {
        role.name: stated.get(role.name, f"User:{settings.app_id}-{role.name}") for role in made
    }


def acls(made: Iterable[Role], named: Mapping[str, str]) -> tuple[Acl, ...]:
    """Return the lines of Kafka's list for roles."""
    return tuple(
        Acl(named[role.name], grant.kind, grant.name, grant.is_prefix, operation)
        for role in made
        for grant in role.grants
        for operation in grant.operations
    )
