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
from streams.runtime.recovery import reader
from streams.settings import Settings

log = get_logger(__name__)

POLL_MS: Final = 500
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
        self._in_force: tuple[object, ...] = ()
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
            end = (await consumer.end_offsets([self._source]))[self._source]
            consumer.assign([self._source])
            await consumer.seek_to_beginning(self._source)
            while True:
                fetched = await consumer.getmany(self._source, timeout_ms=POLL_MS)
                records = fetched.get(self._source, ())
                self._take([record.value for record in records if record.key == _KEY])
                if await consumer.position(self._source) >= end:
                    self._is_ready.set()
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
        self._metrics.set(Metric.MODEL_EXAMPLES, serving.examples)
        self._metrics.set(Metric.MODEL_TRAINED_TIMESTAMP_SECONDS, serving.trained_to_ms / 1000)
        in_force = (serving.version, serving.phase, serving.may_alert, serving.platt)
        if in_force != self._in_force:
            self.scorer, self._in_force = serving_scorer(serving), in_force
            self._on_scorer(self.scorer)
