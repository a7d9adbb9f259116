"""All partitions of a service in one process: the pure core over a log, without Kafka."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, Protocol

import numpy as np

from streams.core.decoded import Rejected, Skipped, inputs_of
from streams.core.harvest import Harvest
from streams.core.inputs import Input, Linked, ObservationPaused, WatermarkPassed
from streams.core.partition import Partition
from streams.core.partitioner import Partitioner, partition_of_key
from streams.core.rules import Rules
from streams.core.scoring import F64, Advisor, Observer, Scorer
from streams.core.signals import Signals
from streams.core.state import WIDTH
from streams.replay.blocks import Block
from streams.replay.events import credible
from streams.replay.reading import make_read
from streams.replay.ties import Ties, person
from winback_sender.contract.messages import Output

SLICE_ROWS: Final = 8_192
"""Inputs applied at once, over all partitions; the size changes speed and nothing else."""


class Accepted:
    """The rows of a block that are inputs.

    Args:
        inputs: In the order of the log.
        user_ids: Whose each is.
        times_ms: When each was, epoch ms UTC.
        rows: Their numbers in the file.
    """

    def __init__(
        self,
        inputs: list[Input],
        user_ids: list[str],
        times_ms: list[int],
        rows: Sequence[int] = (),
    ) -> None:
        self.inputs, self.user_ids, self.times_ms, self.rows = inputs, user_ids, times_ms, rows

    @cached_property
    def signals(self) -> Signals:
        """The inputs as columns, made once however often they are run."""
        return Signals.of(self.inputs)


class Fleet:
    """Every partition of a deployment.

    Args:
        rules: The business rules.
        scorer: The model in force from the start.
        partitions: How many there are.
        own: Numbers of those that are run here; None = all.
        now_ms: Record timestamp that the events are taken to have, epoch ms UTC.
        app_id: Name of the deployment.
        is_shadow: Decide, but treat nobody.
        observer: Watches scores and alerts.
        pauses: When users are not observed, in order of their begin; each is told when it begins.

    Attributes:
        partitions: Those that are run here, in the order of their numbers.
        counts: What happened so far, by name.
        newest_ms: Newest event time of the log, accepted or not, that is not from the future.
    """

    def __init__(
        self,
        rules: Rules,
        scorer: Scorer,
        *,
        partitions: int,
        now_ms: int,
        own: Sequence[int] | None = None,
        app_id: str = "winback",
        is_shadow: bool = False,
        observer: Observer | None = None,
        pauses: Iterable[ObservationPaused] = (),
    ) -> None:
        self.partitions = [
            Partition(
                number,
                rules,
                scorer,
                of=partitions,
                app_id=app_id,
                is_shadow=is_shadow,
                observer=observer,
            )
            for number in (range(partitions) if own is None else own)
        ]
        self.counts: Counter[str] = Counter()
        self.newest_ms: int | None = None
        self._read = make_read(rules, now_ms)
        self._of = partitions
        self._partitioner = Partitioner(partitions)
        self._places = {each.number: place for place, each in enumerate(self.partitions)}
        self._now_ms = now_ms
        self._pauses = deque(pauses)
        self._parts: list[list[Input]] = [[] for _ in self.partitions]
        self._ties = Ties(self.partitions, self._partitioner, self._flush)

    def accept(self, block: Block) -> Accepted:
        """Decode the rows of a block as the service would; what is no input is counted."""
        rows: list[int] = []
        accepted = Accepted([], [], [], rows)
        if times_ms := credible(block.times_ms, self._now_ms):
            self.newest_ms = max(self.newest_ms or 0, *times_ms)
        for row, user_id, decoded in zip(
            block.rows, block.user_ids, self._read(block), strict=True
        ):
            if isinstance(decoded, Rejected):
                self.counts[f"rejected_{decoded.reason}"] += 1
            elif isinstance(decoded, Skipped):
                self.counts[f"skipped_{decoded.reason}"] += 1
            for signal in inputs_of(decoded):
                accepted.inputs.append(signal)
                accepted.user_ids.append(user_id)
                accepted.times_ms.append(signal.event_time_ms)
                rows.append(row)
        return accepted

    def apply(
        self, accepted: Accepted, begin: int, end: int, watermark_ms: int | None = None
    ) -> None:
        """Apply the inputs ``begin`` to ``end``, each partition its own in their order.

        Args:
            accepted: Inputs in the order of the log.
            begin: The first to apply.
            end: The first not to apply.
            watermark_ms: Then every timer up to here fires.
        """
        if self._is_plain(accepted):
            self._apply_plainly(accepted, begin, end, watermark_ms)
            return
        last = range(begin, max(end, begin + 1), SLICE_ROWS)[-1]
        parts, ties, places, partitioner = self._parts, self._ties, self._places, self._partitioner
        for start in range(begin, last + 1, SLICE_ROWS):
            stop = min(end, start + SLICE_ROWS)
            for place in range(start, stop):
                if self._pauses:
                    self._tell(accepted.times_ms[place])
                signal, user_id = accepted.inputs[place], accepted.user_ids[place]
                if ties.are_any or type(signal) is Linked:
                    signal = ties.own(signal)
                    user_id = getattr(signal, "user_id", user_id)
                    if type(signal) is Linked and ties.is_news(signal):
                        ties.link(signal)
                        continue
                parts[places[partitioner[user_id]]].append(signal)
            if watermark_ms is not None and start == last:
                self._tell(watermark_ms)
                for inputs in parts:
                    inputs.append(WatermarkPassed(watermark_ms))
            self._flush_all()

    def _is_plain(self, accepted: Accepted) -> bool:
        """Return whether the inputs are those of the only partition, as they are."""
        is_one = len(self.partitions) == 1 and not self._pauses and not self._ties.are_any
        return is_one and Linked not in accepted.signals.kinds

    def _apply_plainly(
        self, accepted: Accepted, begin: int, end: int, watermark_ms: int | None
    ) -> None:
        for start in range(begin, end, SLICE_ROWS):
            self._told(0, accepted.signals[start : min(end, start + SLICE_ROWS)])
        if watermark_ms is not None:
            self._told(0, [WatermarkPassed(watermark_ms)])

    def _flush(self, number: int) -> None:
        """Apply what waits for a partition."""
        inputs = self._parts[number]
        if inputs:
            self._parts[number] = []
            self._told(number, inputs)

    def _told(self, number: int, inputs: Sequence[Input]) -> None:
        """Apply inputs to a partition."""
        for refused in self.partitions[number].apply(inputs):
            self.counts[f"rejected_{refused.reason}"] += 1

    def _flush_all(self) -> None:
        for number in range(len(self.partitions)):
            self._flush(number)
        if self._ties.are_any:
            self._ties.deliver(self.partitions)

    def advance(self, watermark_ms: int) -> None:
        """Fire every timer up to an instant."""
        self._tell_all(watermark_ms)
        for partition in self.partitions:
            partition.advance(watermark_ms)

    def close(self) -> None:
        """Say to every partition that nothing older than `newest_ms` follows, as a feed does."""
        if self.newest_ms is not None:
            self._tell_all(self.newest_ms)
            for partition in self.partitions:
                partition.apply([WatermarkPassed(self.newest_ms)])

    def _tell(self, until_ms: float) -> None:
        """Add to the inputs of partitions which users are not observed from an instant on."""
        while self._pauses and self._pauses[0].from_ms <= until_ms:
            pause = self._pauses.popleft()
            self.counts["accepted"] -= 1  # It is no event of the log.
            self._parts[self._places[self._partitioner[pause.user_id]]].append(pause)

    def _tell_all(self, until_ms: float) -> None:
        self._tell(until_ms)
        self._flush_all()

    @property
    def given_up(self) -> Mapping[str, str]:
        """Each id that was given up by now to the one that took it over."""
        return self._ties.given_up

    def claims(self) -> list[tuple[str, str, int]]:
        """Return the links that were told in vain: what `resume` needs besides the changelog."""
        return self._ties.claims() if self._ties.are_any else []

    def resume(
        self, contents: Mapping[int, Mapping[bytes, bytes]], claims: Iterable[tuple[str, str, int]]
    ) -> None:
        """Go on from what was taken, as long as all that was applied had been.

        Args:
            contents: Partition to the content of its changelog.
            claims: As `claims` returned them then.
        """
        given_up: dict[str, str] = {}
        for partition in self.partitions:
            partition.restore(contents[partition.number])
            given_up |= partition.relations.stubs.known()
        self._ties.resume(given_up, claims)

    def use(self, scorer: Scorer) -> None:
        """Score with another model from now on."""
        for partition in self.partitions:
            partition.use(scorer)

    def advise(self, advisor: Advisor) -> None:
        """Go by what was learned of contacts from now on."""
        for partition in self.partitions:
            partition.advise(advisor)

    def harvests(self) -> Iterator[tuple[int, Harvest]]:
        """Yield partitions with what is not written yet; and forget it."""
        for partition in self.partitions:
            harvest = partition.take()
            self.counts.update(harvest.counts)
            yield partition.number, harvest

    def take(self) -> Iterator[tuple[str, int, list[Output]]]:
        """Yield what is to be written: stream, partition, records; and forget it."""
        for number, harvest in self.harvests():
            for stream, records in harvest.outputs.items():
                yield stream, number, records
            for stream, records in harvest.keyed.items():
                for record in records:
                    assert record.key is not None, "what goes to the partition of its key has one"
                    yield stream, partition_of_key(record.key, self._of), [record]

    def heads(self, user_ids: Sequence[str], at_ms: F64) -> tuple[F64, list[int]]:
        """Return the numbers of users as a model has to see them, and the places of the known.

        Args:
            user_ids: Shape (users,).
            at_ms: Shape (users,): when each is looked at.

        Returns:
            Shape (known users, WIDTH), and as many places in ``user_ids``.
        """
        known: list[int] = []
        parts = []
        places: list[list[int]] = [[] for _ in self.partitions]
        for place, user_id in enumerate(user_ids):
            places[self._places[self._partitioner[user_id]]].append(place)
        for partition, own in zip(self.partitions, places, strict=True):
            found = [place for place in own if partition.value(user_ids[place]) is not None]
            if found:
                ids = [user_ids[place] for place in found]
                parts.append(partition.heads_at(ids, at_ms[found]))
                known += found
        return (np.concatenate(parts) if parts else np.empty((0, WIDTH))), known

    def has(self, user_id: str) -> bool:
        """Return whether the partition of a user is run here."""
        return self._partitioner[user_id] in self._places

    def value(self, user_id: str) -> bytes | None:
        """Return a user's state, by any id of the person, or None for an unknown user."""
        user_id = person(user_id, self.given_up)
        return self.partitions[self._places[self._partitioner[user_id]]].value(user_id)

    def values(self) -> Iterator[tuple[str, bytes]]:
        """Yield id and state of every user."""
        for partition in self.partitions:
            yield from partition.values()


class Cuts(Protocol):
    """Instants at which a run stops and looks around."""

    def after(self, at_ms: int, *, is_over: bool = False) -> int | None:
        """Return the first cut after an instant, or None; ``is_over``: the log has ended."""


def drive(
    fleet: Fleet,
    blocks: Iterable[Block],
    cuts: Cuts,
    on_cut: Callable[[int], None],
    on_block: Callable[[Accepted], None],
) -> None:
    """Run a log through a fleet; at every cut all events and timers before it have happened.

    Args:
        fleet: Takes the events.
        blocks: The log, in order of time.
        cuts: Where to stop.
        on_cut: Called at each cut, with its instant.
        on_block: Called after each block.
    """
    cut: int | None = None
    position: int | None = None
    for block in blocks:
        accepted = fleet.accept(block)
        times = accepted.times_ms
        if not times:
            continue
        if position is None:
            position = times[0] - 1
            cut = cuts.after(position)
        begin = 0
        while cut is not None and times[-1] >= cut:
            end = bisect_left(times, cut, begin)
            fleet.apply(accepted, begin, end, cut - 1)
            on_cut(cut)
            begin, position = end, cut
            cut = cuts.after(position)
        fleet.apply(accepted, begin, len(times))
        on_block(accepted)
    while position is not None and (cut := cuts.after(position, is_over=True)) is not None:
        fleet.advance(cut - 1)
        on_cut(cut)
        position = cut
