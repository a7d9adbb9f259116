"""Restoring partitions: from state files where there are any that fit, and from the changelog."""

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from streams.core.stored import StaleStartError, Stored
from streams.runtime.lane import Engine
from streams.runtime.recovery import Read, read_on, without_deleted

if TYPE_CHECKING:
    from streams.runtime.lanes import LaneOptions


class Restored(NamedTuple):
    """A partition as its changelog says.

    Attributes:
        engine: Its state.
        records: How many users and records of ours there are.
        durable_to: Everything of the changelog before this offset is in it.
    """

    engine: Engine
    records: int
    durable_to: int


class Resuming(Protocol):
    """An engine of which there are state files."""

    @property
    def users(self) -> int:
        """How many there are."""

    def resume(self, stored: Stored, changes: Mapping[bytes, bytes | None]) -> None:
        """Take over what was stored, and what the changelog says has changed since.

        Raises:
            StaleStartError: Together they are not the state; the engine is of no use any more.
        """


async def restored(options: "LaneOptions", partitions: Collection[int]) -> dict[int, Restored]:
    """Return partitions as their changelog says; whoever asks has raised the fence.

    Raises:
        UserError: A state was made with other rules or keys, or by a newer version.
        KafkaError: The broker is away or refuses.
    """
    if not partitions:
        return {}
    with _nothing_collected():
        found = await _resumed(options, partitions) if options.state_files else {}
        rest = [partition for partition in partitions if partition not in found]
        if rest:
            read = await read_on(
                options.cluster, options.changelog, dict.fromkeys(rest),
                tell=options.observer.restoring,
            )  # fmt: skip
            found |= {partition: _from_changelog(options, partition, read) for partition in rest}
    return found


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the collector from looking through millions of users, again and again, as they come."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _from_changelog(options: "LaneOptions", partition: int, read: Read) -> Restored:
    records = without_deleted(read.contents.pop(partition))
    engine = options.make_engine(partition)
    engine.restore(records)
    return Restored(engine, len(records), read.ends[partition])


async def _resumed(options: "LaneOptions", partitions: Collection[int]) -> dict[int, Restored]:
    """Return those partitions of which there is a state file that can be used."""
    files = options.state_files
    assert files is not None
    starts = await files.starts(partitions)
    if not starts:
        return {}
    offsets = {partition: start.head.offset for partition, start in starts.items()}
    read = await read_on(
        options.cluster, options.changelog, offsets, tell=options.observer.restoring
    )
    found = {}
    for partition in list(starts):
        head, stored = starts.pop(partition)
        reason = files.misfit(head, read)
        engine = options.make_engine(partition)
        resuming = cast("Resuming", engine)  # Who has state files has engines that can.
        if not reason:
            try:
                resuming.resume(stored, read.contents.pop(partition))
            except StaleStartError as error:
                reason = str(error)
        if reason:
            files.ignore(partition, reason)
            continue
        files.use(partition, head)
        found[partition] = Restored(engine, resuming.users, read.ends[partition])
    return found
