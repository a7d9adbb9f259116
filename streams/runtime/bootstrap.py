"""Where Kafka is: as set, else the embedded one that runs, else (with ``--local``) a new one."""

import sys
from collections.abc import Mapping

from streams.errors import Unavailable
from streams.runtime.embedded import broker
from streams.runtime.embedded.config import data_directory
from streams.runtime.embedded.progress import show_progress
from streams.runtime.embedded.record import running
from streams.settings import Settings


def resolve_bootstrap(
    settings: Settings, environ: Mapping[str, str], *, is_local: bool = False
) -> str:
    """Return the bootstrap servers, ``host:port[,host:port…]``.

    Args:
        settings: Names a Kafka, or the data directory of the embedded one.
        environ: Tells where the user's data home and Java are.
        is_local: Whether the embedded Kafka may be started; it then goes on running.

    A start is told on the standard error.

    Raises:
        Unavailable: There is none; the hint names the three ways.
        UserError: The embedded one does not start.
    """
    if settings.kafka_bootstrap:
        return ",".join(part.strip() for part in settings.kafka_bootstrap.split(","))
    directory = data_directory(settings.data_dir, environ)
    if (record := running(directory)) is not None:
        return record.bootstrap
    if is_local:
        record = broker.start(directory, broker.Options(), environ, show_progress).record
        sys.stderr.write(f"Kafka runs on {record.bootstrap}; `winback kafka down` stops it\n")
        return record.bootstrap
    raise Unavailable(
        "no Kafka is known: WINBACK_KAFKA_BOOTSTRAP is not set and no embedded Kafka runs",
        "set WINBACK_KAFKA_BOOTSTRAP=host:port, or run `winback kafka up`, "
        "or add --local to start the embedded one",
    )
