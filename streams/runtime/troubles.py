"""What is wrong with a process, in words: each trouble has the name of its alert in the runbook."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from faust.types import TP

from streams.core.input_fuse import FuseRecord

BEHIND_S: Final = 30.0
"""As in the alert of that name."""
FULL_SHARE: Final = 0.9
RUNBOOK: Final = "docs/runbook.md"


class Trouble(NamedTuple):
    """One thing that is wrong.

    Attributes:
        alert: Its alert, a heading of the runbook.
        what: What is wrong, a sentence.
        then: What to do first, a sentence.
    """

    alert: str
    what: str
    then: str

    def __str__(self) -> str:
        return f"{self.alert}: {self.what} {self.then} See {RUNBOOK}#{self.alert.lower()}"


class Seen(NamedTuple):
    """What a process knows of itself.

    Attributes:
        is_kafka_away: The brokers do not answer.
        still_s: For how long nothing has moved although records wait; 0 = something moves.
        waiting: Records that wait.
        held: Sources that are not read on, and why.
        lags: Records that lie unread, by source.
        lags_s: Age of the newest record that was applied, by source, where more lies behind it.
        fullest: Partition with most users, and its share of those that there may be.
        facts: What the role says of itself.
    """

    is_kafka_away: bool = False
    still_s: float = 0.0
    waiting: int = 0
    held: Mapping[TP, FuseRecord] = {}
    lags: Mapping[TP, int] = {}
    lags_s: Mapping[TP, float] = {}
    fullest: tuple[int, float] = (0, 0.0)
    facts: Mapping[str, object] = {}


def troubles_of(seen: Seen) -> Iterator[Trouble]:
    """Yield what is wrong, causes before what follows from them."""
    if seen.is_kafka_away:
        yield Trouble(
            "WinbackKafkaAway", "The brokers do not answer.",
            "Look at Kafka; nothing is lost, and this process goes on by itself.",
        )  # fmt: skip
    elif seen.still_s:
        yield Trouble(
            "WinbackStuck",
            f"{seen.waiting:,} records wait, and nothing has moved for {seen.still_s:.0f} s.",
            "Keep the log, then restart it: it goes on where it was.",
        )  # fmt: skip
    yield from _of_inputs(seen)
    yield from _of_facts(seen.facts)
    number, share = seen.fullest
    if share > FULL_SHARE:
        yield Trouble(
            "WinbackStateFull",
            f"Partition {number} has {share:.0%} of the users that it may have.",
            "Find out who makes users up; else raise WINBACK_USERS_MAX.",
        )  # fmt: skip


def _of_inputs(seen: Seen) -> Iterator[Trouble]:
    for place, fuse in sorted(seen.held.items()):
        yield Trouble(
            "WinbackInputHeld",
            f"{place.topic}[{place.partition}] is not read on from offset {fuse.held_at}: too much "
            f"of it was rejected, most for {fuse.reason}.",
            "Mend the producer or the mapping; it goes on by itself when the rules change.",
        )  # fmt: skip
    if seen.is_kafka_away or seen.still_s:
        return
    for place, lag_s in sorted(seen.lags_s.items()):
        if lag_s > BEHIND_S and place not in seen.held:
            yield Trouble(
                "WinbackInputBehind",
                f"{place.topic}[{place.partition}] is {lag_s:,.0f} s behind, "
                f"{seen.lags.get(place, 0):,} records.",
                "It catches up, or it does not: see whether the number falls.",
            )  # fmt: skip


def _of_facts(facts: Mapping[str, object]) -> Iterator[Trouble]:
    if away := _fact(facts, "schema_registry", "away"):
        yield Trouble(
            "WinbackSchemaRegistryAway", f"Records wait for the schema registry: {away}.",
            "Look at the registry; nothing is lost, and reading goes on by itself.",
        )  # fmt: skip
    if refused := _fact(facts, "rules", "refused"):
        yield Trouble(
            "WinbackRulesRefused", f"Changed rules are refused, those before stay: {refused}.",
            "Mend the file; it is looked at again by itself.",
        )  # fmt: skip
    if _fact(facts, "model", "phase") == "fallen_back":
        yield Trouble(
            "WinbackModelFallenBack",
            "The model errs more than silence alone; the prior has taken over by itself.",
            "Look for what has changed in the events (winback models list).",
        )  # fmt: skip


def _fact(facts: Mapping[str, object], part: str, name: str) -> object:
    found = facts.get(part)
    return found.get(name) if isinstance(found, Mapping) else None
