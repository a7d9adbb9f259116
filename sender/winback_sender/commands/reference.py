"""The reference worker: adapters by name, all that they need from settings and files."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack

import click

from winback_sender.adapter import Adapter
from winback_sender.addresses.opened import open_addresses
from winback_sender.cluster import Cluster
from winback_sender.doorstep import require_topics
from winback_sender.engine.worker import Sender
from winback_sender.law.at_send import legal_hours
from winback_sender.law_file import law_at
from winback_sender.logs import configure
from winback_sender.own_key import demand_own_key
from winback_sender.routes import make_adapters, read_routes
from winback_sender.settings import Settings, load_sender_settings
from winback_sender.stop import Stop
from winback_sender.templating.template_book import FileTemplates, NoTemplates
from winback_sender.tools import Tools


def run(
    words: Iterable[str],
    environ: Mapping[str, str],
    find_kafka: Callable[[Settings], Cluster],
    *,
    adopts: bool,
) -> None:
    """Send until SIGTERM or Ctrl-C, and say then what was done.

    Args:
        words: Of ``--channel``.
        environ: Settings and secrets.
        find_kafka: Says where Kafka is, by the settings.
        adopts: Whether another journal than that of before may be gone on with.

    Raises:
        UserError: Settings, files or the journal are wrong; nothing was sent.
        Unavailable: Kafka is away.
    """
    routes = read_routes(words)
    settings, own = load_sender_settings(environ)
    level = "warning" if settings.log_level == "info" and "console" in routes.values() else None
    configure(level or settings.log_level, settings.id_key)
    law = law_at(own.law)
    templates = FileTemplates(own.templates, law) if own.templates else NoTemplates()
    with ExitStack() as stack:
        addresses = open_addresses(own.addresses, environ)
        stack.callback(addresses.close)
        adapters = make_adapters(routes, Tools(addresses, templates, environ))
        for adapter in _each_once(adapters):
            stack.callback(adapter.close)
        cluster = find_kafka(settings)
        if set(routes.values()) != {"console"}:  # It shows touches, and contacts nobody.
            demand_own_key(settings, cluster)
        require_topics(
            cluster,
            (settings.topic_touches, settings.topic_feedback, settings.topic_dead_letters),
        )
        sender = Sender(
            settings, own, adapters, cluster, addresses=addresses,
            law=legal_hours(law, templates.kind), adopts_journal=adopts,
        )  # fmt: skip
        sender.run(Stop().is_asked)
    said = ", ".join(f"{count:,} {name}" for name, count in sender.counts.most_common())
    click.echo(f"stopped: {said or 'nothing was to be sent'}", err=True)


def _each_once(adapters: Mapping[str, Adapter]) -> Iterable[Adapter]:
    return {id(adapter): adapter for adapter in adapters.values()}.values()
