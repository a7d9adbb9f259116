"""The model that the measurements run with: learned from the same kind of log, then frozen."""

from __future__ import annotations

from pathlib import Path

from benchmarks.workload import Shape, cached_csv
from models.scorer import PriorScorer
from models.snapshot import sign
from streams.core.rules import Rules
from streams.replay.files import EventLog
from streams.replay.run import Replay
from streams.settings import DEVELOPMENT_KEY

FAR_MS = 4_000_000_000_000
SCHOOL = Shape(users=1_500, days=90, seed=99)


def frozen_model(rules: Rules, directory: Path) -> Path:
    """Return a model file for these rules, learned once from a small log of other users."""
    path = directory / f"model-{rules.hash}.json"
    if path.exists():
        return path
    replay = Replay(
        rules, PriorScorer(rules.churn.horizon_ms), partitions=1, now_ms=FAR_MS, learns=True
    )
    replay.run(EventLog(str(cached_csv(SCHOOL, directory))).blocks(), lambda _count, _at: None)
    assert replay.apprentice is not None
    path.write_bytes(sign(replay.apprentice.snapshot(), DEVELOPMENT_KEY.encode()))
    return path
