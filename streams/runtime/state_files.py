"""State files: a head start for who restores a partition on a machine that has had it before.

A file holds what the changelog holds before an offset; what follows is read from Kafka, behind the
fence. So a file is never more than a shorter way to the same state, and it may be missing, old,
torn or somebody else's: then it is left alone, and the changelog is read from its beginning. It is
used only if

- it is whole (a CRC for each frame, and an end);
- it is of this very topic, by Kafka's own id, and this partition;
- it is young: tombstones stay in a changelog for a day (``delete.retention.ms``), and a user whose
  tombstone was compacted away would come back from an older file;
- with what follows it comes to as many users as the partition says it has (`Partition.restore`).

What goes into a file is durable: it is taken at the instant at which a commit is, and written when
that commit is acknowledged, with the offset behind it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, Protocol

from streams.core.stored import Stored
from streams.runtime.metric_list import Metric
from streams.runtime.recovery import Read
from streams.runtime.state_folder import SUFFIX, Draft, Folder
from streams.runtime.state_format import BrokenFileError, Head, Reading, frame, payloads
from streams.runtime.state_intake import Run, rest_of
from streams.runtime.ticks import now_ms
from winback_sender.logs import get_logger

log = get_logger(__name__)

AGE_MAX_MS: Final = 12 * 3_600_000
"""Half of the time for which tombstones stay, so that a slow restore and a wrong clock have room.
No file is kept for longer, also not of a partition that is somebody else's by now."""
WORTH_USERS: Final = 250_000
"""Fewer are read from Kafka within a second; then no file of people has to lie about."""
TAIL_SHARE: Final = 0.1
"""A file is written anew when so much has changed since, measured by the number of users."""
LOOK_S: Final = 10.0
BYTES_PER_S: Final = 64 << 20
"""While the partition is at work. Four gigabytes take a minute."""


class Start(NamedTuple):
    """Where a restore may begin.

    Attributes:
        head: What the file says it is.
        stored: What is in it.
    """

    head: Head
    stored: Stored


class Written(NamedTuple):
    """What is known of the file of a partition.

    Attributes:
        offset: Everything of the changelog before it is in the file.
        made_ms: When that was so.
    """

    offset: int
    made_ms: int


class Lane(Protocol):
    """Of whom a file is written."""

    @property
    def durable_to(self) -> int:
        """Everything of its changelog before this offset is what the partition stands on."""

    async def durable(self, look: Callable[[Any], Any]) -> tuple[Any, int] | None:
        """Look at the engine, and answer when what was seen is durable."""


class Counter(Protocol):
    """Who counts."""

    def add(self, metric: Any, amount: float = 1, **labels: object) -> None:
        """Count something."""


class StateFiles:
    """The state files of a worker.

    Args:
        folder: Where they lie.
        topic: The changelog.
        ask_id: Asks Kafka for the id of the topic; empty = it does not tell.
        every_s: Least time between two files of a partition.
        worth_users: A worker that has fewer users restores as fast without a file.
        age_max_ms: Older files are taken away; after half of it they are written anew in any case.
        metrics: Where it is counted.
        run: Runs what waits for the disk; by default in a thread.
        clock: The time of day, epoch ms UTC.
    """

    def __init__(
        self,
        folder: Folder,
        topic: str,
        ask_id: Callable[[], Awaitable[str]],
        *,
        every_s: float,
        worth_users: int,
        age_max_ms: int = AGE_MAX_MS,
        metrics: Counter,
        run: Run = asyncio.to_thread,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._folder, self._topic, self._ask_id = folder, topic, ask_id
        self._every_s, self._worth_users, self._metrics = every_s, worth_users, metrics
        self._age_max_ms = age_max_ms
        self._run, self._now_ms = run, clock
        self._topic_id = ""
        self._written: dict[int, Written] = {}
        self._has_complained = False

    # -- in

    async def identify(self) -> None:
        """Ask Kafka which topic it is; to be done before the topic is read."""
        self._topic_id = await self._ask_id()

    async def starts(self, partitions: Collection[int]) -> dict[int, Start]:
        """Return what there is to begin with, by partition."""
        for number in partitions:
            self._written.pop(number, None)
        if not self._topic_id:
            return {}
        read = await asyncio.gather(*(self._start(number) for number in partitions))
        found: dict[int, Start] = {}
        for number, start in zip(partitions, read, strict=True):
            if isinstance(start, Start):
                found[number] = start
            elif start:
                self.ignore(number, start)
        return found

    async def _start(self, partition: int) -> Start | str:
        """Return what is in a file, or why it is not used; nothing when there is none."""
        try:
            with await self._run(self._folder.read, _name(partition)) as file:
                reading = await self._run(Reading, file)
                reason = self._misfit(reading.head, partition)
                return reason or Start(reading.head, await rest_of(reading, self._run))
        except FileNotFoundError:
            return ""
        except (BrokenFileError, OSError) as error:
            return str(error)

    def _misfit(self, head: Head, partition: int) -> str:
        if (head.topic, head.topic_id) != (self._topic, self._topic_id):
            return "it is of another topic, or the topic was made anew"
        if head.partition != partition:
            return "it is of another partition"
        return self._outdated(head, self._now_ms())

    def misfit(self, head: Head, read: Read) -> str:
        """Say why a file does not fit what was read behind it; nothing when it does."""
        if head.partition in read.unread:
            return "the changelog does not reach to where it ends"
        # Somebody else's clock may know better how old it is.
        return self._outdated(head, max(self._now_ms(), read.newest_ms[head.partition]))

    def _outdated(self, head: Head, at_ms: int) -> str:
        age_ms = at_ms - head.made_ms
        if age_ms > self._age_max_ms:
            return "it is too old: tombstones may be gone"
        return "it was made in what the clock takes for the future" if age_ms < 0 else ""

    def ignore(self, partition: int, reason: str) -> None:
        """Say that a file is not used."""
        log.warning(
            "state_file_ignored", partition=partition, reason=reason,
            next="the changelog is read from its beginning",
        )  # fmt: skip
        self._metrics.add(Metric.STATE_FILES, result="ignored")

    def use(self, partition: int, head: Head) -> None:
        """Note that a file was used."""
        self._written[partition] = Written(head.offset, head.made_ms)
        self._metrics.add(Metric.STATE_FILES, result="used")

    # -- out

    async def keep(self, lanes: Callable[[], Mapping[int, Lane]]) -> None:
        """Write what is due, one partition after the other, for ever."""
        while True:
            await self._run(self._tidy)
            users = sum(_users(lane) for lane in lanes().values())
            for partition, lane in list(lanes().items()):
                if lanes().get(partition) is lane and self._is_due(partition, lane, users):
                    await self._write_beside(partition, lane)
            await asyncio.sleep(LOOK_S)

    def _is_due(self, partition: int, lane: Lane, users: int) -> bool:
        if not self._topic_id or users < self._worth_users:
            return False
        written = self._written.get(partition)
        if written is None:
            return True
        age_ms = self._now_ms() - written.made_ms
        tail = lane.durable_to - written.offset
        is_far = tail > TAIL_SHARE * _users(lane)
        return (
            2 * age_ms > self._age_max_ms
            or age_ms < 0
            or (is_far and age_ms >= 1000 * self._every_s)
        )

    async def _write_beside(self, partition: int, lane: Lane) -> None:
        """Write a file while the partition is at work."""
        made_ms, topic_id = self._now_ms(), self._topic_id
        found = await lane.durable(_stored)
        if found is not None:
            stored, offset = found
            head = self._head(topic_id, partition, offset, made_ms)
            await self._write(head, stored, BYTES_PER_S)

    async def leave(self, left: Mapping[int, tuple[Any, int]]) -> None:
        """Write the files of partitions that are no longer at work, at once.

        Args:
            left: Engine and durable offset by partition.
        """
        users = sum(engine.users for engine, _ in left.values())
        if not self._topic_id or users < self._worth_users:
            return
        for partition, (engine, offset) in left.items():
            written = self._written.get(partition)
            if written is not None and written.offset == offset:
                continue
            head = self._head(self._topic_id, partition, offset, self._now_ms())
            await self._write(head, _stored(engine), 0)

    def _head(self, topic_id: str, partition: int, offset: int, made_ms: int) -> Head:
        return Head(
            topic=self._topic, topic_id=topic_id, partition=partition, offset=offset,
            made_ms=made_ms,
        )  # fmt: skip

    async def _write(self, head: Head, stored: Stored, bytes_per_s: float) -> None:
        """Write a file; a disk that is full is told, and nothing depends on it."""
        try:
            draft = await self._run(self._folder.draft, _name(head.partition))
            try:
                await self._fill(draft, head, stored, bytes_per_s)
                await self._run(draft.finish)
            finally:
                draft.drop()
        except OSError as error:
            self._metrics.add(Metric.STATE_FILES, result="failed")
            # Else it would be tried again at once.
            self._written[head.partition] = Written(head.offset, head.made_ms)
            if not self._has_complained:
                self._has_complained = True
                log.warning(
                    "state_file_failed", partition=head.partition, error=str(error),
                    next="nothing is lost; the next restore reads all of the changelog",
                )  # fmt: skip
            return
        self._has_complained = False
        self._written[head.partition] = Written(head.offset, head.made_ms)
        self._metrics.add(Metric.STATE_FILES, result="written")

    async def _fill(self, draft: Draft, head: Head, stored: Stored, bytes_per_s: float) -> None:
        loop = asyncio.get_running_loop()
        started_s, size = loop.time(), 0
        for payload in payloads(head, stored):
            await self._run(_put, draft, payload)
            size += len(payload)
            if bytes_per_s:
                await asyncio.sleep(max(0.0, started_s + size / bytes_per_s - loop.time()))

    def _tidy(self) -> None:
        """Take away what nobody may use any more."""
        self._folder.clear()
        for name in self._folder.names():
            try:
                with self._folder.read(name) as file:
                    is_old = self._now_ms() - Reading(file).head.made_ms > self._age_max_ms
            except FileNotFoundError:
                continue
            except (BrokenFileError, OSError):
                is_old = True
            if is_old:
                self._folder.remove(name)


def _stored(engine: Any) -> Stored:
    stored: Stored = engine.stored()
    return stored


def _users(lane: Any) -> int:
    users: int = lane.engine.users
    return users


def _put(draft: Draft, payload: bytes) -> None:
    draft.write(frame(payload))
    draft.write(payload)


def _name(partition: int) -> str:
    return f"{partition}{SUFFIX}"
