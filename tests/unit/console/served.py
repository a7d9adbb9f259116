"""A console's pages over real HTTP, on a read model of a small world; nothing of Kafka."""

import asyncio
import sys
from pathlib import Path
from threading import Thread
from typing import Self

import httpx
import msgspec
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent))

from worlds_of_topics import RULES, SETTINGS, Topics, topics

from streams.console.columns import AtRisk
from streams.console.feed import Progress
from streams.console.projection import STREAMS, Projection, made_by
from streams.console.store import Store
from streams.console.tables import open_reader
from streams.console.web.desk import Desk
from streams.console.web.guard import Door
from streams.console.web.orders import Orders
from streams.console.web.sessions import Sessions
from streams.console.web.site import Site
from winback_sender.cluster import Cluster
from winback_sender.http.guard import Guard

TOKEN = "a-token-of-the-tests"
NOWHERE = Cluster.plain("127.0.0.1:1")


class Served:
    """A console that listens; ``with`` starts and ends it.

    Args:
        folder: Where its files lie.
        token: Of the deployment; empty = whoever is here may look.
        world: What is on the topics; None = a small shop.
    """

    def __init__(self, folder: Path, token: str = "", world: Topics | None = None) -> None:
        projection = Projection(RULES)
        self.store = Store(folder / "model.sqlite", made_by(RULES), projection.name_of)
        found = topics() if world is None else world
        for stream in STREAMS:
            changes = [change for record in found[stream]
                       for change in projection.changes(stream, record)]  # fmt: skip
            self.store.apply(changes, {})
        self.at_risk = AtRisk()
        self.at_risk.load(open_reader(self.store.path))
        self.progress = Progress(version=1, left=0, is_live=True)
        self.desk = Desk(folder / "desk.sqlite")
        self.sessions = Sessions(token or TOKEN)
        settings = msgspec.structs.replace(SETTINGS, web_token=token)
        door = self.door = Door(Guard(token), self.sessions, may_look=not token)
        self._site = Site(settings, RULES, self.store, self.at_risk, self.progress, door,
                          self.desk, Orders(NOWHERE, settings))  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self.base = ""

    def __enter__(self) -> Self:
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.base = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self.desk.close()
        self.store.close()

    async def _start(self) -> int:
        self._runner = web.AppRunner(self._site.application(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return int(self._runner.addresses[0][1])

    def client(self, *, signed_in: bool = False, name: str = "Li Wei") -> httpx.Client:
        """Return a browser without a screen."""
        found = httpx.Client(base_url=self.base, timeout=20)
        if signed_in:
            answer = found.post("/login", data={"name": name, "token": TOKEN})
            assert answer.status_code == 303, answer.text
        return found

    def csrf(self, client: httpx.Client) -> str:
        """Return what has to come back with a form."""
        page = client.get("/health").text
        return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
