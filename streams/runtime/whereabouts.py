"""Where Kafka is: as set, else the embedded one that runs, else (with ``--local``) a new one."""

import sys
from collections.abc import Mapping

from streams.errors import Unavailable, UserError
from streams.runtime.embedded import broker
from streams.runtime.embedded.config import data_directory
from streams.runtime.embedded.progress import show_progress
from streams.runtime.embedded.record import running
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.kafka_security import cluster_of


def resolve_cluster(
    settings: Settings, environ: Mapping[str, str], *, is_local: bool = False
) -> Cluster:
    """Return the cluster to work with.

    Args:
        settings: Names a Kafka, or the data directory of the embedded one.
        environ: Tells where the user's data home and Java are.
        is_local: Whether the embedded Kafka may be started; it then goes on running.

    A start is told on the standard error.

    Raises:
        Unavailable: There is none; the hint names the three ways.
        UserError: The embedded one does not start, or what the settings say of the security of
            Kafka cannot be.
    """
    if settings.kafka_bootstrap:
        return cluster_of(settings)
    if settings.kafka_security != "plaintext":
        raise UserError(
            f"WINBACK_KAFKA_SECURITY is {settings.kafka_security}, but the embedded Kafka speaks "
            "plain text, on this machine alone",
            "set WINBACK_KAFKA_BOOTSTRAP=host:port, or unset WINBACK_KAFKA_SECURITY",
        )
    directory = data_directory(settings.data_dir, environ)
    if (record := running(directory)) is not None:
        return Cluster.plain(record.bootstrap)
    if is_local:
        record = broker.start(directory, broker.Options(), environ, show_progress).record
        sys.stderr.write(f"Kafka runs on {record.bootstrap}; `winback kafka down` stops it\n")
        return Cluster.plain(record.bootstrap)
    raise Unavailable(
        "no Kafka is known: WINBACK_KAFKA_BOOTSTRAP is not set and no embedded Kafka runs",
        "set WINBACK_KAFKA_BOOTSTRAP=host:port, or run `winback kafka up`, "
        "or add --local to start the embedded one",
    )
