"""Proofs in simulated worlds, whose truth is known.

python -m benchmarks.decisions.worlds never|budget|storm|effect|harm|all
    [--worlds N] [--processes 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final

WORLDS: Final = {"never": 20_000, "budget": 1, "storm": 1, "effect": 100, "harm": 2}
"""Proof to the worlds it takes by default."""

Found = dict[str, tuple[float, str]]


def measured(proof: str, worlds: int, processes: int) -> Found:
    """Return the figures of one proof: name to value and what exactly was measured."""
    from benchmarks.decisions import budget, harm, never, pipeline, storm  # noqa: PLC0415 - slow

    if proof == "never":
        return never.measured(worlds, processes)
    if proof == "storm":
        return storm.measured()
    return {"budget": budget, "effect": pipeline, "harm": harm}[proof].measured(worlds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("proof", choices=(*WORLDS, "all"))
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    from benchmarks import figures  # noqa: PLC0415 - it imports promises

    said = []
    for proof in WORLDS if asked.proof == "all" else (asked.proof,):
        found = measured(proof, asked.worlds or WORLDS[proof], asked.processes)
        how = f"python -m benchmarks.decisions.worlds {proof}"
        how += f" --worlds {asked.worlds}" if asked.worlds else ""
        said += [
            figures.record(name, value, note=note, how=how) for name, (value, note) in found.items()
        ]
    if asked.json:
        rows = {figure.name: {"value": figure.value, "must": figure.must, "holds": figure.holds,
                              "note": figure.note} for figure in said}  # fmt: skip
        print(json.dumps(rows, indent=2))
    else:
        figures.show(said)
    sys.exit(any(figure.holds is False for figure in said))


if __name__ == "__main__":
    main()
