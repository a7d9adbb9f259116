"""The learner's engine: matured examples in, signed snapshots out.

It runs in the same lanes as the pipeline. Its changelog is the topic of models: the state *is* the
newest snapshot, which also says how far the examples were learned. So a restart or another learner
goes on exactly there, and two learners at once are fenced.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from models.catalogue import CATALOGUE, CHAMPION
from models.features import FEATURES, features_hash
from models.prequential import Prequential
from models.snapshot import SnapshotRefused, load, sign
from streams.core.messages import ExampleBlock, LearnerInput
from streams.core.rules import Rules
from streams.errors import Exit, UserError
from streams.runtime.logs import get_logger
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.producer import Commit
from streams.runtime.ticks import Tick
from streams.runtime.transport import Chunk
from streams.settings import Settings

log = get_logger(__name__)

SNAPSHOT_EVERY_S: Final = 1.0
CHUNK_MAX: Final = 16
"""Blocks of examples at once: a block may hold thousands, and learning one takes 40 µs."""
INSTANT_MAX_MS: Final = 2.0**53
"""Whole milliseconds are exact in a float64 up to here."""


class LearnerEngine:
    """One model of the catalogue, learning.

    Args:
        settings: Name the topic and the key that signs models.
        rules: The churn definition that examples must have been made with.
        metrics: Where measures go.
    """

    def __init__(self, settings: Settings, rules: Rules, metrics: Metrics) -> None:
        self.applied: dict[str, int] = {}
        self._key = settings.model_key.encode()
        self._rules = rules
        self._metrics = metrics
        self._learner = CATALOGUE[CHAMPION](rules.churn.horizon_ms)
        self._quality = Prequential()
        self._trained_to_ms = 0
        self._has_learned = False

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Go on from the newest snapshot, if there is one.

        Raises:
            UserError: It cannot be gone on from; overwriting it in silence would lose it.
        """
        data = records.get(CHAMPION.encode())
        if data is None:
            return
        try:
            snapshot = load(data, self._key)
            self._learner.restore(snapshot, rules_hash=self._rules.hash)
        except SnapshotRefused as refused:
            raise UserError(
                f"the newest model cannot be gone on from: {refused}",
                "Use the WINBACK_MODEL_KEY and the rules it was made with, or name another "
                "WINBACK_TOPIC_MODELS to learn from nothing.",
                Exit.FAILED,
            ) from refused
        self.applied = {topic: offsets[0] for topic, offsets in snapshot.applied.items()}
        self._trained_to_ms = snapshot.trained_to_ms
        log.info("model_restored", version=snapshot.version, examples=snapshot.examples)

    def apply(self, chunk: Chunk) -> None:
        """Learn the blocks of a chunk, in order."""
        for value, offset in zip(chunk.columns.values, chunk.columns.offsets, strict=True):
            block = self._decoded(value, offset)
            if block is not None:
                self._learn(block)
        self._has_learned = True

    def _decoded(self, value: bytes | None, offset: int) -> ExampleBlock | None:
        """Return a block of our kind; another one is counted and left."""
        try:
            block = msgspec.msgpack.decode(value or b"", type=LearnerInput)
            if not isinstance(block, ExampleBlock):
                return None
            _demand_whole(block)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            log.warning("examples_refused", offset=offset, reason=str(error))
            self._metrics.add(Metric.EXAMPLES_LEARNED, outcome="not_decodable")
            return None
        ours = (features_hash(), self._rules.hash)
        if (block.features_hash, block.rules_hash) != ours:
            log.warning("examples_refused", offset=offset, reason="other features or rules")
            self._metrics.add(Metric.EXAMPLES_LEARNED, block.count, outcome="other_rules")
            return None
        return block

    def _learn(self, block: ExampleBlock) -> None:
        rows = np.frombuffer(block.rows, "<f4").reshape(block.count, len(FEATURES))
        active = np.frombuffer(block.active, "u1").astype(np.bool_)
        weight = np.frombuffer(block.weight, "<f4")
        learned, refused = self._learner.examples, self._learner.refused
        sound = np.isfinite(rows).all(axis=1) & (weight > 0)
        self._quality.update(self._learner.predict(rows[sound]), active[sound])
        self._learner.learn(rows, active, weight)
        matured_ms = np.frombuffer(block.matured_at_ms, "<f8")
        self._trained_to_ms = max(self._trained_to_ms, int(matured_ms.max(initial=0.0)))
        counts = {
            "learned": self._learner.examples - learned,
            "refused": self._learner.refused - refused,
        }
        for outcome, count in counts.items():
            self._metrics.add(Metric.EXAMPLES_LEARNED, count, outcome=outcome)

    def tick(self, tick: Tick, span_ms: int) -> bool:  # noqa: ARG002 (the lane's signature)
        """Learning follows examples, not the clock."""
        return True

    def take(self) -> Commit:
        """Hand over the snapshot of now, if anything was learned since the last one."""
        if not self._has_learned:
            return Commit([], {})
        self._has_learned = False
        quality = self._quality.as_dict()
        for measure, value in quality.items():
            if value is not None:
                self._metrics.set(Metric.MODEL_QUALITY, value, measure=measure)
        self._metrics.set(Metric.MODEL_EXAMPLES, self._learner.examples)
        snapshot = self._learner.snapshot(
            rules_hash=self._rules.hash,
            trained_to_ms=self._trained_to_ms,
            applied={topic: {0: offset} for topic, offset in self.applied.items()},
            metrics=quality,
        )
        return Commit([(CHAMPION.encode(), sign(snapshot, self._key))], {})


def _demand_whole(block: ExampleBlock) -> None:
    """Check what learning relies on.

    Raises:
        ValueError: The columns do not have as many rows as the block says, or an instant is none.
    """
    widths = {
        "opened_at_ms": 8, "matured_at_ms": 8, "active": 1, "weight": 4, "rows": 4 * len(FEATURES),
    }  # fmt: skip
    for name, width in widths.items():
        found = len(getattr(block, name))
        if found != width * block.count:
            raise ValueError(f"{name} has {found} B for {block.count} examples of {width} B")
    matured_ms = np.frombuffer(block.matured_at_ms, "<f8")
    if not ((matured_ms >= 0) & (matured_ms <= INSTANT_MAX_MS)).all():
        raise ValueError("matured_at_ms holds what is no instant")
