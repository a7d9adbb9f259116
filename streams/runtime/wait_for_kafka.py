"""What a worker does that has lost Kafka for longer than a commit can wait: wait, and say so."""

import asyncio
import contextlib
import os
from typing import Final

from streams.errors import Unavailable, UserError
from streams.runtime.health import Health, HealthServer
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.supervisor import Supervisor
from streams.runtime.troubles import Seen, troubles_of
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.doorstep import require_reachable

BACK_OFF_S: Final = 2.0
WAITING: Final = "It waits for Kafka, and begins anew when it is back."


async def wait_until_back(settings: Settings, cluster: Cluster, role: str) -> None:
    """Return when one of the brokers lets us in; meanwhile the pages say what is waited for.

    It is alive, for a restart would help nobody, and it is not ready.

    Args:
        settings: Where the pages are.
        cluster: Where Kafka was.
        role: What the process does, for the metrics.

    Raises:
        UserError: Kafka is there and does not let us in.
    """
    metrics = Metrics()
    metrics.set(Metric.KAFKA_AWAY, 1)
    metrics.set(Metric.LIVE, 1)
    troubles = tuple(troubles_of(Seen(is_kafka_away=True)))
    health = Health(
        is_ready=False, is_waiting=False, progress=0, facts={"partitions": [], "waits": role},
        troubles=troubles, summary=WAITING,
    )  # fmt: skip
    server = HealthServer(
        settings.web_host, settings.web_port, settings.web_token, metrics, lambda: health
    )
    with contextlib.suppress(UserError):  # Somebody else has the port by now; Kafka matters more.
        await server.start()
    try:
        await _reached(cluster, Supervisor(os.environ))
    finally:
        await server.stop()


async def _reached(cluster: Cluster, supervisor: Supervisor) -> None:
    while True:
        supervisor.tell(is_live=True, is_ready=False)
        await asyncio.sleep(BACK_OFF_S)
        with contextlib.suppress(Unavailable):
            return await asyncio.to_thread(require_reachable, cluster)
