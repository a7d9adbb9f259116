"""A small HTTP server in a thread of its own: what stand-ins of other people's systems run on."""

import asyncio
from collections.abc import Coroutine
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from aiohttp import web

T = TypeVar("T")

HOST: Final = "127.0.0.1"
START_S_MAX: Final = 10.0
GOODBYE_S: Final = 0.01
"""What is under way when a server goes away is cut off; 0 would mean to wait for ever."""


class Server:
    """Listens on a free port of the loopback between ``with`` and its end.

    The port stays the same while it lives, also over `go_away` and `come_back`. What is not HTTP
    overrides `listen` and `hang_up_on_all`.
    """

    scheme = "http"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=type(self).__name__, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.come_back()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._await(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"{self.scheme}://{HOST}:{self.port}"

    def go_away(self) -> None:
        """Stop listening and cut every connection, as a crash does."""
        self._await(self.hang_up_on_all())

    def come_back(self) -> None:
        """Listen again, on the same port; what was recorded is still known."""
        self.port = self._await(self.listen(self.port))

    def restart(self) -> None:
        """Go away, and come back."""
        self.go_away()
        self.come_back()

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Say what it serves."""

    async def listen(self, port: int) -> int:
        """Start to listen, 0 = on a free port; return the port."""
        app = web.Application()
        self.add_routes(app.router)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        site = web.TCPSite(runner, HOST, port, reuse_address=True)
        await site.start()
        self._runner = runner
        return int(runner.addresses[0][1])

    async def hang_up_on_all(self) -> None:
        """Stop to listen and cut what is under way."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def at_end(self) -> None:
        """Let go of what was opened besides."""

    def later(self, job: Coroutine[Any, Any, None]) -> None:
        """Do something beside the answers; it outlives `go_away`. Call it on the server's loop."""
        task = self._loop.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hang_up_on_all()
        await self.at_end()

    def _await(self, job: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(START_S_MAX)
