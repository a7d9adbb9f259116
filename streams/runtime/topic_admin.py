"""Ask Kafka for its topics, and carry out a plan."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import InvalidConfigurationError, TopicAlreadyExistsError

from streams.core.routed import routed
from streams.core.sources import Source
from streams.errors import Exit, UserError
from streams.runtime.retention import AHEAD
from streams.runtime.topics import (
    Action,
    Actual,
    Step,
    Topic,
    plan,
    quorum_configs,
    router_topics,
    topics,
    yours,
)
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client

_TIMEOUT_MS: Final = 8_000
_HARMLESS_ERRORS: Final = (0, TopicAlreadyExistsError.errno)  # somebody else was quicker


def plan_topics(
    client: Any, settings: Settings, sources: Iterable[Source] = ()
) -> tuple[Step, ...]:
    """Compare the catalogue of topics with what is there.

    Args:
        client: Of the administration.
        settings: Name the topics.
        sources: Of the rules, the company's own; a routed one needs a topic of the router.
    """
    sources = tuple(sources)
    counts = _counts(client, [source.topic for source in sources])
    names = [source.topic for source in routed(sources)]
    wanted = [*topics(settings), *router_topics(settings, names, counts)]
    theirs = yours(sources, counts, settings)
    return (*plan(wanted, _actual(client, wanted)), *theirs)


def apply_plan(client: Any, steps: Iterable[Step], replication: int) -> None:
    """Create and change topics; all or nothing if a step is refused.

    Raises:
        UserError: A step is refused; nothing has been done.
    """
    steps = list(steps)
    if any(step.action is Action.REFUSE for step in steps):
        raise refusal(steps)
    created = {
        step.topic.name: {
            "num_partitions": step.partitions,
            "replication_factor": replication,
            "configs": {**step.changes, **quorum_configs(replication)},
        }
        for step in steps
        if step.action is Action.CREATE
    }
    if created:
        for topic in _create(client, created):
            if topic["error_code"] not in _HARMLESS_ERRORS:
                raise _refused(
                    f"Kafka does not create {topic['name']}: {topic['error_message']}",
                    "mend it and run it again; what was created stays and is found",
                )
        client.wait_for_topics(list(created), timeout_ms=_TIMEOUT_MS)
    for step in steps:
        if step.action is Action.CHANGE:
            _change(client, step)


def require_topics(cluster: Cluster, settings: Settings) -> None:
    """Check before a start that every topic is there and can be used.

    Raises:
        Unavailable: Kafka is not reachable.
        UserError: Topics are missing or cannot be used as they are.
    """
    with admin_client(cluster) as client:
        steps = plan_topics(client, settings)
    if any(step.action is Action.REFUSE for step in steps):
        raise refusal(steps)
    missing = [step.topic.name for step in steps if step.action is Action.CREATE]
    if missing:
        raise UserError(f"topics are missing: {', '.join(missing)}", "winback topics apply")


def refusal(steps: Iterable[Step]) -> UserError:
    """Return the complaint about the steps that are refused."""
    refused = [step for step in steps if step.action is Action.REFUSE]
    names = ", ".join(step.topic.name for step in refused)
    return UserError(f"topics that cannot be used as they are: {names}; nothing was changed",
                     f"{refused[0].topic.name} {refused[0].reason}", Exit.FAILED)  # fmt: skip


def _counts(client: Any, names: Iterable[str]) -> dict[str, int]:
    """Return the number of partitions of those topics that are there."""
    there = set(client.list_topics()).intersection(names)
    if not there:
        return {}
    found = client.describe_topics(sorted(there))
    return {topic["name"]: len(topic["partitions"]) for topic in found}


def _actual(client: Any, wanted: Iterable[Topic]) -> dict[str, Actual]:
    present = set(client.list_topics())
    names = [topic.name for topic in wanted if topic.name in present]
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        found["name"]: Actual(
            len(found["partitions"]),
            {key: entry["value"] for key, entry in configs[found["name"]].items()},
        )
        for found in client.describe_topics(names)
    }


def _create(client: Any, created: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Create topics, on brokers before 3.6 without the bound that they do not know; how it went."""
    options = {"timeout_ms": _TIMEOUT_MS, "raise_errors": False}
    said: list[dict[str, Any]] = client.create_topics(created, **options)["topics"]
    unknown = {
        topic["name"]
        for topic in said
        if topic["error_code"] == InvalidConfigurationError.errno
        and AHEAD in (topic["error_message"] or "")
    }
    if not unknown:
        return said
    older = {}
    for name in unknown:
        wanted = created[name]
        configs = {key: value for key, value in wanted["configs"].items() if key != AHEAD}
        older[name] = {**wanted, "configs": configs}
    again: list[dict[str, Any]] = client.create_topics(older, **options)["topics"]
    return [topic for topic in said if topic["name"] not in unknown] + again


def _change(client: Any, step: Step) -> None:
    if step.partitions:
        client.create_partitions({step.topic.name: step.partitions}, timeout_ms=_TIMEOUT_MS)
    if step.changes:
        resource = ConfigResource(ConfigResourceType.TOPIC, step.topic.name, dict(step.changes))
        client.alter_configs([resource], incremental=True)


def _refused(message: str, hint: str) -> UserError:
    return UserError(message, hint, Exit.FAILED)
