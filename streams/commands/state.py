"""``winback state``: look at the users' state, and carry it over to other rules."""

import asyncio
import os
import sys
from contextlib import nullcontext
from typing import IO

import click

from streams.commands.counted import counted
from streams.commands.migrate import migrate
from streams.errors import Exit
from streams.settings import load_settings
from winback_sender.terminal import harmless_json


@click.group()
def state() -> None:
    """Look at the users' state, and carry it over to other rules."""


state.add_command(migrate)


@state.command()
@click.option("--out", metavar="JSONL", help="Write to this file. Default: standard output.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines: what is printed in any case.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
def export(*, out: str | None, as_json: bool, local: bool) -> int:  # noqa: ARG001 (scripts may say --json everywhere)
    """Print the committed state of every user as JSON lines, sorted by user id.

    It is read from the changelog, so the service may be running or not. A replay of the same
    input writes the same lines (winback replay FILE --state JSONL), but for what senders reported:
    that is not in FILE.
    """
    from streams.replay.export import exported  # noqa: PLC0415 (quick --help)
    from streams.replay.points import Results  # noqa: PLC0415
    from streams.runtime.live_state import read_states  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    settings = load_settings(os.environ)
    cluster = resolve_cluster(settings, os.environ, is_local=local)
    states = asyncio.run(read_states(cluster, settings.topic_users_changelog))
    target: nullcontext[IO[str]] | Results
    target = nullcontext(sys.stdout) if out is None else Results(out)
    shown = harmless_json if out is None and sys.stdout.isatty() else str
    with target as file:
        for line in exported(states):
            file.write(f"{shown(line.decode())}\n")
    if out is not None:
        click.echo(f"{counted(len(states), 'user')} in {out}", err=True)
    return Exit.OK
