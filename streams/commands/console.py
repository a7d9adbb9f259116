"""``winback console``: the pages for people, live from the topics."""

import asyncio
import os
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from winback_sender.cluster import Cluster

STOP_S = 3.0


@click.command()
@click.option("--local", "is_local", is_flag=True, help="Start the embedded Kafka if need be.")
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: WINBACK_CONSOLE_PORT.")
@click.option("--rebuild", is_flag=True, help="Make the read model anew from the topics.")
@click.option("--read-only", is_flag=True, help="Nobody can sign in, so nothing can be done.")
def console(
    *, is_local: bool, rules: str | None, port: int | None, rebuild: bool, read_only: bool
) -> int:
    """Serve the console until SIGTERM or Ctrl-C: who is at risk and why, what recall earns.

    On this machine anybody may look; who acts signs in with WINBACK_WEB_TOKEN, or with the token
    that is made for this run and printed. At another address a start without WINBACK_WEB_TOKEN is
    refused, and nothing is seen without it.
    """
    from streams.pages.extras import needed  # noqa: PLC0415 (quick --help)
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415
    from winback_sender.doorstep import require_reachable  # noqa: PLC0415
    from winback_sender.http.guard import guard_of  # noqa: PLC0415

    needed("console", "jinja2")
    settings = load_settings(os.environ)
    changes = {"rules": rules, "console_port": port}
    settings = msgspec.structs.replace(
        settings, **{name: value for name, value in changes.items() if value is not None}
    )
    guard_of(settings.console_host, settings.web_token, "WINBACK_CONSOLE_HOST")
    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    require_reachable(cluster)
    asyncio.run(_serve(settings, cluster, is_anew=rebuild, may_act=not read_only))
    return Exit.OK


async def _serve(settings: Settings, cluster: "Cluster", *, is_anew: bool, may_act: bool) -> None:
    from streams.console.service import Console  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import rules_at  # noqa: PLC0415
    from streams.runtime.embedded.config import data_directory  # noqa: PLC0415
    from streams.runtime.live_state import partition_count  # noqa: PLC0415
    from winback_sender.logs import configure  # noqa: PLC0415

    configure(settings.log_level, settings.id_key)
    rules = rules_at(settings.rules, settings.id_keys)
    await partition_count(cluster, settings.topic_users_changelog)
    folder = data_directory(settings.data_dir, os.environ) / "console" / settings.app_id
    token = settings.web_token or (secrets.token_urlsafe(18) if may_act else "")
    served = Console(settings, cluster, rules, Path(folder), token, may_act=may_act)
    if is_anew:
        served.discard()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        port = await served.start()
    except OSError as error:
        await served.stop()
        raise UserError(
            f"{settings.console_host}:{settings.console_port} cannot be served: {error}",
            "set WINBACK_CONSOLE_PORT to another port, or to 0 for a free one",
        ) from error
    host = f"[{settings.console_host}]" if ":" in settings.console_host else settings.console_host
    click.echo(f"winback console: http://{host}:{port}/")
    if may_act and not settings.web_token:
        click.echo(f"to act, sign in with this token: {token}")
    try:
        await stopped.wait()
    finally:
        await served.stop()
