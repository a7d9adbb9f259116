"""Replay: the same core over a file; with a frozen model it is the oracle of a live run."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from models.bgnbd import BgNbdScorer
from models.serving import serving_scorer
from models.snapshot import Keys, Serving, SnapshotRefused, check, load
from streams.core.inputs import ObservationPaused
from streams.core.lifecycle import Stage
from streams.core.outbox import DECISIONS, EXAMPLES, TOUCHES
from streams.core.rules import Rules, fed
from streams.core.scoring import Scorer
from streams.core.state import decode
from streams.errors import UserError
from streams.replay.blocks import Block
from streams.replay.fleet import Accepted, Fleet, drive
from streams.replay.instants import short_iso
from winback_sender.contract.messages import Output

if TYPE_CHECKING:
    from streams.replay.apprentice import Apprentice

KEPT: Final = (TOUCHES, DECISIONS)


class Replayed(msgspec.Struct, kw_only=True):
    """What a replay came to."""

    events: int
    users: int
    first_event_at: str | None
    last_event_at: str | None
    touches: int
    revocations: int
    alerts: int
    returns: int
    lifecycle: dict[str, int]
    model: str
    examples: int
    examples_learned: int
    rejected: dict[str, int]
    skipped: dict[str, int]
    duplicates: int
    verdicts: dict[str, int]


class Replay:
    """One replay. It is the ``Cuts`` of its run.

    Args:
        rules: The business rules.
        scorer: The model that every score is of; with ``learns``, until the first epoch.
        partitions: As many as the topic has.
        now_ms: Record timestamp of all events, epoch ms UTC.
        app_id: Name of the deployment.
        learns: Whether the model learns on the way.
        keeps: Streams whose records are wanted.
        pauses: When users are not observed, in order of their begin.
    """

    def __init__(
        self,
        rules: Rules,
        scorer: Scorer,
        *,
        partitions: int,
        now_ms: int,
        app_id: str = "winback",
        learns: bool = False,
        keeps: Iterable[str] = (),
        pauses: Iterable[ObservationPaused] = (),
    ) -> None:
        self.fleet = Fleet(
            fed(rules), scorer, partitions=partitions, now_ms=now_ms, app_id=app_id, pauses=pauses
        )
        self.apprentice = _apprentice(rules) if learns else None
        self._keeps = frozenset(keeps)
        self._kept: defaultdict[tuple[str, int], list[Output]] = defaultdict(list)
        self._first_ms: int | None = None

    def run(self, blocks: Iterable[Block]) -> Replayed:
        """Run a log that is in order of time, and close every partition with its watermark."""
        drive(self.fleet, blocks, self, self._cut, self._note)
        self.fleet.close()
        self._collect()
        return self._replayed()

    def after(self, at_ms: int, *, is_over: bool = False) -> int | None:
        """Return the next epoch of learning, or None when nothing is learned."""
        if self.apprentice is None or is_over:
            return None
        return (at_ms // self.apprentice.epoch_ms + 1) * self.apprentice.epoch_ms

    def advance(self, watermark_ms: int) -> None:
        """Let time pass after the log, without an event."""
        self.fleet.advance(watermark_ms)
        self._collect()

    def records(self, stream: str) -> Iterator[bytes]:
        """Yield the values of a kept stream, user by user, each user's in their order.

        In a topic the records of different users lie as chunks happened to mix them; this is the
        order that depends on nothing but the events.
        """
        records = [
            record
            for partition in range(len(self.fleet.partitions))
            for record in self._kept[stream, partition]
        ]
        return (record.value for record in sorted(records, key=_subject_of))

    def _note(self, accepted: Accepted) -> None:
        if self._first_ms is None:
            self._first_ms = accepted.times_ms[0]
        self._collect()

    def _cut(self, at_ms: int) -> None:
        assert self.apprentice is not None
        self._collect()
        self.apprentice.learn_before(at_ms)
        self.fleet.use(self.apprentice.scorer())
        policy = self.apprentice.policy()
        if policy is not None:
            self.fleet.advise(policy)

    def _collect(self) -> None:
        for stream, partition, records in self.fleet.take():
            if stream == EXAMPLES and self.apprentice is not None:
                self.apprentice.receive(records)
            if stream in self._keeps:
                self._kept[stream, partition] += records

    def _replayed(self) -> Replayed:
        fleet, counts = self.fleet, self.fleet.counts
        profiles = [decode(value).profile for _, value in fleet.values()]
        stages = Counter(profile.stage for profile in profiles)
        closed = _named(counts, "closed_")
        newest_ms = fleet.newest_ms
        return Replayed(
            events=counts["accepted"],
            users=sum(partition.users for partition in fleet.partitions),
            first_event_at=None if self._first_ms is None else short_iso(self._first_ms),
            last_event_at=None if newest_ms is None else short_iso(newest_ms),
            touches=counts["touches"],
            revocations=counts["revocations"],
            alerts=sum(closed.values()) + sum(profile.case is not None for profile in profiles),
            returns=closed.get("returned", 0),
            lifecycle={stage.label: stages[stage] for stage in Stage},
            model=fleet.partitions[0].scorer.version,
            examples=counts["examples"],
            examples_learned=0 if self.apprentice is None else self.apprentice.roster.examples,
            rejected=_named(counts, "rejected_"),
            skipped=_named(counts, "skipped_"),
            duplicates=counts["duplicate"],
            verdicts=_named(counts, "verdict_"),
        )


def model_at(path: str, keys: Keys, rules: Rules) -> Scorer:
    """Return the scorer of a snapshot file; the prior when the path is empty.

    Args:
        path: A file that ``--save-model`` wrote, or a value of the topic of models.
        keys: Secrets that it may be signed with.
        rules: The business rules; a model learned under another definition of churn is refused.

    Raises:
        UserError: It cannot be read, or is refused.
    """
    if not path:
        return BgNbdScorer(float(rules.churn.horizon_ms))
    try:
        serving = load(Path(path).read_bytes(), keys, Serving)
        check(serving, horizon_ms=rules.churn.horizon_ms, rules_hash=rules.hash)
        return serving_scorer(serving)
    except OSError as error:
        raise UserError(f"the model {path} cannot be read: {error.strerror}") from None
    except SnapshotRefused as refusal:
        raise UserError(
            f"the model {path} is refused: {refusal}",
            "use a model that was learned under these rules and signed with WINBACK_MODEL_KEY",
        ) from None


def _apprentice(rules: Rules) -> "Apprentice":
    from streams.replay.apprentice import Apprentice  # noqa: PLC0415 (River and LightGBM: seconds)

    return Apprentice(rules)


def _subject_of(record: Output) -> bytes:
    return dict(record.headers).get("ce_subject", b"")


def _named(counts: Counter[str], prefix: str) -> dict[str, int]:
    found = {name.removeprefix(prefix): count for name, count in counts.items() if count}
    return {name: found[name] for name in sorted(found) if f"{prefix}{name}" in counts}
