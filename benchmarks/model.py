"""The model that the measurements run with: learned from the same kind of log, then frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.stand import Stand
from benchmarks.workload import Shape, cached_csv
from models.snapshot import FORMAT
from streams.replay.rulebook import rules_at

SCHOOL: Final = Shape(users=1_500, days=90, seed=99)


def frozen_model(rules: Path, directory: Path) -> Path:
    """Return a model file for these rules, learned once from a small log of other users."""
    path = directory / f"model-{rules_at(str(rules)).hash}-{FORMAT}.json"
    if not path.exists():
        log, draft = cached_csv(SCHOOL, directory), path.with_suffix(".part")
        nowhere = "127.0.0.1:1"  # a replay needs no Kafka
        Stand(nowhere, directory).run(
            "replay", log, "--rules", rules, "--learn", "--save-model", draft, "--quiet"
        )
        draft.replace(path)
    return path
