"""Links between workers and the broker that can be cut, one way or both, and slowed down.

A link is a small TCP proxy on a port of its own, in front of a listener of its own: Kafka tells a
client the address of the listener that it came in by, so a worker whose bootstrap is the link's
port stays behind that link, whatever it looks up. What is cut is held back, as by a firewall that
drops: connections stay, new ones do not get through, and when the link heals, everything goes on.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from benchmarks.stand import free_port
from streams.runtime.embedded.config import HOST, Ports

READ_BYTES: Final = 65_536
LOOK_S: Final = 0.01
PATIENCE_S: Final = 10.0


class Quality(NamedTuple):
    """How bytes pass in one direction.

    Attributes:
        is_cut: Nothing passes, and nothing is lost.
        latency_s: So long every piece of up to 64 KB is on its way.
        bytes_per_s: Bandwidth; 0 = without limit.
    """

    is_cut: bool = False
    latency_s: float = 0.0
    bytes_per_s: int = 0


FINE: Final = Quality()
CUT: Final = Quality(is_cut=True)


class Link:
    """One way to the broker; its qualities may be set from any thread.

    Attributes:
        port: For clients.
        listener_port: Of the broker's own listener behind it.
        up: What clients send.
        down: What the broker answers.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.listener_port = free_port()
        self.up = FINE
        self.down = FINE
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{HOST}:{self.port}"

    def cut(self) -> None:
        """Let nothing pass."""
        self.up = self.down = CUT

    def heal(self) -> None:
        """Let everything pass, what was held back first."""
        self.up = self.down = FINE

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._join, HOST, self.port)

    async def close(self) -> None:
        """Close every connection, and listen no more."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._open:
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with the broker, until either closes."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        self._open.add(writer)
        try:
            await self._passes(0, "up")
            far_reader, far_writer = await asyncio.open_connection(HOST, self.listener_port)
            ends.append(far_writer)
            self._open.add(far_writer)
            pumps = {
                asyncio.create_task(self._pump(reader, far_writer, "up")),
                asyncio.create_task(self._pump(far_reader, writer, "down")),
            }
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass  # The broker is away; the client sees its connection closed, as without us.
        finally:
            for end in ends:
                end.close()
                self._open.discard(end)
            self._tasks.discard(task)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str
    ) -> None:
        while data := await reader.read(READ_BYTES):
            await self._passes(len(data), way)
            writer.write(data)
            await writer.drain()

    async def _passes(self, count: int, way: str) -> None:
        """Wait as long as so many bytes take."""
        while (quality := self._quality(way)).is_cut:  # noqa: ASYNC110 (set by other threads)
            await asyncio.sleep(LOOK_S)
        delay_s = quality.latency_s
        if quality.bytes_per_s:
            delay_s += count / quality.bytes_per_s
        if delay_s:
            await asyncio.sleep(delay_s)

    def _quality(self, way: str) -> Quality:
        return self.up if way == "up" else self.down


class Links:
    """Several links, served by one thread.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self.all = [Link(f"LINK{number}") for number in range(count)]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="links")

    def properties(self, ports: Ports) -> Mapping[str, str]:
        """Return what the broker must be told: a listener a link, known by the link's port."""
        names = [link.name for link in self.all]
        own = f"PLAINTEXT://{HOST}:{ports.client}"
        behind = [f"{link.name}://{HOST}:{link.listener_port}" for link in self.all]
        before = [f"{link.name}://{HOST}:{link.port}" for link in self.all]
        controller = f"CONTROLLER://{HOST}:{ports.controller}"
        protocols = [f"{name}:PLAINTEXT" for name in ("CONTROLLER", "PLAINTEXT", *names)]
        return {
            "listeners": ",".join([own, *behind, controller]),
            "advertised.listeners": ",".join([own, *before]),
            "listener.security.protocol.map": ",".join(protocols),
        }

    def __enter__(self) -> Self:
        """Listen on every link."""
        self._thread.start()
        self._do([link.open() for link in self.all])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self._do([link.close() for link in self.all])
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def _do(self, work: list[Coroutine[Any, Any, None]]) -> None:
        async def together() -> None:
            await asyncio.gather(*work)

        asyncio.run_coroutine_threadsafe(together(), self._loop).result(PATIENCE_S)
