"""Back-tests of real logs: events per second of one core, and what a second core brings.

    python -m benchmarks.replay [LOG …] [--rows N]

Every log is back-tested whole (alerts, risk, report in figures) with one process and with two, by
the command as people type it: starting Python, reading, learning and reporting are in the figure.
Others may use the machine, so CPU time is what is compared. Two cores at best need the half of the
CPU of all processes, and never less than the busiest of them; `two_cores` is the CPU with one
process over that. The wall clock stands beside it, and says something on an idle machine only.
What the two runs say is compared byte for byte. ``--rows``: only the first of the log.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import figures
from benchmarks.quality.runs import SETS, WINBACK, located
from benchmarks.replay_promised import REPLAYED

OF_THE_RUN: Final = ("seconds", "cpu_seconds")
"""What a summary says of the run itself."""


class Run(NamedTuple):
    """A back-test.

    Attributes:
        said: Summary, risk and alerts.
        events: Of the log.
        cpu_s: Of all processes.
        busiest_s: CPU of the busiest of them.
        wall_s: Time that it took.
    """

    said: tuple[str, bytes, bytes]
    events: int
    cpu_s: float
    busiest_s: float
    wall_s: float

    @property
    def at_best_s(self) -> float:
        """Wall time on two cores that are free for it."""
        return max(self.cpu_s / 2, self.busiest_s)


def back_tested(log: Path, horizon_days: int, min_active_days: int, jobs: int) -> Run:
    """Back-test a log."""
    with tempfile.TemporaryDirectory() as folder:
        risk, alerts = (Path(folder, name) for name in ("risk.csv", "alerts.csv"))
        command = [
            WINBACK, "backtest", log, "--horizon-days", str(horizon_days), "--min-active-days",
            str(min_active_days), "--risk", risk, "--alerts", alerts, "--jobs", str(jobs), "--json",
        ]  # fmt: skip
        environ = {key: value for key, value in os.environ.items() if "WINBACK_" not in key}
        began = time.monotonic()
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE)
        assert process.stdout is not None
        summary = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, "a back-test that failed measures nothing"
        wall_s = time.monotonic() - began
        of_the_run = {name: summary.pop(name) for name in OF_THE_RUN}
        said = json.dumps(summary), risk.read_bytes(), alerts.read_bytes()
    cpu_s = usage.ru_utime + usage.ru_stime
    busiest_s = max(of_the_run["cpu_seconds"]) if jobs > 1 else cpu_s
    return Run(said, summary["events"], cpu_s, busiest_s, wall_s)


def beginning(log: Path, rows: int, folder: str) -> Path:
    """Return a file with the first rows of a log."""
    path = Path(folder, "beginning.csv")
    with gzip.open(log, "rt") as whole, path.open("w") as part:
        part.writelines(islice(whole, rows + 1))
    return path


def measured(name: str, rows: int | None) -> dict[str, Any] | None:
    """Measure a log; None when it is not here."""
    chosen = SETS[name]
    log = located(chosen)
    if log is None:
        print(f"{name}: not here; WINBACK_DATA names the directory of the logs", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = log if rows is None else beginning(log, rows, folder)
        one, two = (
            back_tested(path, chosen.horizon_days, chosen.min_active_days, jobs) for jobs in (1, 2)
        )
    return {
        "events": one.events,
        "events_per_cpu_s": round(one.events / one.cpu_s),
        "cpu_s": round(one.cpu_s, 1),
        "cpu_s_of_two": round(two.cpu_s, 1),
        "busiest_s_of_two": round(two.busiest_s, 1),
        "two_cores": round(one.cpu_s / two.at_best_s, 2),
        "wall": round(one.wall_s / two.wall_s, 2),
        "load": round(os.getloadavg()[0], 1),
        "differing": sum(a != b for a, b in zip(one.said, two.said, strict=True)),
    }


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("logs", nargs="*", default=REPLAYED, metavar="LOG")
    parser.add_argument("--rows", type=int)
    args = parser.parse_args()
    for name in args.logs:
        found = measured(name, args.rows)
        if found is None:
            continue
        print(json.dumps({"log": name, **found}), flush=True)
        if args.rows is None:
            note = f"{found['events']:,} events, {found['cpu_s']} s of CPU, load {found['load']}"
            figures.record(f"replay_events_per_s:{name}", found["events_per_cpu_s"], note=note)
            note = f"{found['cpu_s_of_two']} s of CPU, {found['busiest_s_of_two']} s of the busiest"
            figures.record(f"replay_two_cores:{name}", found["two_cores"], note=note)
            figures.record(f"replay_differing:{name}", found["differing"])


if __name__ == "__main__":
    main()
