"""Back-tests of whole logs and of their beginnings, each run once and kept."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.quality.logs import (
    DAY_MS,
    Log,
    cut,
    days_of,
    deal,
    instants_ms,
    opened,
    read_log,
    stamp,
)
from benchmarks.quality.points import Points, course_points, points, write_points

ROOT: Final = Path(__file__).resolve().parents[2]
WINBACK: Final = Path(sys.executable).with_name("winback")
COLD: Final = "cold"
COURSE_DAYS: Final[dict[str, int | None]] = {"official": None, "day20": 20}


class Set(NamedTuple):
    """A log and what is asked of it.

    Attributes:
        log: Directory of it under WINBACK_DATA; the small ones also lie in ``data``.
        horizon_days: H.
        min_active_days: Who is asked about.
        since: Risk and alerts are written from here on.
        cuts: Where the log is ended earlier, to see whether anything changes before.
        cold_from_day: First day of the points of a cold start, every five days.
        is_dealt: Users are dealt out by chance first.
        is_course: Users are enrolments: they are observed to the end of their course.
        coverage: File beside the log that lists what the logger missed.
    """

    log: str
    horizon_days: int
    min_active_days: int
    since: str
    cuts: tuple[str, str, str]
    cold_from_day: int | None = None
    is_dealt: bool = False
    is_course: bool = False
    coverage: str = ""


SETS: Final = {
    "complete_journey": Set(
        "complete_journey", 30, 5, "2017-06-01T00:00:00Z",
        ("2017-07-16T00:00:00Z", "2017-09-03T17:31:07Z", "2017-11-20T09:00:00Z"),
        cold_from_day=30,
    ),
    "cdnow": Set(
        "cdnow", 90, 2, "1997-09-01T00:00:00Z",
        ("1997-10-19T00:00:00Z", "1997-12-25T00:00:01Z", "1998-03-08T12:00:00Z"),
    ),
    "ansible_git": Set(
        "ansible_git", 90, 5, "2018-01-01T00:00:00Z",
        ("2019-02-03T00:00:00Z", "2020-07-15T11:11:11Z", "2022-09-25T18:00:00Z"),
    ),
    "raku_irc": Set(
        "raku_irc", 30, 5, "2015-01-01T00:00:00Z",
        ("2016-03-06T00:00:00Z", "2019-08-19T20:15:30Z", "2023-12-03T07:00:00Z"),
        coverage="coverage.json",
    ),
    "kddcup2015_open": Set(
        "kddcup2015_open", 10, 1, "2014-01-15T00:00:00Z",
        ("2014-02-02T00:00:00Z", "2014-04-18T00:00:01Z", "2014-06-30T12:00:00Z"),
        is_course=True,
    ),
    "chance": Set(
        "retail_txn_125k", 90, 5, "2013-01-01T00:00:00Z",
        ("2013-03-03T00:00:00Z", "2013-10-10T10:10:10Z", "2014-06-01T15:00:00Z"),
        is_dealt=True,
    ),
}  # fmt: skip


def located(chosen: Set) -> Path | None:
    """Return the log of a set, or None when it is not here."""
    places = [ROOT / "data" / f"{chosen.log}.csv.gz"]
    if outside := os.environ.get("WINBACK_DATA"):
        places.append(Path(outside) / chosen.log / "events.csv.gz")
    return next((place for place in places if place.exists()), None)


class Run(NamedTuple):
    """What came of a back-test.

    Attributes:
        scores: csv with the answers to the points.
        risk: csv with P(this silence reaches H) at every rescore; not of a quick run.
        alerts: csv with the alerts; not of a quick run.
        log: What was back-tested.
        cpu_s: CPU time of it.
    """

    scores: Path
    risk: Path
    alerts: Path
    log: Path
    cpu_s: float


class Asked(NamedTuple):
    """A log as it is back-tested, and its points by name."""

    path: Path
    log: Log
    points: dict[str, Points]
    file: Path
    options: tuple[str | Path, ...]


class Bench:
    """Back-tests of the sets, each run when it is asked for and then kept.

    Args:
        directory: For logs and results.
        jobs: How many run at once.
        cuts: How many of the cuts of a set are tried, from the last one.
    """

    def __init__(self, directory: Path, *, jobs: int = 1, cuts: int = 3) -> None:
        self.cuts = cuts
        self._directory = directory
        self._pool = ThreadPoolExecutor(jobs)
        self._asked: dict[str, Future[Asked]] = {}
        self._runs: dict[tuple[str, str], Future[Run]] = {}
        self._readers = ThreadPoolExecutor(1)

    def asked(self, name: str) -> Asked:
        """Return what is asked of a set."""
        if name not in self._asked:
            self._asked[name] = self._readers.submit(self._ask, name)
        return self._asked[name].result()

    def begin(self, name: str, until: str = "", *, is_quick: bool = False) -> Future[Run]:
        """Begin a back-test of a set, or of its log before an instant, unless it has begun.

        Args:
            name: Of the set.
            until: Where the log ends; empty = where it does.
            is_quick: Only the points are asked for, so only there the model is looked at.
        """
        key = (name, "quick" if is_quick else until)
        if key not in self._runs:
            self._runs[key] = self._pool.submit(self._run, name, until, is_quick)
        return self._runs[key]

    def run(self, name: str, until: str = "", *, is_quick: bool = False) -> Run:
        """Return what came of a back-test."""
        return self.begin(name, until, is_quick=is_quick).result()

    def _ask(self, name: str) -> Asked:
        chosen, folder = SETS[name], self._folder(name)
        path = located(chosen)
        assert path is not None, f"{name} is not here"
        options: tuple[str | Path, ...] = ()
        if chosen.coverage:
            options = ("--coverage", path.with_name(chosen.coverage))
        labels = path.with_name("labels.csv.gz")
        if chosen.is_dealt:
            deal(path, folder / "dealt.csv")
            path = folder / "dealt.csv"
        log = read_log(path)
        asked = {}
        if chosen.is_course:
            asked = {name: course_points(log, labels, day) for name, day in COURSE_DAYS.items()}
            options = ("--coverage", _ends(labels, folder / "coverage.csv"))
        else:
            asked[""] = points(days_of(log), chosen.horizon_days, chosen.min_active_days)
        if chosen.cold_from_day is not None:
            asked[COLD] = points(days_of(log), chosen.horizon_days, chosen.min_active_days,
                                 step=5, from_day=chosen.cold_from_day)  # fmt: skip
        file = folder / "points.csv"
        write_points(list(asked.values()), file)
        return Asked(path, log, asked, file, options)

    def _run(self, name: str, until: str, is_quick: bool) -> Run:  # noqa: FBT001 (from a pool)
        asked, chosen = self.asked(name), SETS[name]
        folder = self._folder(name, "quick" if is_quick else until.replace(":", "") or "whole")
        files = [folder / f"{what}.csv" for what in ("scores", "risk", "alerts")]
        log = asked.path
        if until:
            log = folder / "log.csv"
            cut(asked.path, until, log)
        command = [
            WINBACK, "backtest", log, "--horizon-days", str(chosen.horizon_days),
            "--min-active-days", str(chosen.min_active_days), "--points", asked.file,
            "--scores", files[0], *asked.options, "--quiet",
        ]  # fmt: skip
        if not is_quick:
            command += ["--risk", files[1], "--alerts", files[2], "--since", chosen.since]
        return Run(*files, log, _cpu_s(command))

    def _folder(self, *names: str) -> Path:
        folder = self._directory.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _cpu_s(command: list[str | Path]) -> float:
    """Run a command; return its CPU time, all threads, user and system."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WINBACK_")}
    started = subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise subprocess.CalledProcessError(started.returncode, command)
    return usage.ru_utime + usage.ru_stime


def _ends(labels: Path, out: Path) -> Path:
    """Write from when on each enrolment is not observed any more."""
    with opened(labels) as lines, out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "from", "to"))
        for row in csv.DictReader(lines):
            end_ms = int(instants_ms([row["last_day"]])[0]) + DAY_MS
            writer.writerow((row["user_id"], stamp(end_ms), ""))
    return out
