"""Worlds by the thousand, and planted bugs that some of them must find.

    python -m tests.deterministic.prove [--worlds 20000] [--first 0] [--processes 2]

Cut into units of 250 worlds; those that are done are not done again (``build/proofs``), unless the
product or the worlds have changed. Prints every seed that fails, with the command that plays it
again; exit code 1 when one did, or when a bug is not found within 2,000 worlds.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from benchmarks import figures
from benchmarks.ledger import Ledger, product_hash
from tests.deterministic.bugs import BUGS
from tests.deterministic.world import play

UNIT: Final = 250
FOUND_WITHIN: Final = 2_000
SHOWN: Final = 20


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def worlds(first: int) -> dict[str, Any]:
    """Play the worlds of a unit."""
    failed: list[int] = []
    touches = lives = 0
    said: list[str] = []
    started_s = time.process_time()
    for seed in range(first, first + UNIT):
        outcome = play(seed)
        touches += outcome.touches
        lives += outcome.lives
        if outcome.findings:
            failed.append(seed)
            said.append(f"seed {seed}: {outcome.findings[0][:300]}")
    return {
        "worlds": UNIT, "failed": len(failed), "seeds": failed, "said": said[:SHOWN],
        "touches": touches, "lives": lives, "cpu_s": round(time.process_time() - started_s, 1),
    }  # fmt: skip


def hunt(name: str, limit: int = FOUND_WITHIN) -> dict[str, Any]:
    """Return after how many worlds a planted bug was found; 0 = it was not."""
    for seed in range(limit):
        outcome = play(seed, bug=BUGS[name])
        if outcome.findings:
            return {"found_after": seed + 1, "said": [outcome.findings[0][:200]]}
    return {"found_after": 0, "said": []}


def _unit(name: str) -> tuple[str, dict[str, Any]]:
    kind, _, what = name.partition(" ")
    return name, worlds(int(what)) if kind == "worlds" else hunt(what)


def code_hash() -> str:
    """Return a fingerprint of the product and of the worlds."""
    digest = sha256(product_hash().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name != "prove.py":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Play what is left, record the figures."""
    parser = argparse.ArgumentParser(description="Worlds by the thousand, and planted bugs.")
    parser.add_argument("--worlds", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    ledger = Ledger("worlds", {"first": asked.first}, code=code_hash())
    wanted = [f"bug {name}" for name in BUGS]
    wanted += [f"worlds {seed}" for seed in range(asked.first, asked.first + asked.worlds, UNIT)]
    with ProcessPoolExecutor(asked.processes) as pool:
        units = [pool.submit(_unit, name) for name in ledger.left(wanted)]
        for unit in as_completed(units):
            name, result = unit.result()
            ledger.done(name, result)
            say(f"{name}: { ({k: v for k, v in result.items() if k not in {'said', 'seeds'}}) }")
            for line in result["said"] if name.startswith("worlds") else ():
                say(f"  {line}\n  python -m tests.deterministic.world {line.split()[1][:-1]}")
    sys.exit(report(ledger))


def report(ledger: Ledger) -> int:
    """Record the figures of all that is done; return the exit code."""
    units = [entry.result for entry in ledger.entries if entry.unit.startswith("worlds")]
    hunts = {e.unit.removeprefix("bug "): e.result["found_after"]
             for e in ledger.entries if e.unit.startswith("bug")}  # fmt: skip
    played, failed = (sum(unit[what] for unit in units) for what in ("worlds", "failed"))
    cpu_s = sum(unit["cpu_s"] for unit in units)
    missed = [name for name, after in hunts.items() if not after]
    for name, value in {
        "worlds_played": played, "worlds_failed": failed,
        "world_cpu_s": round(cpu_s / max(1, played), 4), "bugs_planted": len(hunts),
        "bugs_not_found": len(missed), "bug_found_after_worlds_max": max(hunts.values(), default=0),
    }.items():  # fmt: skip
        figures.record(name, value, note=ledger.span)
    say(f"{played} worlds, {failed} failed, {cpu_s / max(1, played):.3f} s CPU each")
    for name, after in sorted(hunts.items(), key=lambda item: item[1]):
        say(f"{name:36} {f'found after {after} worlds' if after else 'NOT FOUND'}")
    return 1 if failed or missed else 0


if __name__ == "__main__":
    main()
