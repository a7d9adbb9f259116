"""What ``winback bootstrap`` says in the end."""

from typing import TYPE_CHECKING

import click
import msgspec

from streams.commands.counted import counted

if TYPE_CHECKING:
    from streams.replay.bootstrap import Bootstrap
    from streams.replay.files import EventLog
    from streams.runtime.hand_over import Border
    from streams.settings import Settings


class Told(msgspec.Struct):
    """What came of a bootstrap.

    Attributes:
        history: What was read, and how.
        events: Accepted, of all tries.
        users: How many there are.
        newest_at: Event time up to which it goes.
        examples_learned: By the models.
        model: In force.
        seconds: Of this try.
        events_per_s: Of this try.
        was_resumed: It went on where another try was broken off.
        rejected: Rows that are no inputs, by reason.
        topic: The live one.
        borders: Partition to the offset with which its worker begins.
        known: Records before that, which the history has.
        behind: Records behind it that the history has; workers know their ids.
        strange: Records no younger than the history that are not in it.
    """

    history: str
    events: int
    users: int
    newest_at: str
    examples_learned: int
    model: str
    seconds: float
    events_per_s: int
    was_resumed: bool
    rejected: dict[str, int]
    topic: str
    borders: dict[int, int]
    known: int
    behind: int
    strange: int


def told_of(
    run: "Bootstrap", settings: "Settings", said: str, borders: "dict[int, Border]", seconds: float,
    before: int, *, was_resumed: bool,
) -> Told:  # fmt: skip
    """Return what came of a bootstrap."""
    from streams.replay.instants import short_iso  # noqa: PLC0415 (quick --help)

    counts, apprentice, newest_ms = run.fleet.counts, run.apprentice, run.fleet.newest_ms
    events = counts["accepted"]
    return Told(
        history=said,
        events=events,
        users=sum(partition.users for partition in run.fleet.partitions),
        newest_at="" if newest_ms is None else short_iso(newest_ms),
        examples_learned=0 if apprentice is None else apprentice.roster.examples,
        model=(run.fleet.partitions[0].scorer if apprentice is None else apprentice.scorer())
        .version,
        seconds=round(seconds, 3),
        events_per_s=round((events - before) / seconds),
        was_resumed=was_resumed,
        rejected={
            name.removeprefix("rejected_"): count
            for name, count in sorted(counts.items()) if name.startswith("rejected_") and count
        },
        topic=settings.topic_activity,
        borders={number: border.offset for number, border in sorted(borders.items())},
        known=sum(border.known for border in borders.values()),
        behind=sum(border.behind for border in borders.values()),
        strange=sum(border.strange for border in borders.values()),
    )  # fmt: skip


def say(told: Told, log: "EventLog") -> None:
    """Print what came of it."""
    learned = counted(told.examples_learned, "example")
    known = counted(told.known, "record")
    places = ", ".join(f"[{number}] {offset:,}" for number, offset in told.borders.items())
    events = f"{counted(told.events, 'event')} of {counted(told.users, 'user')}"
    again = ", after it was broken off" if told.was_resumed else ""
    lines = [
        f"{events} until {told.newest_at}, {told.events_per_s:,}/s{again}",
        f"  model    {told.model}, {learned} learned",
        f"  topic    {told.topic} takes over at {places}; {known} before that are in the history",
    ]
    if told.behind:
        lines.append(f"  behind   {counted(told.behind, 'record')} of it the workers will know")
    if told.strange:
        lines.append(f"  strange  {counted(told.strange, 'record')} of {told.topic} are no younger "
                     "than the history, and not in it: they count as new")  # fmt: skip
    if told.rejected:
        said = ", ".join(f"{name} {count:,}" for name, count in told.rejected.items())
        lines.append(f"  rejected {said}")
    if log.skipped:
        bad = counted(log.skipped, "bad row")
        lines.append(f"  skipped  {bad}, the first: {log.first_bad}")
    lines.append("next: winback run")
    click.echo("\n".join(lines))
