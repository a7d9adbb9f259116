"""``/metrics`` and ``/health``, on the worker's own event loop: when that hangs, they do too."""

import asyncio
import errno
import json
from collections.abc import Callable
from typing import Final, NamedTuple

from streams.errors import UserError
from streams.runtime.metrics import Metrics
from winback_sender.http.guard import guard_of
from winback_sender.http.site import METRICS_TYPE, Answer, Asked, Page, Site, Whom

STUCK_AFTER_S: Final = 30.0
"""With records waiting and no progress for so long, the worker is not alive."""


class Health(NamedTuple):
    """What the worker says of itself.

    Attributes:
        is_ready: Partitions are assigned and their state is restored.
        is_waiting: There are records to be applied or made durable.
        progress: Chunks and commits so far.
        facts: More, for people.
    """

    is_ready: bool
    is_waiting: bool
    progress: int
    facts: dict[str, object]


class Liveness:
    """Decides by the worker's own progress whether it is alive."""

    def __init__(self) -> None:
        self._progress = -1
        self._moved_s = 0.0

    def is_live(self, health: Health, now_s: float) -> bool:
        """Return False when records have waited and nothing has moved for STUCK_AFTER_S."""
        if health.progress != self._progress or not health.is_waiting:
            self._progress, self._moved_s = health.progress, now_s
        return now_s - self._moved_s < STUCK_AFTER_S


class HealthServer:
    """Serves the two pages; strangers are told no more than whether the worker lives.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        token: Who says it may see all; needed where others than this machine can ask.
        metrics: What /metrics shows.
        examine: Asks the worker how it is.

    Raises:
        UserError: There is no token, and there has to be.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        metrics: Metrics,
        examine: Callable[[], Health],
    ) -> None:
        self._host, self._port = host, port
        self._metrics = metrics
        self._examine = examine
        self._liveness = Liveness()
        pages = {
            "/metrics": Page(self._metrics_page),
            "/health": Page(self._health_page, Whom.PROBES),
        }
        self._site = Site(pages, guard_of(host, token, "WINBACK_WEB_HOST"))

    async def start(self) -> int:
        """Listen, and return the port.

        Raises:
            UserError: The port is taken.
        """
        try:
            return await self._site.start(self._host, self._port)
        except OSError as error:
            is_elsewhere = error.errno == errno.EADDRNOTAVAIL
            raise UserError(
                f"cannot serve /metrics on {self._host}:{self._port}: {error.strerror}",
                "Set WINBACK_WEB_HOST to an address of this machine."
                if is_elsewhere
                else "Set WINBACK_WEB_PORT to another port; 0 takes a free one.",
            ) from error

    async def stop(self) -> None:
        """Stop listening."""
        await self._site.stop()

    async def _metrics_page(self, _asked: Asked) -> Answer:
        return Answer(200, self._metrics.page(), METRICS_TYPE)

    async def _health_page(self, asked: Asked) -> Answer:
        health = self._examine()
        is_live = self._liveness.is_live(health, asyncio.get_running_loop().time())
        facts = health.facts if asked.is_known else {}
        body = {"live": is_live, "ready": health.is_ready, **facts}
        status = 200 if is_live and health.is_ready else 503
        return Answer(status, json.dumps(body).encode(), "application/json")
