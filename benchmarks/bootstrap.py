"""A past for a new deployment: how many events of a real log a core reads in, into a real Kafka.

    python -m benchmarks.bootstrap [--rows N] [--frozen]

The command is measured as people type it, starting Python and writing every piece included; the
broker's CPU is not in it. Others may use the machine, so CPU time counts. ``--rows``: only the
first of the log. ``--frozen``: the model does not learn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks import figures
from benchmarks.quality.runs import SETS, WINBACK, located
from benchmarks.replay import beginning
from streams.runtime.embedded.fixture import EmbeddedKafka

LOG: Final = "raku_irc"
PARTITIONS: Final = 4


def measured(log: Path, kafka: str, folder: Path, *, is_frozen: bool) -> dict[str, Any]:
    """Return what came of a bootstrap of a new deployment, and what it cost."""
    chosen = SETS[LOG]
    rules = folder / "rules.yaml"
    churn = f"horizon: {chosen.horizon_days}d, min_active_days: {chosen.min_active_days}"
    rules.write_text(f"churn: {{{churn}}}\n")
    clean = {key: value for key, value in os.environ.items() if "WINBACK_" not in key}
    environ = clean | {
        "WINBACK_KAFKA_BOOTSTRAP": kafka, "WINBACK_RULES": str(rules),
        "WINBACK_PARTITIONS": str(PARTITIONS), "WINBACK_APP_ID": "past",
    }  # fmt: skip
    subprocess.run([WINBACK, "topics", "apply"], env=environ, check=True, capture_output=True)
    if is_frozen:
        model = folder / "model.json"
        (folder / "model").mkdir()
        learned = beginning(located(SETS[LOG]) or log, 20_000, str(folder / "model"))
        words = ["replay", learned, "--learn", "--save-model", model, "--quiet"]
        subprocess.run([WINBACK, *words], env=environ, check=True, capture_output=True)
        environ["WINBACK_MODEL_FILE"] = str(model)
    command = [WINBACK, "bootstrap", log, "--json"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "a bootstrap that failed measures nothing"
    told = json.loads(said)
    cpu_s = usage.ru_utime + usage.ru_stime
    return {
        "events": told["events"], "users": told["users"], "learned": told["examples_learned"],
        "cpu_s": round(cpu_s, 1), "events_per_cpu_s": round(told["events"] / cpu_s),
        "wall_s": told["seconds"], "peak_mb": usage.ru_maxrss >> 10,
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--frozen", action="store_true")
    args = parser.parse_args()
    log = located(SETS[LOG])
    if log is None:
        parser.exit(1, f"{LOG}: not here; WINBACK_DATA names the directory of the logs\n")
    with tempfile.TemporaryDirectory() as folder, EmbeddedKafka() as kafka:
        path = log if args.rows is None else beginning(log, args.rows, folder)
        found = measured(path, kafka.bootstrap, Path(folder), is_frozen=args.frozen)
    print(json.dumps(found), flush=True)
    if args.rows is None:
        name = "bootstrap_frozen_events_per_s" if args.frozen else "bootstrap_events_per_s"
        note = (
            f"{found['events']:,} events, {found['users']:,} users, {found['learned']:,} examples "
            f"learned, {found['cpu_s']} s of CPU, {found['peak_mb']} MB, load {found['load']}"
        )
        figures.record(name, found["events_per_cpu_s"], note=note)


if __name__ == "__main__":
    main()
