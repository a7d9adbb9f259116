"""The same logic on stock Faust: an agent, a table, topics, as Faust's own guide writes them.

    WINBACK_... python -m benchmarks.peers.faust_stock [at_least_once|exactly_once] [--singly]

Nothing of our transport, table, recovery or commits is in it. What was chosen, and why:

- ``take_events(BATCH, within=0.1)``, the guide's way to batches, so that the core takes many events
  at once; ``--singly`` is ``stream.events()``, the core called for each event.
- ``table[key] = value`` per changed user. What the core remembers of the partition is one more
  key, which hashes to it.
- ``use_partitioner``: behind ``take_events`` Faust does not know for which event a table changes.
- The store is ``memory://``, Faust's fastest; the changelog makes it durable. Settings are those of
  ``winback run``; linger 20 ms, which took a fifth off the cost of a table.

What it guarantees: outputs and changelog are on their way when offsets are committed, nothing waits
for them; after kill -9 states are wrong and touches doubled (tests/chaos/stock). Timers fire when a
record moves event time, as the core has it.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import faust

from benchmarks.peers.desk import PARTITIONS, Desk
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.partitioner import partition_of_key

BATCH: Final = 4_000
WITHIN_S: Final = 0.1
RAW: Final = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw"}


class Cores:
    """The core of each partition, made from the table after every rebalance."""

    def __init__(self, desk: Desk, table: Any) -> None:
        self._desk, self._table = desk, table
        self._cores: dict[int, Partition] = {}

    def forget(self) -> None:
        """Begin from the table again."""
        self._cores.clear()

    def of(self, number: int) -> Partition:
        """Return the core of a partition."""
        core = self._cores.get(number)
        if core is None:
            core = self._cores[number] = self._desk.core(number, dict(self._content(number)))
        return core

    def _content(self, number: int) -> Iterable[tuple[bytes, bytes]]:
        for key, value in self._table.items():
            if key.startswith(PARTITION_KEY):
                if key == own_key(number):
                    yield PARTITION_KEY, value
            elif partition_of_key(key, PARTITIONS) == number:
                yield key, value


@cache
def own_key(number: int) -> bytes:
    """Return the table's key of what the core remembers of a partition: Faust has one namespace."""
    keys = (PARTITION_KEY + str(attempt).encode() for attempt in count())
    return next(key for key in keys if partition_of_key(key, PARTITIONS) == number)


def app_of(desk: Desk, guarantee: str) -> faust.App:
    """Return an app without agents."""
    settings = desk.settings
    return faust.App(
        settings.app_id,
        broker=f"kafka://{settings.kafka_bootstrap}",
        store="memory://",
        datadir=Path(mkdtemp(prefix="faust-stock-")),
        processing_guarantee=guarantee,
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        table_standby_replicas=0,
        stream_buffer_maxsize=BATCH,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 4,
        producer_linger=0.02,
        web_port=settings.web_port,
        web_bind="127.0.0.1",
    )


class Work:
    """What the agent does with events of a partition.

    Attributes:
        is_ready: Whether the table is restored.
    """

    def __init__(self, app: faust.App, desk: Desk) -> None:
        changelog = app.topic(desk.settings.topic_users_changelog, **RAW, compacting=True)
        self._desk = desk
        self._users = app.Table(
            "users", key_type=bytes, value_type=bytes, partitions=PARTITIONS, use_partitioner=True,
            changelog_topic=changelog,
        )  # fmt: skip
        self._topics = {name: app.topic(name, **RAW) for name in desk.topics}
        self._cores = Cores(desk, self._users)
        self.is_ready = False
        app.on_partitions_revoked.connect(self._revoked)
        self._users.on_recover(self._recovered)

    async def _revoked(self, *_args: Any, **_options: Any) -> None:
        self.is_ready = False
        self._cores.forget()

    async def _recovered(self, *_args: Any) -> None:
        self.is_ready = True
        self._cores.forget()

    async def do(self, number: int, messages: Sequence[Any]) -> None:
        """Apply messages of a partition, send what comes of them, note changed states."""
        states, records = self._desk.work(
            self._cores.of(number), [message.key for message in messages],
            [message.value for message in messages],
            [round(message.timestamp * 1_000) for message in messages],
        )  # fmt: skip
        for record in records:
            await self._topics[record.topic].send(
                key=record.key, value=record.value, headers=record.headers
            )
        for key, value in states:
            if value is None:
                self._users.pop(key, None)
            else:
                self._users[own_key(number) if key == PARTITION_KEY else key] = value


def make_app(guarantee: str, *, is_singly: bool) -> faust.App:
    """Return the app."""
    desk = Desk()
    app = app_of(desk, guarantee)
    work = Work(app, desk)

    async def follow(stream: Any) -> None:
        async for event in stream.events():
            await work.do(event.message.partition, [event.message])

    async def follow_batches(stream: Any) -> None:
        async for events in stream.take_events(BATCH, within=WITHIN_S):
            parts: defaultdict[int, list[Any]] = defaultdict(list)
            for event in events:
                parts[event.message.partition].append(event.message)
            for number, messages in parts.items():
                await work.do(number, messages)

    app.agent(app.topic(desk.settings.topic_activity, **RAW), name="follow")(
        follow if is_singly else follow_batches
    )

    @app.page("/health")  # type: ignore[untyped-decorator]
    async def health(web: Any, _request: Any) -> Any:
        status = 200 if work.is_ready and not app.rebalancing else 503
        return web.json({"lag_records": 0, "pending_records": 0}, status=status)

    return app


def main() -> None:
    """Run a worker until it is told to stop."""
    guarantee = "exactly_once" if "exactly_once" in sys.argv else "at_least_once"
    app = make_app(guarantee, is_singly="--singly" in sys.argv)
    sys.argv[1:] = []
    faust.Worker(app, loglevel="warning", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
