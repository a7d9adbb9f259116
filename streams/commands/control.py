"""``winback control``: mode, kill switch and pauses of a running deployment."""

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from streams.commands.counted import counted
from streams.commands.operator import operator
from streams.errors import Exit, UserError
from streams.own_keys import demand_own_keys
from streams.settings import Settings, load_settings
from winback_sender.terminal import json_text, printable

if TYPE_CHECKING:
    from streams.core.messages import Control
    from streams.runtime.control_desk import Standing
    from winback_sender.cluster import Cluster

WAIT_S: Final = 15.0
AS_IN_RULES: Final = "rules"

_Option = Callable[[Any], Any]
_local: _Option = click.option("--local", is_flag=True, help="Start the embedded Kafka if need be.")
_as_json: _Option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_wait: _Option = click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 3600), default=WAIT_S, show_default=True,
    metavar="SECONDS", help="Wait so long for the partitions to take it.",
)  # fmt: skip
_playbook: _Option = click.option("--playbook", metavar="NAME", help="A playbook of the rules.")
_channel: _Option = click.option("--channel", metavar="NAME", help="A channel of its steps.")
_rules: _Option = click.option(
    "--rules", metavar="YAML", help="Where the names stand. Default: WINBACK_RULES."
)


@click.group(invoke_without_command=True)
@_local
@_as_json
@click.pass_context
def control(ctx: click.Context, *, local: bool, as_json: bool) -> int:
    """Say what a running deployment may do; without a subcommand: show what is in force.

    An order goes to every worker, and takes effect on every partition at a stated instant of event
    time, the next full minute; one that is further takes it at once. Stop waits for nothing.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    from streams.runtime.control_desk import standing  # noqa: PLC0415 (quick --help)

    found = asyncio.run(standing(*_kafka(is_local=local)))
    click.echo(_facts(found) if as_json else "\n".join(map(printable, _lines(found))))
    return Exit.OK


@control.command()
@click.argument("mode", type=click.Choice(["observe", "holdout-only", "live", AS_IN_RULES]))
@_wait
@_local
@_as_json
def mode(*, mode: str, wait_s: float, local: bool, as_json: bool) -> int:
    """Set how far the service goes; ``rules`` leaves it to the rules again.

    observe: decide and record, send nothing. holdout-only: record both arms of the experiment, send
    nothing. live: send.
    """
    from streams.core.controls import MODE, OFF  # noqa: PLC0415 (quick --help)

    value, (settings, cluster) = OFF if mode == AS_IN_RULES else mode, _kafka_of(local)
    if mode == "live":
        demand_own_keys(settings, cluster)
    return _give(MODE, value, wait_s, (settings, cluster), as_json=as_json)


@control.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@_wait
@_local
@_as_json
def stop(*, yes: bool, wait_s: float, local: bool, as_json: bool) -> int:
    """Stop sending, and take back what is out: every open case is closed, its touches revoked."""
    from streams.core.controls import ON, STOP  # noqa: PLC0415 (quick --help)
    from streams.runtime.control_desk import open_cases  # noqa: PLC0415

    settings, cluster = _kafka_of(local)
    if not yes:
        cases = asyncio.run(open_cases(cluster, settings))
        click.confirm(
            f"Nothing will be sent until winback control resume; {counted(cases, 'open case')} "
            "will be closed and revoked, which cannot be undone. Stop?",
            abort=True,
        )
    return _give(STOP, ON, wait_s, (settings, cluster), as_json=as_json)


@control.command()
@_wait
@_local
@_as_json
def resume(*, wait_s: float, local: bool, as_json: bool) -> int:
    """Lift the kill switch. What it has closed stays closed."""
    from streams.core.controls import OFF, STOP  # noqa: PLC0415 (quick --help)

    return _give(STOP, OFF, wait_s, _kafka_of(local), as_json=as_json)


@control.command()
@_playbook
@_channel
@_rules
@_wait
@_local
@_as_json
def pause(
    *,
    playbook: str | None,
    channel: str | None,
    rules: str | None,
    wait_s: float,
    local: bool,
    as_json: bool,
) -> int:
    """Begin no journey of a playbook, or use a channel no more, until unpause."""
    from streams.core.controls import ON  # noqa: PLC0415 (quick --help)

    kafka = _kafka_of(local)
    key = _pause_key(playbook, channel)
    _demand_known(playbook, channel, kafka[0], rules)
    return _give(key, ON, wait_s, kafka, as_json=as_json)


@control.command()
@_playbook
@_channel
@_wait
@_local
@_as_json
def unpause(
    *, playbook: str | None, channel: str | None, wait_s: float, local: bool, as_json: bool
) -> int:
    """Lift a pause."""
    from streams.core.controls import OFF  # noqa: PLC0415 (quick --help)

    return _give(_pause_key(playbook, channel), OFF, wait_s, _kafka_of(local), as_json=as_json)


@control.command(name="resume-input")
@click.argument("topic")
@_rules
@_wait
@_local
@_as_json
def resume_input(
    *, topic: str, rules: str | None, wait_s: float, local: bool, as_json: bool
) -> int:
    """Read on an input that is held, for too much of it was rejected.

    What was written to it until now is read whatever it is, and what cannot be understood becomes
    dead letters; what is written from now on is judged again. Changed rules need no such order.
    """
    from streams.core.controls import INPUT, ON  # noqa: PLC0415 (quick --help)

    kafka = _kafka_of(local)
    _demand_input(topic, kafka[0], rules)
    return _give(f"{INPUT}{topic}", ON, wait_s, kafka, as_json=as_json)


def _demand_input(topic: str, settings: Settings, path: str | None) -> None:
    """Refuse a topic that is no input: nothing would be read on."""
    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)

    where = settings.rules if path is None else path
    sources = rules_at(where, settings.id_keys).sources
    known = [settings.topic_activity, *(source.topic for source in sources)]
    if topic not in known:
        raise UserError(f"{topic} is no input", f"there is {', '.join(known)}")


def _kafka(*, is_local: bool) -> "tuple[Cluster, Settings]":
    settings, cluster = _kafka_of(is_local)
    return cluster, settings


def _kafka_of(is_local: bool) -> "tuple[Settings, Cluster]":  # noqa: FBT001 (it is the option)
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415 (quick --help)

    settings = load_settings(os.environ)
    return settings, resolve_cluster(settings, os.environ, is_local=is_local)


def _pause_key(playbook: str | None, channel: str | None) -> str:
    from streams.core.controls import CHANNEL, PLAYBOOK  # noqa: PLC0415 (quick --help)

    if (playbook is None) == (channel is None):
        raise UserError("it is either --playbook or --channel", "name one: --channel sms")
    return f"{CHANNEL}{channel}" if playbook is None else f"{PLAYBOOK}{playbook}"


def _demand_known(
    playbook: str | None, channel: str | None, settings: Settings, path: str | None
) -> None:
    """Refuse a name that the rules do not know: its pause would pause nothing."""
    import difflib  # noqa: PLC0415 (only a typing error needs it)

    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)

    books = rules_at(settings.rules if path is None else path, settings.id_keys).playbooks
    steps = [step for book in books for variant in book.variants for step in variant.steps]
    known = {book.name for book in books} if playbook else {step.channel for step in steps}
    name, what = (playbook, "playbook") if playbook else (channel, "channel")
    if name in known:
        return
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(sorted(known))}"
    where = settings.rules if path is None else path
    raise UserError(f"{where or 'the shipped rules'} know no {what} {name!r}", hint)


def _give(
    key: str, value: str, wait_s: float, kafka: "tuple[Settings, Cluster]", *, as_json: bool
) -> int:
    from streams.core.controls import OFF  # noqa: PLC0415 (quick --help)
    from streams.runtime.control_desk import give, in_force, order_of, standing  # noqa: PLC0415

    settings, cluster = kafka
    before = asyncio.run(standing(cluster, settings))
    if value == OFF and in_force(before.orders, key) is None:
        raise UserError(f"{_name(key)} is not ordered, so there is nothing to lift",
                        "winback control shows what is in force")  # fmt: skip
    order = order_of(key, value, operator(), settings, before.watermark_ms)
    found = asyncio.run(give(cluster, settings, order, wait_s))
    is_taken = len(found.takers(order)) == len(found.taken)
    if as_json:
        click.echo(_facts(found))
    else:
        click.echo(printable(_line(order, found)))
        if not is_taken:
            click.echo("The others take it when their workers run: winback control shows it.")
    return Exit.OK if is_taken or not wait_s else Exit.FAILED


def _name(key: str) -> str:
    from streams.core.controls import INPUT  # noqa: PLC0415 (quick --help)

    if key.startswith(INPUT):
        return f"reading whatever {key.removeprefix(INPUT)} held by then"
    return key.replace("pause/", "the pause of ").replace("/", " ")


def _lines(found: "Standing") -> Iterable[str]:
    from streams.core.controls import OFF  # noqa: PLC0415 (quick --help)

    lines = [
        _line(order, found)
        for order in found.orders
        if order.value != OFF or len(found.takers(order)) < len(found.taken)
    ]
    return lines or ["nothing is ordered: the rules alone say what is done"]


def _line(order: "Control", found: "Standing") -> str:
    takers = found.takers(order)
    late = sorted(found.taken.keys() - set(takers))
    said = "lifted" if order.value == "off" else order.value
    taken = f"taken by {len(takers)} of {counted(len(found.taken), 'partition')}"
    missing = f" (not by {', '.join(map(str, late))})" if late and takers else ""
    return (
        f"{_name(order.key)}: {said} from {order.effective_at} on; "
        f"ordered {order.ordered_at} by {order.by}; {taken}{missing}"
    )


def _facts(found: "Standing") -> str:
    from streams.core.time import iso  # noqa: PLC0415 (quick --help)

    rows = []
    for order in found.orders:
        at = {
            number: iso(taken[order.key].at_ms)
            for number, taken in found.taken.items()
            if taken is not None and order.key in taken
        }
        takers = found.takers(order)
        rows.append({**msgspec.to_builtins(order), "taken_by": takers, "in_force_from": at})
    facts = {"controls": rows, "partitions": len(found.taken)}
    return json_text(facts)
