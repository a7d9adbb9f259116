"""``winback topics``: what topics are needed, and make them."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from streams.commands.acls import acls_command
from streams.commands.counted import counted
from streams.errors import Exit
from streams.runtime.retention import ErasedBy, in_words
from streams.runtime.topics import Action, Step, Topic
from streams.runtime.whereabouts import resolve_cluster
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.core.sources import Source

_MARKS: Final = {
    Action.CREATE: ("+", "green"),
    Action.CHANGE: ("~", "yellow"),
    Action.KEEP: ("=", "bright_black"),
    Action.REFUSE: ("!", "red"),
    Action.AWAIT: ("?", "yellow"),
}

_options: tuple[Callable[[Any], Any], ...] = (
    click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES."),
    click.option("--local", "is_local", is_flag=True, help="Start the embedded Kafka if need be."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
)


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_options):
        command = option(command)
    return command


@click.group(name="topics")
def topics() -> None:
    """Plan and apply the Kafka topics that winback needs, and who may do what with them."""


topics.add_command(acls_command)


@topics.command(name="plan")
@_with_options
def plan_command(*, rules: str | None, is_local: bool, as_json: bool) -> int:
    """Show what apply would do. Exit code 1 when it would refuse."""
    from streams.runtime.topic_admin import plan_topics  # noqa: PLC0415 (quick --help)
    from winback_sender.doorstep import admin_client  # noqa: PLC0415

    settings = load_settings(os.environ)
    with admin_client(resolve_cluster(settings, os.environ, is_local=is_local)) as client:
        steps = plan_topics(client, settings, _sources(rules, settings))
    _print(steps, as_json=as_json)
    refused = any(step.action is Action.REFUSE for step in steps)
    return Exit.FAILED if refused else Exit.OK


@topics.command(name="apply")
@_with_options
def apply_command(*, rules: str | None, is_local: bool, as_json: bool) -> None:
    """Create what is missing and change what differs; nothing at all if a step is refused."""
    from streams.runtime.topic_admin import (  # noqa: PLC0415 (quick --help)
        apply_plan,
        plan_topics,
        refusal,
    )
    from winback_sender.doorstep import admin_client  # noqa: PLC0415

    settings = load_settings(os.environ)
    with admin_client(resolve_cluster(settings, os.environ, is_local=is_local)) as client:
        steps = plan_topics(client, settings, _sources(rules, settings))
        _print(steps, as_json=as_json)
        if any(step.action is Action.REFUSE for step in steps):
            raise refusal(steps)
        apply_plan(client, steps, settings.replication)
    if any(step.action in {Action.CREATE, Action.CHANGE} for step in steps):
        click.echo("applied", err=True)


def _sources(rules: str | None, settings: Settings) -> "tuple[Source, ...]":
    """Return the topics of other formats that the rules read."""
    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)

    return tuple(rules_at(rules or settings.rules, settings.id_keys).sources)


def _print(steps: Iterable[Step], *, as_json: bool) -> None:
    steps = tuple(steps)
    counts = {action.value: sum(step.action is action for step in steps) for action in Action}
    if as_json:
        rows = [
            {
                "topic": step.topic.name, "action": step.action.value,
                "partitions": step.partitions or None, "configs": dict(step.changes),
                "reason": step.reason or None, "erased_by": step.topic.erased_by.value,
                "gone_after_ms": step.topic.gone_after_ms,
            }
            for step in steps
        ]  # fmt: skip
        click.echo(msgspec.json.encode({"topics": rows, "counts": counts}).decode())
        return
    width = max(len(step.topic.name) for step in steps)
    for step in steps:
        mark, colour = _MARKS[step.action]
        line = f"{mark} {step.topic.name:<{width}}  {_detail(step)}".rstrip()
        click.secho(line, fg=colour)
    click.echo(", ".join(f"{count} {action}" for action, count in counts.items() if count))


def _retained(topic: Topic) -> str:
    """Return when nothing of an erased person is left on a topic of ours."""
    if topic.erased_by in {ErasedBy.NOBODY, ErasedBy.COMPANY}:
        return ""
    return f"; an erasure is complete after {in_words(topic.gone_after_ms)}"


def _detail(step: Step) -> str:
    if step.action is Action.KEEP:
        return f"{step.topic.why}{_retained(step.topic)}"
    if step.action in {Action.REFUSE, Action.AWAIT}:
        return step.reason
    parts = [counted(step.partitions, "partition")] if step.partitions else []
    parts += [f"{key}={value}" for key, value in step.changes.items()]
    return ", ".join(parts)
