"""``/metrics`` and ``/health``, on the worker's own event loop: when that hangs, they do too."""

import asyncio
import errno
import json
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from streams.errors import UserError
from streams.runtime.metrics import Metrics
from streams.runtime.troubles import Trouble
from winback_sender.http.guard import guard_of
from winback_sender.http.site import Answer, Asked, Page, Site, Whom

STUCK_AFTER_S: Final = 30.0
"""With records waiting and no progress for so long, the worker is not alive."""


class Health(NamedTuple):
    """What the worker says of itself.

    Attributes:
        is_ready: Partitions are assigned and their state is restored.
        is_waiting: There are records to be applied or made durable.
        progress: Chunks and commits so far.
        facts: More, for people.
        troubles: What is wrong.
        summary: What it does, in a sentence.
    """

    is_ready: bool
    is_waiting: bool
    progress: int
    facts: dict[str, object]
    troubles: tuple[Trouble, ...] = ()
    summary: str = ""


class Liveness:
    """Decides by the worker's own progress whether it is alive.

    Attributes:
        still_s: For how long nothing had moved, at the last look.
    """

    def __init__(self) -> None:
        self.still_s = 0.0
        self._progress = -1
        self._moved_s = 0.0

    def is_live(self, health: Health, now_s: float) -> bool:
        """Return False when records have waited and nothing has moved for STUCK_AFTER_S."""
        if health.progress != self._progress or not health.is_waiting:
            self._progress, self._moved_s = health.progress, now_s
        self.still_s = now_s - self._moved_s
        return self.still_s < STUCK_AFTER_S


class HealthServer:
    """Serves the pages; strangers are told no more than whether the worker lives and is ready.

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
            "/health/live": Page(self._live_page, Whom.PROBES),
            "/health/ready": Page(self._ready_page, Whom.PROBES),
            "/health/explain": Page(self._explain_page),
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

    def is_live(self, health: Health) -> bool:
        """Return whether the worker is alive, by its own progress."""
        return self._liveness.is_live(health, asyncio.get_running_loop().time())

    def still_s(self, *, is_waiting: bool) -> float:
        """Return for how long nothing has moved, as of the last look; 0 = it is not stuck."""
        if not is_waiting:
            return 0.0
        still_s = self._liveness.still_s
        return still_s if still_s >= STUCK_AFTER_S else 0.0

    async def _metrics_page(self, asked: Asked) -> Answer:
        body, content_type = self._metrics.exposition(asked.request.headers.get("Accept", ""))
        return Answer(200, body, content_type)

    async def _health_page(self, asked: Asked) -> Answer:
        health = self._examine()
        is_live = self.is_live(health)
        facts = health.facts if asked.is_known else {}
        body = {"live": is_live, "ready": health.is_ready, **facts}
        return _answer(body, is_well=is_live and health.is_ready)

    async def _live_page(self, _asked: Asked) -> Answer:
        is_live = self.is_live(self._examine())
        return _answer({"live": is_live}, is_well=is_live)

    async def _ready_page(self, _asked: Asked) -> Answer:
        is_ready = self._examine().is_ready
        return _answer({"ready": is_ready}, is_well=is_ready)

    async def _explain_page(self, _asked: Asked) -> Answer:
        health = self._examine()
        is_live = self.is_live(health)
        words = f"{'Alive' if is_live else 'NOT ALIVE'}, {'' if health.is_ready else 'not '}ready."
        said = [f"{words} {health.summary}".rstrip(), *map(str, health.troubles)]
        if not health.troubles:
            said.append("Nothing is wrong that this process knows of.")
        text = "\n".join([*said, ""])
        return Answer(200, text.encode(), "text/plain; charset=utf-8")


def _answer(body: Mapping[str, object], *, is_well: bool) -> Answer:
    return Answer(200 if is_well else 503, json.dumps(body).encode(), "application/json")
