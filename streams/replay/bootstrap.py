"""A past for a new deployment: the core over a history, kept piece by piece so that it can go on.

It observes: whatever the rules say, nobody is treated in the past. What it makes is what a worker
would have made that read the history from the topic in mode ``observe``, and, if it learns, a
learner beside it. It is kept between two rows (or, if it learns, at an epoch of learning), where
nothing is under way: so a bootstrap that goes on from there comes to the same as one that never
stopped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from models import roster_records
from models.snapshot import Keys, load, sign
from models.standing import REPORT
from streams import orders
from streams.core.controls import Mode
from streams.core.outbox import EXAMPLES
from streams.core.partition_record import PAST_KEY
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.errors import UserError
from streams.replay.apprentice import Apprentice
from streams.replay.blocks import Block, Window
from streams.replay.fleet import Fleet

KEEP_EVERY: Final = 250_000
"""Events between two times that it is kept: at most so many states are written at once."""
CLAIMS_MAX: Final = 5_000
"""With more links that were told in vain it is not kept: the note has to fit into a record."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """How far a history was read in: what is to be known besides states and models.

    Attributes:
        history: What is read, and how: a bootstrap of something else cannot go on.
        now_ms: Record timestamp that its events have, epoch ms UTC.
        from_row: Number of the first row that is missing; 1 is the first row of data.
        first_ms: Event time of the first row.
        newest_ms: Newest event time.
        counts: What happened, by name.
        claims: Links that were told in vain.
    """

    history: str
    now_ms: int
    from_row: int = 1
    first_ms: int | None = None
    newest_ms: int | None = None
    counts: dict[str, int] = {}
    claims: tuple[tuple[str, str, int], ...] = ()

    @property
    def window(self) -> Window:
        """Which rows are missing."""
        return Window(from_row=self.from_row)


class Piece(msgspec.Struct, frozen=True):
    """What becomes durable together.

    Attributes:
        changelog: Partition to key and value of what changed; None = deleted.
        models: The same of the models.
    """

    changelog: dict[int, dict[bytes, bytes | None]]
    models: dict[bytes, bytes | None]


class Bootstrap:
    """One run over a history.

    Args:
        rules: The business rules.
        scorer: The model that every score is of; if it learns, in the first block.
        note: What is read, and how far it was.
        keys: That models are signed with.
        partitions: As many as the topic has.
        app_id: Name of the deployment.
        learns: Whether the models learn on the way.
        keep: Makes a piece durable, and returns when it is.
        every: Events between two pieces.
    """

    def __init__(
        self,
        rules: Rules,
        scorer: Scorer,
        note: Note,
        keys: Keys,
        *,
        partitions: int,
        app_id: str,
        learns: bool,
        keep: Callable[[Piece], object],
        every: int,
    ) -> None:
        observed = msgspec.structs.replace(rules, mode=Mode.OBSERVE.value)
        self.fleet = Fleet(
            observed, scorer, partitions=partitions, now_ms=note.now_ms, app_id=app_id
        )
        self.apprentice = Apprentice(observed, keeps_records=True) if learns else None
        self.note = note
        self._keys, self._keep, self._every = keys, keep, every
        self._changed: dict[int, dict[bytes, bytes | None]] = {
            number: {} for number in range(partitions)
        }
        self._kept = 0

    def resume(
        self, contents: Mapping[int, Mapping[bytes, bytes]], models: Mapping[bytes, bytes]
    ) -> None:
        """Go on from what was kept; the note says how far that is.

        Raises:
            UserError: The models cannot be gone on from.
        """
        self.fleet.resume(contents, self.note.claims)
        self.fleet.newest_ms = self.note.newest_ms
        self.fleet.counts.update(self.note.counts)
        self._kept = self.fleet.counts["accepted"]
        if self.apprentice is None:
            return
        found = {}
        for key, data in models.items():
            kind = roster_records.kind_of(key.decode())
            if kind is not None:
                found[key.decode()] = load(data, self._keys, kind)
        roster_records.restore(self.apprentice.roster, found)
        if self.note.from_row > 1:
            self.fleet.use(self.apprentice.scorer())

    def run(self, blocks: Iterable[Block]) -> None:
        """Read in what is missing of a history that is in order of time.

        The blocks must be those of every other try: models learn, and come into force, behind each.
        """
        for block in self._missing(blocks):
            accepted = self.fleet.accept(block)
            self.fleet.apply(accepted, 0, len(accepted.times_ms))
            self._collect()
            self._learn()
            self._keep_if_due(from_row=block.rows[-1] + 1)

    def _learn(self) -> None:
        """Learn all that has matured, and score by it from now on."""
        if self.apprentice is not None:
            self.apprentice.roster.catch_up()
            self.fleet.use(self.apprentice.scorer())

    def _missing(self, blocks: Iterable[Block]) -> Iterator[Block]:
        for block in self.note.window.of(iter(blocks)):
            if self.note.first_ms is None:
                self.note = msgspec.structs.replace(self.note, first_ms=block.times_ms[0])
            yield block

    def end(self, applied: Mapping[int, Mapping[str, int]], learned: Mapping[str, int]) -> None:
        """Make the rest durable, and leave the deployment to its workers.

        Args:
            applied: Partition to topic to the offset with which its worker goes on.
            learned: Topic to the offset with which the learner goes on.
        """
        for partition in self.fleet.partitions:
            partition.applied.update(applied[partition.number])
        self._collect()
        for changed in self._changed.values():
            changed[PAST_KEY] = None
        models = self._models(learned)
        models[PAST_KEY] = None
        self._write(models)

    def _collect(self) -> None:
        for number, harvest in self.fleet.harvests():
            self._changed[number].update(harvest.changelog)
            if self.apprentice is not None and EXAMPLES in harvest.outputs:
                self.apprentice.receive(harvest.outputs[EXAMPLES])

    def _keep_if_due(self, *, from_row: int) -> None:
        """Keep all that there is, if it has been long."""
        if self.fleet.counts["accepted"] - self._kept < self._every:
            return
        claims = self.fleet.claims()
        if len(claims) > CLAIMS_MAX:
            return
        self._collect()
        self.note = msgspec.structs.replace(
            self.note, from_row=from_row, newest_ms=self.fleet.newest_ms,
            counts=dict(self.fleet.counts), claims=tuple(claims),
        )  # fmt: skip
        noted = msgspec.json.encode(self.note)
        for changed in self._changed.values():
            changed[PAST_KEY] = noted
        self._write(self._models({}) | {PAST_KEY: noted})

    def _write(self, models: dict[bytes, bytes | None]) -> None:
        piece = Piece(self._changed, models)
        self._changed = {number: {} for number in self._changed}
        self._kept = self.fleet.counts["accepted"]
        self._keep(piece)

    def _models(self, learned: Mapping[str, int]) -> dict[bytes, bytes | None]:
        if self.apprentice is None:
            return {}
        roster = self.apprentice.roster
        taken: dict[str, Any] = {}
        taken |= roster_records.take(roster, {topic: {0: at} for topic, at in learned.items()})
        taken |= {REPORT: roster.report(), orders.KEY: orders.Orders()}
        written: dict[bytes, bytes | None] = {}
        for key, record in taken.items():
            written[key.encode()] = None if record is None else sign(record, self._keys)
        return written


def begun(note: Note, partitions: int) -> Piece:
    """Return what is written first: from then on no worker takes the deployment for new."""
    noted = msgspec.json.encode(note)
    return Piece({number: {PAST_KEY: noted} for number in range(partitions)}, {PAST_KEY: noted})


def noted(contents: Mapping[int, Mapping[bytes, bytes]], history: str) -> Note | None:
    """Return the note of a bootstrap that did not end; None = there was none.

    Raises:
        UserError: It was of something else.
    """
    found = {content.get(PAST_KEY) for content in contents.values()} - {None}
    if not found:
        return None
    note = msgspec.json.decode(found.pop() or b"", type=Note)
    if note.history != history:
        raise UserError(
            "a bootstrap has not ended, of another history, with other rules, options or another "
            "model",
            "Give the same ones, and it goes on; or begin again with these: --anew.",
        )
    return note
