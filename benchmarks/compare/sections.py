"""The sections of a comparison: what is measured, on which log, how often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from benchmarks.compare.entrants import FLOORS, PEERS, WINBACK, floor
from benchmarks.compare.ground import PARTITIONS, Ground
from benchmarks.compare.race import Run, run
from benchmarks.compare.results import Section, median, read
from benchmarks.core_stages import BUILD
from benchmarks.failover import publish
from benchmarks.latency import measure as latency_of
from benchmarks.stand import Stand
from benchmarks.states import changelog, lived
from benchmarks.workload import SKEWS, Shape, cached_csv, steady_log, write_csv


class Size(NamedTuple):
    """How much of everything: the real measure, or a small one that shows that it works.

    Attributes:
        users: Of the log that everybody reads.
        days: Of it.
        few: Users of the log of those who take long.
        many: Users of the largest state.
        rounds: How often each of those who are compared runs, in turn.
        alive: Users who are followed live.
        rate: Events per second at which latency is promised.
        seconds: Of a run at a pace.
    """

    users: int = 50_000
    days: int = 60
    few: int = 2_000
    many: int = 1_000_000
    rounds: int = 3
    alive: int = 20_000
    rate: int = 10_000
    seconds: float = 20.0


SMALL: Final = Size(400, 20, 60, 2_000, 1, 2_000, 400, 12.0)
PACES: Final = (10, 50, 80)
"""Shares of the maximum at which latency is looked at, in percent."""
STEADY_DAYS: Final = 2


def floors(size: Size, section: Section) -> None:
    """Measure winback and the floors below it, in turn."""
    with Ground() as ground:
        log = put(ground, Shape(size.users, size.days, 1))
        for _ in range(size.rounds):
            first = run(ground, WINBACK, log)
            section.runs.append(first)
            for kind in FLOORS:
                section.runs.append(run(ground, floor(kind, volumes_of(first)), log))


def peers(size: Size, section: Section) -> None:
    """Measure winback and the peers that take batches, in turn, on a third of the log."""
    batched = [WINBACK, *(PEERS[name] for name in ("bytewax", "quix", "quix-prompt", "faust"))]
    with Ground() as ground:
        log = put(ground, Shape(size.users, size.days // 3, 1))
        for _ in range(min(2, size.rounds)):
            section.runs += [run(ground, each, log, cpu_s_max=60.0) for each in batched]


def singly(size: Size, section: Section) -> None:
    """Measure winback and the peers as their guides write them: event by event."""
    with Ground() as ground:
        log = put(ground, Shape(size.few, size.days, 1))
        for each in (WINBACK, PEERS["quix-singly"], PEERS["faust-singly"], WINBACK):
            section.runs.append(run(ground, each, log, cpu_s_max=150.0))


def workers(size: Size, section: Section) -> None:
    """Measure one worker and two, in turn."""
    with Ground(waits=True) as ground:
        log = put(ground, Shape(size.users, size.days, 1))
        for _ in range(size.rounds):
            for count in (1, 2):
                section.runs.append(run(ground, WINBACK, log, workers=count))


def users(size: Size, section: Section) -> None:
    """Measure few users over months, and many who are known already."""
    with Ground() as ground:
        log = put(ground, Shape(size.users // 50, size.days * 4, 1, life_days=1e6))
        section.runs += [run(ground, WINBACK, log, as_name="few") for _ in range(size.rounds)]
    with Ground() as ground:
        ground.feed("steady", steady_csv(size.many))
        contents = changelog(size.many, PARTITIONS)

        def restored(stand: Stand) -> None:
            topic = f"{stand.environ['WINBACK_APP_ID']}-users-changelog"
            asyncio.run(publish(stand.bootstrap, topic, contents))

        for _ in range(size.rounds):
            done = run(ground, WINBACK, "steady", as_name="many", prepare=restored)
            section.runs.append(done)
        section.facts["many"] = size.many


def skew(size: Size, section: Section) -> None:
    """Measure users who are alike, and logs in which a few have much more, in turn."""
    shape = Shape(size.users, size.days // 3, 1)
    with Ground() as ground:
        logs = {kind: put(ground, shape, kind) for kind in ("", *SKEWS)}
        for _ in range(size.rounds):
            section.runs += [
                run(ground, WINBACK, log, as_name=kind or "uniform") for kind, log in logs.items()
            ]


def latency(size: Size, section: Section) -> None:
    """Measure event to touch at the promised rate, five runs."""
    found = latency_of(size.rate, size.seconds, 5 if size.rounds > 1 else 1, size.alive)
    section.facts |= {f"rate.{name}": value for name, value in found.items()}


def paced(size: Size, section: Section) -> None:
    """Measure event to touch at shares of the maximum that winback came to beside the floors."""
    beside = read("floors", section.directory)
    most = median(beside.runs, "records_per_s", "winback") if beside else float(size.rate)
    for share in PACES:
        runs = 5 if share == 50 and size.rounds > 1 else 1
        rate = max(200, round(most * share / 100))
        found = latency_of(rate, size.seconds, runs, size.alive)
        section.facts |= {f"at{share}.{name}": value for name, value in found.items()}


SECTIONS: Final[Mapping[str, Callable[[Size, Section], None]]] = {
    section.__name__: section
    for section in (floors, peers, singly, workers, users, skew, latency, paced)
}


def put(ground: Ground, shape: Shape, kind: str = "") -> str:
    """Put the log of a shape on a topic; return the topic."""
    topic = f"log-{shape.users}-{shape.days}{kind and '-'}{kind}"
    ground.feed(topic, cached_csv(shape, BUILD, kind, PARTITIONS))
    return topic


def steady_csv(users: int) -> Path:
    """Return the csv of what many do who are known already."""
    path = BUILD / f"steady-{users}.csv"
    if not path.exists():
        _, _, watermark_ms = lived()
        log = steady_log(users, STEADY_DAYS, 1, watermark_ms // 1_000)
        write_csv(log, path, lambda number: f"clone-{number:09d}")
    return path


def volumes_of(done: Run) -> Path:
    """Return a file of what a run wrote."""
    path = BUILD / "compare" / "volumes.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(done.volumes))
    return path
