"""``winback coverage``: tell the service when the source logged nothing, or a user goes."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import msgspec

from streams.commands.counted import counted
from streams.errors import Exit, UserError
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.core.outages import Span
    from streams.replay.gaps import Gaps
    from winback_sender.cluster import Cluster

_from: Callable[[Any], Any] = click.option(
    "--from", "start", metavar="ISO", help="Begin: a day (its midnight UTC) or an instant."
)
_user: Callable[[Any], Any] = click.option(
    "--user-id", metavar="ID", help="Of this user only: a course or contract ends or pauses."
)
_local: Callable[[Any], Any] = click.option(
    "--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known."
)
_as_json: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object."
)


@click.group()
def coverage() -> None:
    """Say when the source logged nothing; that is no silence of its users.

    No alert and no label comes from an outage, and silence is counted without it. What is said
    later about the same begin replaces what was said before.
    """


@coverage.command()
@_from
@click.option("--to", "end", metavar="ISO", help="End, not included. Default: it is not over.")
@_user
@click.option("--file", metavar="FILE",
              help="Many at once: csv from,to[,user_id], or JSON missing_ranges.")  # fmt: skip
@_local
@_as_json
def add(
    *,
    start: str | None,
    end: str | None,
    user_id: str | None,
    file: str | None,
    local: bool,
    as_json: bool,
) -> int:
    """Announce an outage of the source, or the absence of one user."""
    from streams.replay.gaps import read_gaps  # noqa: PLC0415 (quick --help)

    if (start is None) == (file is None) or (file is not None and (end or user_id)):
        raise UserError("it is either --from or --file", "winback coverage add --from 2017-05-01")
    if file is not None:
        gaps = read_gaps(file)
    else:
        span = _edge("--from", start), _edge("--to", end)
        if not span[0] < span[1]:
            raise UserError("an outage ends after it begins", "write --from before --to")
        gaps = _gaps(span, user_id)
    return _announce(gaps, is_local=local, as_json=as_json)


@coverage.command()
@_from
@_user
@_local
@_as_json
def remove(*, start: str | None, user_id: str | None, local: bool, as_json: bool) -> int:
    """Take back what was announced with this begin; of a user, whatever was announced."""
    if start is None:
        raise UserError("--from is missing", "name the begin: winback coverage list")
    begin = _edge("--from", start)
    return _announce(_gaps((begin, begin), user_id), is_local=local, as_json=as_json)


@coverage.command(name="list")
@_local
@_as_json
def list_command(*, local: bool, as_json: bool) -> int:
    """Show the outages of the source that the service has taken note of.

    Those that stand in the rules are not among them, and neither are absences of users.
    """
    from streams.runtime.live_state import read_outages  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415 (quick --help)

    settings = load_settings(os.environ)
    cluster = resolve_cluster(settings, os.environ, is_local=local)
    partitions, found = asyncio.run(read_outages(cluster, settings.topic_users_changelog))
    rows = [
        {"from": _iso(start), "to": _iso(end), "partitions": known}
        for (start, end), known in sorted(Counter(found).items())
    ]
    if as_json:
        facts = {"outages": rows, "partitions": partitions}
        click.echo(msgspec.json.encode(facts).decode())
        return Exit.OK
    for row in rows:
        until = f"to {row['to']}" if row["to"] else "and not over"
        known = f"{row['partitions']} of {counted(partitions, 'partition')}"
        click.echo(f"from {row['from']} {until}, known to {known}")
    if not rows:
        click.echo("no outage was announced")
    return Exit.OK


def _edge(option: str, text: str | None) -> float:
    from streams.core.outages import edge_ms  # noqa: PLC0415 (quick --help)

    try:
        return edge_ms(text)
    except ValueError as error:
        raise UserError(f"{option}: {error}", "write it like 2017-05-01T08:00:00Z") from None


def _iso(at_ms: float) -> str | None:
    from streams.core.outages import NEVER  # noqa: PLC0415 (quick --help)
    from streams.replay.instants import short_iso  # noqa: PLC0415

    return None if at_ms == NEVER else short_iso(int(at_ms))


def _gaps(span: "Span", user_id: str | None) -> "Gaps":
    from streams.core.inputs import ObservationPaused  # noqa: PLC0415 (quick --help)
    from streams.replay.gaps import Gaps  # noqa: PLC0415

    if user_id is None:
        return Gaps((span,))
    return Gaps((), (ObservationPaused(user_id, 0, *span),))


def _announce(gaps: "Gaps", *, is_local: bool, as_json: bool) -> int:
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415 (quick --help)
    from winback_sender.doorstep import require_reachable  # noqa: PLC0415

    settings = load_settings(os.environ)
    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    require_reachable(cluster)
    partitions = asyncio.run(_publish(gaps, cluster, settings.topic_activity))
    facts = {"outages": len(gaps.outages), "users": len(gaps.pauses), "partitions": partitions,
             "topic": settings.topic_activity}  # fmt: skip
    if as_json:
        click.echo(msgspec.json.encode(facts).decode())
    else:
        parts = ((len(gaps.outages), "outage"), (len(gaps.pauses), "absence of users"))
        said = " and ".join(f"{count:,} × {noun}" for count, noun in parts if count)
        click.echo(f"told {settings.topic_activity} ({counted(partitions, 'partition')}): {said}")
    return Exit.OK


async def _publish(gaps: "Gaps", cluster: "Cluster", topic: str) -> int:
    """Write outages to every partition and absences to that of the user; return how many."""
    from streams.core.partitioner import Partitioner  # noqa: PLC0415
    from streams.replay.events import coverage as record  # noqa: PLC0415 (quick --help)
    from streams.runtime.publisher import Publisher  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    at_ms = now_ms()
    async with Publisher(cluster, topic) as publisher:
        count = publisher.partitions
        parts = [[record(span, at_ms) for span in gaps.outages] for _ in range(count)]
        partitioner = Partitioner(count)
        for pause in gaps.pauses:
            span = (pause.from_ms, pause.to_ms)
            parts[partitioner[pause.user_id]].append(record(span, at_ms, pause.user_id))
        for partition, records in enumerate(parts):
            await publisher.send(partition, records)
    return count
