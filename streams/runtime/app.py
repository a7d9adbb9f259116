"""The Faust app of a role, and its settings (why each: docs/adr and the runtime's docstrings)."""

import asyncio
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import faust

from streams.runtime.lanes import LaneOptions, Lanes
from streams.runtime.recovery import BulkTableManager
from streams.runtime.table import LaneTable
from streams.runtime.transport import ChunkSchema, FaustGroup, chunk_transport
from streams.settings import Settings
from winback_sender.cluster import Cluster, Security
from winback_sender.logs import LIBRARY

QUEUE_CHUNKS: Final = 8
"""Chunks that wait in Faust's queue; more would only age there."""
REQUEST_TIMEOUT_S: Final = 60.0
MAX_POLL_S: Final = 7 * 86_400.0
"""A worker that fetches nothing for so long leaves the group; stock clients do after minutes."""


class LaneApp(faust.App):
    """A Faust app whose agent drives lanes, and whose crash can be awaited."""

    logger = LIBRARY
    lanes: Lanes
    lane_table: LaneTable

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.failure: asyncio.Future[BaseException] | None = None
        self._first_reason: BaseException | None = None

    def _crash(self, reason: BaseException) -> None:
        """Faust tells every parent of a crashed service; here it becomes known outside."""
        if self._first_reason is None:
            self._first_reason = reason
        if self.failure is not None and not self.failure.done():
            self.failure.set_result(self._first_reason)
        super()._crash(reason)

    def crash_soon(self, reason: BaseException) -> None:
        """Crash from code that must not wait: nothing is acknowledged from now on."""
        self._crash(reason)


def faust_settings(settings: Settings, cluster: Cluster, app_id: str) -> dict[str, Any]:
    """Return Faust's settings: transport and assignment, and nothing else of it."""
    session_s = settings.session_timeout_s
    return {
        "id": app_id,
        "broker": [f"kafka://{server}" for server in cluster.servers],
        "broker_credentials": _credentials(cluster.security),
        "datadir": Path(gettempdir()) / f"{app_id}-faust",  # nothing is kept there
        "store": "memory://",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "agent_supervisor": "mode.CrashingSupervisor",  # a crash is the error handling
        "table_standby_replicas": 0,
        "topic_allow_declare": False,  # `winback topics apply` makes topics
        "topic_disable_leader": True,
        "stream_buffer_maxsize": QUEUE_CHUNKS,
        "stream_wait_empty": True,
        "broker_session_timeout": session_s,
        # A survivor hears with its next one that a partition is free.
        "broker_heartbeat_interval": min(1.0, session_s / 8),
        # Records may wait for a schema registry for hours; /health says whether a worker is stuck.
        "broker_max_poll_interval": MAX_POLL_S,
        "broker_rebalance_timeout": max(session_s, 30.0),
        "broker_request_timeout": max(session_s, REQUEST_TIMEOUT_S),
        "broker_commit_interval": 1.0,
        "consumer_auto_offset_reset": "earliest",
        "producer_request_timeout": REQUEST_TIMEOUT_S,
        "web_enabled": False,
        "web_tables_enabled": False,
        "worker_redirect_stdouts": False,
        "TableManager": BulkTableManager,
    }


def _credentials(security: Security) -> Any:
    """Return Faust's words for it; without a context its SASL would go in plain text."""
    if (login := security.login) is not None:
        return faust.SASLCredentials(
            username=login.username, password=login.password, mechanism=login.mechanism,
            ssl_context=security.context,
        )  # fmt: skip
    return None if security.context is None else faust.SSLCredentials(security.context)


def make_app(
    settings: Settings,
    *,
    app_id: str,
    table: str,
    options: LaneOptions,
    chunk_max: int = 0,
) -> LaneApp:
    """Make the app of a role: its table of lanes, and the agent that feeds them.

    Args:
        settings: The operator's.
        app_id: Name of the group and of everything that is derived from it.
        table: Name of the table; the fence is named after it.
        options: What the lanes do.
        chunk_max: Records at once; 0 takes that of the settings.
    """
    app = LaneApp(**faust_settings(settings, options.cluster, app_id))
    app.transport = chunk_transport(
        app, app.conf.broker, chunk_max or settings.chunk_max, options.headers_of
    )
    changelog = app.topic(options.changelog, key_type=bytes, value_type=bytes, compacting=True)
    app.lanes = Lanes(options, f"{app_id}-{table}", FaustGroup(app), app.crash_soon)
    app.lane_table = app.tables.add(
        LaneTable(app, lanes=app.lanes, name=table, changelog_topic=changelog)
    )
    source = app.topic(*options.sources, schema=ChunkSchema())

    async def feed_lanes(stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                drop = partial(event.message.drop, app.consumer)
                await app.lanes.accept(event.value, event.ack, drop)
        except Exception as error:  # noqa: BLE001 (crash is the error handling: restart, replay)
            app.crash_soon(error)

    app.agent(source, name=f"{app_id}-lanes", concurrency=1)(feed_lanes)
    return app
