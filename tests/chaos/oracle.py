"""What a run must have come to: the pure replay of the same file says it, record for record."""

from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition

from benchmarks.stand import NotInTimeError, Stand, committed

ACTIVITY: Final = "user-activity"
TOUCHES: Final = "win-back"
DECISIONS: Final = "win-back-decisions"
JOURNAL: Final = "winback-journal"
SHOWN: Final = 3


class Findings(NamedTuple):
    """Where the run and the replay differ; all zero when nothing was lost or doubled.

    Attributes:
        state: Users whose line of ``state export`` differs, lacks or is too much.
        missing: Records of the touch topic that the replay has and the run has not.
        extra: The other way round.
        twice: Touches that were requested more than once.
        decisions: Decisions that differ.
        journal: Holes and overlaps in what the journal says was applied.
        touches: Touches requested.
        users: Users with a state.
        details: Some of the differences.
    """

    state: int
    missing: int
    extra: int
    twice: int
    decisions: int
    journal: int
    touches: int
    users: int
    details: list[str]

    @property
    def is_exact(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return not any((
            self.state, self.missing, self.extra, self.twice, self.decisions, self.journal
        ))  # fmt: skip


class Journal:
    """Follows the journal: up to where each partition's input is durable."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_committed", group_id=None,
            enable_auto_commit=False, auto_offset_reset="earliest", request_timeout_ms=20_000,
        )  # fmt: skip
        numbers = sorted(self._consumer.partitions_for_topic(JOURNAL))
        self._parts = [TopicPartition(JOURNAL, number) for number in numbers]
        self._sources = [TopicPartition(ACTIVITY, number) for number in numbers]
        self._consumer.assign(self._parts)
        self._consumer.seek_to_beginning(*self._parts)
        self.next: dict[int, int] = dict.fromkeys(numbers, 0)
        self.faults: list[str] = []

    def is_complete(self) -> bool:
        """Read on; return whether every partition is durable to the end of its source."""
        for part, records in self._consumer.poll(200).items():
            for record in records:
                self._note(part.partition, msgspec.json.decode(record.value))
        ends = self._consumer.end_offsets(self._sources)
        return all(self.next[source.partition] >= end for source, end in ends.items())

    def _note(self, partition: int, entry: dict[str, Any]) -> None:
        for topic, begin, end in entry["inputs"]:
            if topic == ACTIVITY:
                if begin != self.next[partition]:
                    self.faults.append(
                        f"journal[{partition}]: applied to {self.next[partition]}, then {begin}"
                    )
                self.next[partition] = end

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()


def examine(stand: Stand, log: Path, *, has_journal: bool = True) -> Findings:
    """Compare the topics with the replay of the file that was fed."""
    lived_state = stand.run("state", "export").splitlines()
    paths = {
        name: stand.directory / f"replayed-{name}.jsonl"
        for name in ("state", "touches", "decisions")
    }
    stand.run("replay", log, "--quiet", *(
        part for name, path in paths.items() for part in (f"--{name}", str(path))
    ))  # fmt: skip
    replayed = {name: path.read_text().splitlines() for name, path in paths.items()}
    (stand.directory / "lived-state.jsonl").write_text("\n".join(lived_state))
    state = _differing(_by_user(lived_state), _by_user(replayed["state"]))
    touches = _values(stand, TOUCHES)
    missing, extra = _apart(touches, Counter(replayed["touches"]))
    unlike = _apart(_values(stand, DECISIONS), Counter(replayed["decisions"]))
    asked = Counter(
        said["touch_id"]
        for said in (msgspec.json.decode(line) for line in touches.elements())
        if said["type"] == "touch.requested"
    )
    faults = journal_faults(stand.bootstrap) if has_journal else []
    return Findings(
        state=len(state), missing=missing.total(), extra=extra.total(),
        twice=sum(count - 1 for count in asked.values()),
        decisions=sum(part.total() for part in unlike), journal=len(faults),
        touches=len(asked), users=len(replayed["state"]),
        details=[
            *state[:SHOWN],
            *(f"missing: {line}" for line in list(missing)[:SHOWN]),
            *(f"extra: {line}" for line in list(extra)[:SHOWN]),
            *faults[:SHOWN],
        ],
    )  # fmt: skip


def _by_user(lines: list[str]) -> dict[str, str]:
    return {msgspec.json.decode(line)["user_id"]: line for line in lines}


def _differing(lived: dict[str, str], replayed: dict[str, str]) -> list[str]:
    users = sorted(lived.keys() | replayed.keys())
    return [
        f"{user}:\n  lived    {lived.get(user)}\n  replayed {replayed.get(user)}"
        for user in users
        if lived.get(user) != replayed.get(user)
    ]


def _values(stand: Stand, topic: str) -> Counter[str]:
    return Counter(record.value.decode() for record in committed(stand.bootstrap, topic))


def _apart(lived: Counter[str], replayed: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """Return what only the replay has, and what only the run has."""
    return replayed - lived, lived - replayed


def journal_faults(bootstrap: str) -> list[str]:
    """Return holes and overlaps in what the journal says was applied.

    Raises:
        NotInTimeError: It does not reach the end of its sources.
    """
    journal = Journal(bootstrap)
    try:
        for _ in range(200):
            if journal.is_complete():
                return journal.faults
    finally:
        journal.close()
    raise NotInTimeError("the journal does not reach the end of its sources")
