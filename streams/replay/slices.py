"""A log in slices of event time: before the end of a slice all that lies in it has happened."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from streams.replay.blocks import Block
from streams.replay.events import credible

SLICE_ROWS: Final = 16_384
"""Rows after which a slice ends at the next instant that may be its end; it changes no result."""


class Slice(NamedTuple):
    """A part of a log.

    Attributes:
        block: Its rows, all before ``until_ms``.
        epochs: When the model changes, in order, the last one at ``until_ms``.
        until_ms: Where it ends; None = before the next epoch, and time is not pushed on.
        newest_ms: Newest credible event time of the log so far, epoch ms UTC; None = none yet.
        is_last: Nothing follows.
    """

    block: Block
    epochs: list[int]
    until_ms: int | None
    newest_ms: int | None
    is_last: bool


def sliced(
    blocks: Iterable[Block],
    epoch_after: Callable[[int], int],
    now_ms: int,
    rows: int = SLICE_ROWS,
) -> Iterator[Slice]:
    """Cut a log into slices, the ends of which depend on its rows alone.

    Args:
        blocks: The log, in order of time, in blocks of any size.
        epoch_after: Returns the first epoch after an instant.
        now_ms: Record timestamp of all events: later ones move no time.
        rows: So many make a slice, or the next epoch after them.
    """
    waiting = Block([], [], [], [], [], [], None)
    epoch: int | None = None
    newest_ms: int | None = None
    for block in _of_rows(blocks, rows):
        waiting = joined(waiting, block)
        epochs: list[int] = []
        if times := credible(block.times_ms, now_ms):
            newest_ms = max(newest_ms or 0, *times)
            epoch = epoch_after(times[0] - 1) if epoch is None else epoch
            while epoch <= newest_ms:
                epochs.append(epoch)
                epoch = epoch_after(epoch)
        end = bisect_left(waiting.times_ms, epochs[-1]) if epochs else len(waiting.rows)
        part, waiting = waiting.cut(0, end), waiting.cut(end, len(waiting.rows))
        yield Slice(part, epochs, epochs[-1] if epochs else None, newest_ms, is_last=False)
    yield Slice(waiting, [], None, newest_ms, is_last=True)


def _of_rows(blocks: Iterable[Block], rows: int) -> Iterator[Block]:
    """Yield a log in blocks of so many rows, however it was read."""
    waiting: list[Block] = []
    count = 0
    for block in blocks:
        begin = 0
        while count + len(block.rows) - begin >= rows:
            end = begin + rows - count
            yield _all([*waiting, block.cut(begin, end)])
            waiting, count, begin = [], 0, end
        if begin < len(block.rows):
            rest = block.cut(begin, len(block.rows)) if begin else block
            waiting.append(rest)
            count += len(rest.rows)
    if waiting:
        yield _all(waiting)


def joined(first: Block, second: Block) -> Block:
    """Return two blocks as one."""
    return _all([first, second]) if first.rows else second


def _all(blocks: list[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    extras = None
    if any(block.extras is not None for block in blocks):
        extras = [extra for block in blocks for extra in (block.extras or [{} for _ in block.rows])]
    return Block(
        rows=[row for block in blocks for row in block.rows],
        event_ids=[event_id for block in blocks for event_id in block.event_ids],
        user_ids=[user_id for block in blocks for user_id in block.user_ids],
        times_ms=[at_ms for block in blocks for at_ms in block.times_ms],
        events=[event for block in blocks for event in block.events],
        amounts=[amount for block in blocks for amount in block.amounts],
        extras=extras,
    )
