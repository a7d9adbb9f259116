"""One run: an entrant reads a log that lies on a topic, and we look on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.compare.calibration import calibration_s
from benchmarks.compare.entrants import Entrant, Follow, start
from benchmarks.compare.ground import Ground, Volume
from benchmarks.stand import Stand, Worker, cpu_seconds

LOOK_EVERY_S: Final = 0.5
FIRST_LOOKS_S: Final = 0.1
STANDSTILL_S: Final = 90.0
"""After so long without progress a run has failed."""


Told = Callable[[Stand], None]


class Look(msgspec.Struct, frozen=True):
    """An entrant at one instant."""

    at_s: float
    cpu_s: float
    broker_s: float
    durable: int


class Run(msgspec.Struct, frozen=True):
    """What one run came to; a record is an event or a watermark.

    Attributes:
        entrant: Its name, or that of the log where it is always the same one.
        workers: How many processes.
        records: That the figures are of: from the first durable ones to the end.
        cpu_us: CPU of all processes, all threads, per record.
        broker_us: CPU of the broker per record.
        records_per_s: Wall clock.
        first_s: From the start of the process to the first durable record.
        is_whole: It came to the end of the log; else the time was over.
        rss_mb: Resident memory of all processes at the end.
        calibration_s: CPU of the calibration loop just before and after, mean.
        volumes: What it wrote per record, by topic.
    """

    entrant: str
    workers: int
    records: int
    cpu_us: float
    broker_us: float
    records_per_s: float
    first_s: float
    is_whole: bool
    rss_mb: float = 0.0
    calibration_s: float = 0.0
    volumes: dict[str, Volume] = {}


class StandstillError(Exception):
    """An entrant ended, or came no further."""


def run(
    ground: Ground, entrant: Entrant, log: str, *,
    workers: int = 1, cpu_s_max: float = 300.0, as_name: str = "",
    prepare: Told | None = None, judge: Told | None = None,
) -> Run:  # fmt: skip
    """Let an entrant read a log with a deployment of its own, whose topics are gone afterwards.

    Args:
        ground: Where the log lies.
        entrant: Who reads.
        log: Its topic.
        workers: How many processes.
        cpu_s_max: After so much CPU it is enough, at the end of the log or not.
        as_name: How the run is called; by default like the entrant.
        prepare: Told of the deployment before it starts.
        judge: Told of it when everything is written.

    Raises:
        StandstillError: It ended, or came no further.
    """
    name = f"{entrant.name}-{time.time_ns() % 10**9}"
    stand, before_s = ground.stand(name, log), calibration_s()
    with stand:
        if prepare is not None:
            prepare(stand)
        began_s = time.monotonic()
        processes = [start(entrant, stand) for _ in range(workers)]
        follow = entrant.follow(stand)
        try:
            looks = _watch(ground, processes, follow, ground.logs[log], cpu_s_max)
        finally:
            follow.close()
        resident = sum(rss_mb(process.pid) for process in processes if process.is_running)
        for process in processes:
            process.end()
        volumes = ground.volumes(name)
        if judge is not None:
            judge(stand)
    ground.clear(name)
    each = {
        topic: Volume(volume.records / looks[-1].durable, volume.bytes_each)
        for topic, volume in volumes.items()
    }
    calibrated_s = (before_s + calibration_s()) / 2
    done = _came_to(entrant, workers, began_s, looks, ground.logs[log])
    return msgspec.structs.replace(
        done, entrant=as_name or entrant.name, rss_mb=resident, calibration_s=calibrated_s,
        volumes=each,
    )  # fmt: skip


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4_096 / 1e6


def _look(ground: Ground, processes: list[Worker], durable: int) -> Look:
    cpu_s = sum(cpu_seconds(process.pid) for process in processes)
    return Look(time.monotonic(), cpu_s, cpu_seconds(ground.kafka.pid), durable)


def _watch(
    ground: Ground, processes: list[Worker], follow: Follow, records: int, cpu_s_max: float
) -> list[Look]:
    """Return a look at the start, and at whatever progress there was."""
    looks: list[Look] = []
    nothing = _look(ground, processes, 0)
    moved_s = time.monotonic()
    while True:
        time.sleep(LOOK_EVERY_S if looks else FIRST_LOOKS_S)
        durable, now_s = follow.durable(), time.monotonic()
        if durable and (not looks or durable != looks[-1].durable):
            looks.append(_look(ground, processes, durable))
            moved_s = now_s
            if durable >= records or looks[-1].cpu_s > cpu_s_max:
                return [nothing, *looks]
        for process in processes:
            if not process.is_running or now_s - moved_s > STANDSTILL_S:
                said = process.log.read_text(errors="replace")[-2_000:]
                raise StandstillError(f"{process.name}: no progress; see {process.log}\n{said}")


def _came_to(
    entrant: Entrant, workers: int, began_s: float, looks: list[Look], records: int
) -> Run:
    nothing, first, last = looks[0], looks[1], looks[-1]
    first_s = first.at_s - began_s
    if last is first:  # A log so short that the start of the process is counted in.
        first = nothing
    done = last.durable - first.durable
    return Run(
        entrant=entrant.name, workers=workers, records=done,
        cpu_us=(last.cpu_s - first.cpu_s) / done * 1e6,
        broker_us=(last.broker_s - first.broker_s) / done * 1e6,
        records_per_s=done / (last.at_s - first.at_s),
        first_s=first_s, is_whole=last.durable >= records,
    )  # fmt: skip
