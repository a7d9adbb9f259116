"""The same logic on stock Faust: an agent, a table, topics, as Faust's own guide writes them.

    WINBACK_... python -m benchmarks.peers.faust_stock [--guarantee at_least_once|exactly_once]

Nothing of our transport, table, recovery or commits is in it: ``stream.events()``, ``table[key] =
value``, ``topic.send``. The pure core decides, event by event; what it remembers of the partition
is one more key of the table. Settings are those of ``winback run``.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import faust

from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.partitioner import partition_of_key
from streams.core.rules import fed
from streams.intake.bulk import bulk_native
from streams.replay.rulebook import rules_at
from streams.replay.run import model_at
from streams.runtime.pipeline import streams_of
from streams.settings import Settings, load_settings

PARTITIONS: Final = 4
RAW: Final = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw"}


class Cores:
    """The core of each partition, made from the table after every rebalance."""

    def __init__(self, settings: Settings, table: Any) -> None:
        self._settings = settings
        self._table = table
        self._rules = fed(rules_at(settings.rules, settings.id_keys))
        self._scorer = model_at(settings.model_file, settings.model_keys, self._rules)
        self._cores: dict[int, Partition] = {}
        self.decode = bulk_native(self._rules)

    def forget(self) -> None:
        """Begin from the table again."""
        self._cores.clear()

    def of(self, number: int) -> Partition:
        """Return the core of a partition."""
        core = self._cores.get(number)
        if core is None:
            core = Partition(
                number, self._rules, self._scorer, of=PARTITIONS, app_id=self._settings.app_id
            )
            core.restore(dict(self._content(number)))
            self._cores[number] = core
        return core

    def _content(self, number: int) -> Iterable[tuple[bytes, bytes]]:
        for key, value in self._table.items():
            if key.startswith(PARTITION_KEY):
                if key == own_key(number):
                    yield PARTITION_KEY, value
            elif partition_of_key(key, PARTITIONS) == number:
                yield key, value


def own_key(number: int) -> bytes:
    """Return the table's key of what the core remembers of a partition: Faust has one namespace."""
    return PARTITION_KEY + str(number).encode()


def make_app(settings: Settings, guarantee: str) -> faust.App:
    """Return the app."""
    app = faust.App(
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
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 4,
        web_port=settings.web_port,
        web_bind="127.0.0.1",
    )
    users = app.Table(
        "users", key_type=bytes, value_type=bytes, partitions=PARTITIONS,
        changelog_topic=app.topic(settings.topic_users_changelog, **RAW, compacting=True),
    )  # fmt: skip
    topics = {
        stream: app.topic(name, **RAW) for stream, name in streams_of(settings).of_core.items()
    }
    cores = Cores(settings, users)
    is_ready = False

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def revoked(*_args: Any, **_options: Any) -> None:
        nonlocal is_ready
        is_ready = False
        cores.forget()

    @users.on_recover  # type: ignore[untyped-decorator]
    async def recovered(*_args: Any) -> None:
        nonlocal is_ready
        is_ready = True
        cores.forget()

    @app.agent(app.topic(settings.topic_activity, **RAW))  # type: ignore[untyped-decorator]
    async def follow(stream: Any) -> None:
        async for event in stream.events():
            number = event.message.partition
            core = cores.of(number)
            columns = [event.message.key], [event.message.value]
            core.apply(cores.decode.all(*columns, [int(event.message.timestamp * 1_000)], [()]))
            harvest = core.take()
            for stream_name, records in harvest.outputs.items():
                for record in records:
                    await topics[stream_name].send(key=record.key, value=record.value)
            for key, value in harvest.changelog:
                if value is None:
                    users.pop(key, None)
                else:
                    users[own_key(number) if key == PARTITION_KEY else key] = value

    @app.page("/health")  # type: ignore[untyped-decorator]
    async def health(web: Any, _request: Any) -> Any:
        status = 200 if is_ready and not app.rebalancing else 503
        return web.json({"lag_records": 0, "pending_records": 0}, status=status)

    return app


def main() -> None:
    """Run a worker until it is told to stop."""
    guarantee = "exactly_once" if "exactly_once" in sys.argv else "at_least_once"
    app = make_app(load_settings(os.environ), guarantee)
    sys.argv[1:] = []
    faust.Worker(app, loglevel="warning", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
