"""From the topics into the read model, in a thread of its own; rows and offsets go together."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

from streams.console.changes import Change, Forget
from streams.console.columns import AtRisk
from streams.console.projection import (
    CONTROL,
    DECISIONS,
    FEEDBACK,
    LETTERS,
    MODELS,
    TOUCHES,
    USERS,
    Projection,
    Record,
)
from streams.console.store import Position, Store
from streams.console.tables import open_reader
from streams.core.time import DAY_MS
from streams.errors import Unavailable
from streams.runtime.follower import Follower, Polled
from streams.runtime.ticks import now_ms
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.logs import get_logger

log = get_logger(__name__)

POLL_MS: Final = 200
ENDS_EVERY_S: Final = 1.0
PRUNE_EVERY_S: Final = 3_600.0
BACK_OFF_S: Final = 2.0
STOP_S: Final = 10.0


def streams_of(settings: Settings) -> dict[str, str]:
    """Return topic to stream, of all that is read."""
    return {
        settings.topic_users_changelog: USERS,
        settings.topic_decisions: DECISIONS,
        settings.topic_touches: TOUCHES,
        settings.topic_feedback: FEEDBACK,
        settings.topic_control: CONTROL,
        settings.topic_dead_letters: LETTERS,
        settings.topic_models: MODELS,
    }


@dataclass
class Progress:
    """How far the read model has come; written by the feed, read by pages.

    Attributes:
        version: Rises with every change.
        left: Records that are not read yet; None = it is not known.
        total: Records that there were to read when the feed began.
        is_live: Everything that there was at the start has been read.
        heard_s: When Kafka answered last, seconds of the monotonic clock.
        fault: Why nothing is read; empty = all is well.
        ends: Of the topics that the pipeline reads: topic and partition to the end offset.
        lateness_s: From a record's date to its row, the newest, seconds.
    """

    version: int = 0
    left: int | None = None
    total: int = 0
    is_live: bool = False
    heard_s: float = 0.0
    fault: str = ""
    ends: Mapping[Position, int] = field(default_factory=dict)
    lateness_s: float = 0.0


class Feed:
    """Reads the topics and writes the read model.

    Args:
        cluster: Where Kafka is.
        settings: Name the topics.
        projection: What becomes of a record.
        store: Where it is written.
        at_risk: The columns that follow.
        inputs: Topics whose ends tell how far the pipeline lags.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        projection: Projection,
        store: Store,
        at_risk: AtRisk,
        inputs: tuple[str, ...] = (),
    ) -> None:
        self.progress = Progress()
        self._cluster, self._settings = cluster, settings
        self._projection, self._store, self._at_risk = projection, store, at_risk
        self._streams = streams_of(settings)
        self._inputs = (settings.topic_activity, settings.topic_feedback, *inputs)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="feed", daemon=True)
        self._looked_s = 0.0
        self._pruned_s = time.monotonic()
        self._reader: sqlite3.Connection | None = None

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Write what was read, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._store.close()
        if self._reader is not None:
            self._reader.close()

    def _run(self) -> None:
        self._reader = open_reader(self._store.path)
        self._at_risk.load(self._reader)
        while not self._stop.is_set():
            try:
                asyncio.run(self._follow())
            except (Unavailable, OSError, sqlite3.Error) as error:
                self.progress.fault = type(error).__name__
                self.progress.version += 1
                log.warning("console_feed_waits", reason=str(error))
                self._stop.wait(BACK_OFF_S)
            except Exception as error:  # Broken code: the pages say that they are not fed any more.
                self.progress.fault = type(error).__name__
                self.progress.version += 1
                log.warning("console_feed_ended", exc_info=error)
                raise

    async def _follow(self) -> None:
        async with Follower(
            self._cluster, self._streams, self._inputs, self._store.offsets()
        ) as follower:
            self.progress.total = max(self.progress.total, await follower.left())
            while not self._stop.is_set():
                polled = await follower.poll(POLL_MS)
                self.progress.fault, self.progress.heard_s = "", time.monotonic()
                if polled.next:
                    await asyncio.to_thread(self._apply, polled)
                await self._look(follower)

    def _apply(self, polled: Polled) -> None:
        changes: list[Change | Forget] = []
        newest_ms = 0
        for (topic, number), records in polled.records.items():
            stream = self._streams[topic]
            found = [
                Record(number, one.offset, one.timestamp, one.key, one.value, one.headers)
                for one in records
            ]
            newest_ms = max(newest_ms, found[-1].timestamp_ms)
            if stream == USERS:  # Only the newest state of a user counts.
                found = [*{one.key: one for one in found}.values()]
            for record in found:
                changes += self._projection.changes(stream, record)
        touched = self._store.apply(changes, polled.next)
        assert self._reader is not None
        gone = self._gone(changes)
        self._at_risk.refresh(self._reader, touched)
        self._at_risk.forget(gone)
        self.progress.lateness_s = max(0.0, (now_ms() - newest_ms) / 1_000)
        self.progress.version += 1

    def _gone(self, changes: list[Change | Forget]) -> list[int]:
        """Checkpoint after an erasure, and return the users at risk that have no row any more."""
        if not any(isinstance(change, Forget) for change in changes):
            return []
        self._store.checkpoint()
        assert self._reader is not None
        return self._at_risk.missing(self._reader)

    async def _look(self, follower: Follower) -> None:
        """Now and then, see how much is left to read, here and for the pipeline."""
        now_s, progress = time.monotonic(), self.progress
        if now_s - self._looked_s < ENDS_EVERY_S:
            return
        self._looked_s = now_s
        left, ends = await follower.left(), await follower.ends_of_others()
        if (left, ends) != (progress.left, progress.ends):
            progress.version += 1
        progress.left, progress.ends = left, ends
        progress.is_live = progress.is_live or left == 0
        if now_s - self._pruned_s > PRUNE_EVERY_S:
            self._pruned_s = now_s
            before_ms = now_ms() - self._settings.decisions_kept_days * DAY_MS
            await asyncio.to_thread(self._store.prune, before_ms)
