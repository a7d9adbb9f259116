"""A worker with the smallest engine that can be wrong: it counts events per user.

Run as a program: ``toy_worker.py BOOTSTRAP APP_ID SESSION_TIMEOUT_S``; prints READY once it owns.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping

from streams.runtime.app import LaneApp, make_app
from streams.runtime.columns import Chunk
from streams.runtime.lane import Pace
from streams.runtime.lanes import LaneOptions
from streams.runtime.metrics import LaneMeter, Metrics
from streams.runtime.producer import Commit
from streams.runtime.ticks import Tick
from streams.runtime.worker import work
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import Output
from winback_sender.logs import configure

PARTITION_KEY = b"\x00partition"
OUTPUT_EVERY = 10
PADDING = b" " * int(os.environ.get("TOY_PADDING", "0"))


class CountingEngine:
    """State of a user: how many events; every tenth event puts one record out."""

    held: frozenset[str] = frozenset()

    def __init__(self, topic_out: str) -> None:
        self.applied: dict[str, int] = {}
        self.counts: dict[bytes, int] = {}
        self.ticks: list[int] = []
        self._topic_out = topic_out
        self._dirty: dict[bytes, None] = {}
        self._outputs: list[Output] = []

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        records = dict(records)
        self.applied = json.loads(records.pop(PARTITION_KEY, b"{}"))
        self.counts = {key: int(value) for key, value in records.items()}

    def apply(self, chunk: Chunk) -> None:
        counts, dirty = self.counts, self._dirty
        for key, offset in zip(chunk.columns.keys, chunk.columns.offsets, strict=True):
            assert key is not None
            count = counts[key] = counts.get(key, 0) + 1
            dirty[key] = None
            if count % OUTPUT_EVERY == 0:
                self._outputs.append(Output(key, b"%d:%d" % (count, offset), []))

    def tick(self, tick: Tick, span_ms: int) -> bool:  # noqa: ARG002 (the lane's signature)
        self.ticks.append(tick.at_ms)
        return True

    def take(self) -> Commit:
        dirty, self._dirty = self._dirty, {}
        outputs, self._outputs = self._outputs, []
        changelog: list[tuple[bytes, bytes | None]] = [
            (key, b"%d" % self.counts[key] + PADDING) for key in dirty
        ]
        if changelog:
            changelog.append((PARTITION_KEY, json.dumps(self.applied).encode()))
        return Commit(changelog, {self._topic_out: outputs} if outputs else {})


def main() -> None:
    bootstrap, app_id, session_timeout_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
    configure(os.environ.get("TOY_LOG", "info"))
    meter = LaneMeter(Metrics())
    options = LaneOptions(
        cluster=Cluster.plain(bootstrap),
        sources=(f"{app_id}-in",),
        changelog=f"{app_id}-users-changelog",
        make_engine=lambda _partition: CountingEngine(f"{app_id}-out"),
        observer=meter,
        pace=Pace(interval_s=float(os.environ.get("TOY_INTERVAL", "0.1"))),
    )
    settings = Settings(session_timeout_s=session_timeout_s)

    async def run() -> None:
        app = make_app(settings, app_id=app_id, table="users", options=options)
        watch = asyncio.create_task(say_when_ready(app))
        await work(app, nothing, nothing)
        watch.cancel()

    async def nothing() -> None:
        return

    async def say_when_ready(app: LaneApp) -> None:
        while not app.lanes.lanes:  # noqa: ASYNC110 (the lanes tell nobody)
            await asyncio.sleep(0.02)
        print("READY", sorted(app.lanes.lanes), flush=True)  # noqa: T201 (read by the test)

    try:
        asyncio.run(run())
    finally:
        print("CPU", time.process_time(), flush=True)  # noqa: T201 (read by a person)


if __name__ == "__main__":
    main()
