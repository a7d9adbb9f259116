"""The long proofs: ``make prove-NAME``, each at most an hour, each can be broken off.

    python -m benchmarks.prove NAME [--minutes 60]     # go on with one, from where it stopped
    python -m benchmarks.prove --list

A proof is a list of commands. One that has ended is not run again for the same code, whatever it
found: what it found stands in ``build/figures`` and, with the date, in ``build/proofs``. Commands
that take long are cut into units of their own in the same way.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from benchmarks.ledger import ROOT, Ledger
from benchmarks.quality.scenarios import SCENARIOS

UNFINISHED: Final = 4
"""Exit code when the time was over first: the same command goes on."""
END_PATIENCE_S: Final = 90.0


class Proof(NamedTuple):
    """One long proof.

    Attributes:
        what: What it shows.
        commands: Modules with their arguments, as behind ``python -m``.
    """

    what: str
    commands: tuple[str, ...]


PROOFS: Final[Mapping[str, Proof]] = {
    "chaos": Proof(
        "faults on a real Kafka change nothing, and the driver sees where they do",
        ("tests.chaos.prove", "tests.chaos.remade", "tests.chaos.stock"),
    ),
    "recovery": Proof("whoever takes over is durable within seconds", ("benchmarks.failover",)),
    "rolling": Proof(
        "workers are replaced under load: short pauses, and nothing lost or doubled",
        ("tests.chaos.rolling",),
    ),
    "bootstrap": Proof(
        "a past of millions of events is read in at a good rate",
        ("benchmarks.bootstrap", "benchmarks.bootstrap --frozen"),
    ),
    "soak": Proof(
        "nothing grows in an hour of faults at half of the maximum, which is measured first",
        ("benchmarks.throughput", "tests.chaos.soak --minutes 55"),
    ),
    "worlds": Proof(
        "20,000 simulated worlds come to what the replay says, and planted bugs are found",
        ("tests.deterministic.prove",),
    ),
    "fuzz": Proof(
        "no input ends in anything but a typed rejection, and none takes long",
        ("tests.fuzz.prove",),
    ),
    "console": Proof(
        "every page in every look on the whole pipeline: no complaint of axe-core or the browser",
        ("tests.integration.console.prove",),
    ),
    "merges": Proof("ids merged under faults", ("tests.chaos.merges",)),
    "upgrade": Proof(
        "two versions in turn and side by side: nothing newer is read half",
        ("tests.integration.upgrade.prove",),
    ),
    "senders": Proof(
        "senders lose and double nothing", ("benchmarks.conformance", "benchmarks.examples")
    ),
    "detection": Proof(
        "who leaves is found, early and calibrated",
        tuple(f"benchmarks.quality.detection {name}" for name in SCENARIOS),
    ),
    "alerts": Proof(
        "each fault brings its alert, and only it, within two minutes",
        ("tests.integration.operations.prove",),
    ),
    "hostile": Proof("strangers and garbage by the million", ("tests.chaos.hostile",)),
    "poison": Proof(
        "poisoned data costs next to nothing",
        ("benchmarks.quality.poison", "benchmarks.quality.poison --seed 2"),
    ),
    "contact": Proof("nobody is contacted who must not be", ("benchmarks.decisions.worlds never",)),
    "effects": Proof(
        "what contact does is measured right", ("benchmarks.decisions.worlds effect",)
    ),
    "decisions": Proof(
        "budget, fuse, bandit, uplift do what they say",
        (
            *(f"benchmarks.decisions.worlds {name}" for name in ("budget", "storm", "harm")),
            *(
                f"benchmarks.decisions.{name}"
                for name in ("cost", "effect", "bandit", "offpolicy", "uplift")
            ),
        ),
    ),
}
"""What ``make prove`` runs, in this order."""


def prove(name: str, minutes: float) -> int:
    """Go on with a proof until it is done or the time is over; return the exit code."""
    proof, until_s = PROOFS[name], time.monotonic() + 60 * minutes
    ledger = Ledger(f"prove-{name}", {"commands": proof.commands})
    for command in ledger.left(proof.commands):
        say(f"python -m {command}")
        left_s = until_s - time.monotonic()
        code = _run(command, left_s)
        if code is None:
            say(f"{name}: the time is over; go on with: make prove-{name}")
            return UNFINISHED
        ledger.done(command, {"code": code})
    failed = [entry.unit for entry in ledger.entries if entry.result["code"]]
    say(f"{name}: {proof.what}: {ledger.span}; {_verdict(failed)}")
    return int(bool(failed))


def _run(command: str, left_s: float) -> int | None:
    """Run a module to its end and return its exit code; None = the time was over first.

    Then it is asked to end, so that it ends the brokers and workers that it has started.
    """
    process = subprocess.Popen([sys.executable, "-m", *shlex.split(command)], cwd=ROOT)
    try:
        return process.wait(left_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
        return None


def _verdict(failed: list[str]) -> str:
    return f"NOT so: {'; '.join(failed)}" if failed else "it holds"


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Prove; exit code 1 when something does not hold, 4 when the time was over first."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="?", choices=PROOFS)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--list", action="store_true", help="Print what there is.")
    args = parser.parse_args()
    if args.list or args.name is None:
        for name, proof in PROOFS.items():
            say(f"make prove-{name:12} {proof.what}")
        return
    sys.exit(prove(args.name, args.minutes))


if __name__ == "__main__":
    main()
