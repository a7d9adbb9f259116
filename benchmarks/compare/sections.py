"""The sections of a comparison: what is measured, on which log, how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from benchmarks.compare.entrants import FLOORS, WINBACK, floor
from benchmarks.compare.ground import Ground
from benchmarks.compare.race import Run, run
from benchmarks.compare.results import Section
from benchmarks.core_stages import BUILD
from benchmarks.workload import Shape, cached_csv


class Size(NamedTuple):
    """How much of everything: the real measure, or a small one that shows that it works.

    Attributes:
        users: Of the log that everybody reads.
        days: Of it.
        rounds: How often each of those who are compared runs, in turn.
    """

    users: int = 50_000
    days: int = 60
    rounds: int = 3


SMALL: Final = Size(users=400, days=20, rounds=1)


def floors(size: Size, section: Section) -> None:
    """Measure winback and the floors below it, in turn."""
    with Ground() as ground:
        log = put(ground, Shape(size.users, size.days, 1))
        for _ in range(size.rounds):
            first = run(ground, WINBACK, log)
            section.runs.append(first)
            for kind in FLOORS:
                section.runs.append(run(ground, floor(kind, volumes_of(first)), log))


def workers(size: Size, section: Section) -> None:
    """Measure one worker and two, in turn."""
    with Ground(waits=True) as ground:
        log = put(ground, Shape(size.users, size.days, 1))
        for _ in range(size.rounds):
            for count in (1, 2):
                section.runs.append(run(ground, WINBACK, log, workers=count))


SECTIONS: Final[Mapping[str, Callable[[Size, Section], None]]] = {
    "floors": floors,
    "workers": workers,
}


def put(ground: Ground, shape: Shape) -> str:
    """Put the log of a shape on a topic; return the topic."""
    topic = f"log-{shape.users}-{shape.days}"
    ground.feed(topic, cached_csv(shape, BUILD))
    return topic


def volumes_of(done: Run) -> Path:
    """Return a file of what a run wrote."""
    path = BUILD / "compare" / "volumes.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(done.volumes))
    return path
