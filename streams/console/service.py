"""The console as a whole: the feed in its thread, the pages on its port."""

from pathlib import Path
from typing import Final

from aiohttp import web

from streams.console.columns import AtRisk
from streams.console.feed import Feed
from streams.console.projection import Projection, made_by
from streams.console.store import Store
from streams.console.tables import discard
from streams.console.web.desk import Desk
from streams.console.web.guard import Door
from streams.console.web.orders import Orders
from streams.console.web.sessions import Sessions
from streams.console.web.site import Site
from streams.core.rules import Rules
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.http.guard import Guard

MODEL: Final = "read-model.sqlite"
DESK: Final = "desk.sqlite"
STOP_S: Final = 2.0
LINE_BYTES_MAX: Final = 8_190
HEADERS_MAX: Final = 64
IDLE_S: Final = 75.0


class Console:
    """One console of a deployment.

    Args:
        settings: Name the topics, the address and the token.
        cluster: Where Kafka is.
        rules: Of the deployment.
        folder: Where its files lie.
        token: Who shows it may act.
        may_act: Whether anybody may.

    Attributes:
        feed: What keeps the read model up to date.
    """

    def __init__(
        self, settings: Settings, cluster: Cluster, rules: Rules, folder: Path, token: str, *,
        may_act: bool = True,
    ) -> None:  # fmt: skip
        self._settings, self._cluster, self._rules, self._folder = settings, cluster, rules, folder
        # Without a token that the operator has set, whoever is on this machine may look.
        self._guard = Guard(settings.web_token)
        self._sessions = Sessions(token if may_act or settings.web_token else "")
        self._can_sign_in = bool(token)
        self._runner: web.AppRunner | None = None
        self._desk: Desk | None = None
        self.feed: Feed | None = None

    def discard(self) -> None:
        """Delete the read model; the topics make it anew. What is of the console alone stays."""
        discard(self._folder / MODEL)

    async def start(self) -> int:
        """Read, serve, and return the port.

        Raises:
            OSError: The address cannot be had.
        """
        projection = Projection(self._rules)
        store = Store(self._folder / MODEL, made_by(self._rules), projection.name_of)
        at_risk = AtRisk()
        self._desk = Desk(self._folder / DESK)
        sources = tuple(source.topic for source in self._rules.sources)
        self.feed = Feed(self._cluster, self._settings, projection, store, at_risk, sources)
        door = Door(self._guard, self._sessions, may_look=not self._settings.web_token,
                    can_sign_in=self._can_sign_in)  # fmt: skip
        orders = Orders(self._cluster, self._settings)
        site = Site(self._settings, self._rules, store, at_risk, self.feed.progress, door,
                    self._desk, orders)  # fmt: skip
        self._runner = web.AppRunner(
            site.application(), access_log=None, handle_signals=False, shutdown_timeout=STOP_S,
            keepalive_timeout=IDLE_S, max_line_size=LINE_BYTES_MAX, max_field_size=LINE_BYTES_MAX,
            max_headers=HEADERS_MAX,
        )  # fmt: skip
        await self._runner.setup()
        await web.TCPSite(
            self._runner, self._settings.console_host, self._settings.console_port
        ).start()
        self.feed.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Serve no more, and write what was read."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self.feed is not None:
            self.feed.stop()
        if self._desk is not None:
            self._desk.close()
