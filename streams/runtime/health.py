"""``/metrics`` and ``/health``, on the worker's own event loop: when that hangs, they do too."""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from aiohttp import web

from streams.errors import UserError
from streams.runtime.metrics import Metrics

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
    """Serves the two pages.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        metrics: What /metrics shows.
        examine: Asks the worker how it is.
    """

    def __init__(
        self, host: str, port: int, metrics: Metrics, examine: Callable[[], Health]
    ) -> None:
        self._host, self._port = host, port
        self._metrics = metrics
        self._examine = examine
        self._liveness = Liveness()
        application = web.Application()
        application.router.add_get("/metrics", self._metrics_page)
        application.router.add_get("/health", self._health_page)
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self) -> int:
        """Listen, and return the port.

        Raises:
            UserError: The port is taken.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise UserError(
                f"cannot serve /metrics on {self._host}:{self._port}: {error.strerror}",
                "Set WINBACK_WEB_PORT to another port; 0 takes a free one.",
            ) from error
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _metrics_page(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.page(), content_type="text/plain")

    async def _health_page(self, _request: web.Request) -> web.Response:
        health = self._examine()
        is_live = self._liveness.is_live(health, asyncio.get_running_loop().time())
        body = {"live": is_live, "ready": health.is_ready, **health.facts}
        return web.json_response(body, status=200 if is_live and health.is_ready else 503)
