"""Follow the learner: what it puts in force becomes the scorer of every lane."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from models.bgnbd import BgNbdScorer
from models.roster_records import SERVING
from models.serving import serving_scorer
from models.snapshot import Serving, SnapshotRefused, check, load
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.runtime.logs import get_logger
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.model_meter import show_serving
from streams.runtime.newest import POLL_MS, read_newest
from streams.runtime.recovery import reader
from streams.settings import Settings

log = get_logger(__name__)

READY_PATIENCE_S: Final = 10.0
"""Lanes wait so long for the first model; then they begin with the prior, and say so."""
BACK_OFF_S: Final = 2.0
_KEY: Final = SERVING.encode()


class ModelFeed:
    """Keeps the scorer of now.

    Args:
        bootstrap: host:port, several separated by commas.
        settings: Names the topic and the key that signs models.
        rules: Say which models fit, and how much one must have learned.
        metrics: Where measures go.
        on_scorer: Called with each new scorer, between two chunks.
    """

    def __init__(
        self,
        bootstrap: str,
        settings: Settings,
        rules: Rules,
        metrics: Metrics,
        on_scorer: Callable[[Scorer], object],
    ) -> None:
        self.scorer: Scorer = BgNbdScorer(float(rules.churn.horizon_ms))
        self._bootstrap = bootstrap
        self._source = TopicPartition(settings.topic_models, 0)
        self._key = settings.model_key.encode()
        self._rules = rules
        self._metrics = metrics
        self._on_scorer = on_scorer
        self._in_force: Serving | None = None
        self._is_ready = asyncio.Event()

    async def wait_ready(self) -> None:
        """Return when what is there has been read, or patience is over."""
        try:
            async with asyncio.timeout(READY_PATIENCE_S):
                await self._is_ready.wait()
        except TimeoutError:
            log.warning("models_not_read", using=self.scorer.version, seconds=READY_PATIENCE_S)

    async def follow(self) -> None:
        """Read for ever; when Kafka is away, begin anew.

        Whoever runs it must watch it: after another error the model would stay as it is, unseen.
        """
        while True:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                log.warning("models_unavailable", error=repr(error), using=self.scorer.version)
                await asyncio.sleep(BACK_OFF_S)

    async def _read(self) -> None:
        consumer = reader(self._bootstrap)
        await consumer.start()
        try:
            newest = await read_newest(consumer, self._source, {_KEY})
            self._take([value for _, value in newest])
            self._is_ready.set()
            while True:
                fetched = await consumer.getmany(self._source, timeout_ms=POLL_MS)
                records = fetched.get(self._source, ())
                self._take([record.value for record in records if record.key == _KEY])
        finally:
            await consumer.stop()

    def _take(self, values: list[Any]) -> None:
        """Use the newest value that is valid; count the others that came after it."""
        for value in reversed(values):
            if value is None:
                continue
            try:
                serving = load(value, self._key, Serving)
                check(serving, horizon_ms=self._rules.churn.horizon_ms, rules_hash=self._rules.hash)
                self._use(serving)
            except SnapshotRefused as refused:
                log.warning("model_refused", reason=refused.reason.value, detail=str(refused))
                self._metrics.add(Metric.MODEL_REFUSED, reason=refused.reason.value)
            else:
                return

    def _use(self, serving: Serving) -> None:
        before = self._in_force
        if before is None or _essence(serving) != _essence(before):
            self.scorer = serving_scorer(serving)
            self._on_scorer(self.scorer)
        self._in_force = serving
        show_serving(self._metrics, serving)
        if before is None or (before.phase, before.champion) != (serving.phase, serving.champion):
            log.info(
                "model_in_force", champion=serving.champion, phase=serving.phase.value,
                may_alert=serving.may_alert, version=self.scorer.version,
            )  # fmt: skip


def _essence(serving: Serving) -> tuple[object, ...]:
    """Return what scores depend on."""
    return serving.version, serving.phase, serving.may_alert, serving.platt
