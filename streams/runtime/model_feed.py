"""Follow the learner: what it puts in force becomes scorer and policy of every lane."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from models import policy as policies
from models.bgnbd import BgNbdScorer
from models.policy import POLICY, Policy
from models.roster_records import SERVING
from models.serving import serving_scorer
from models.snapshot import Serving, SnapshotRefused, check, load
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.model_meter import model_facts, show_serving
from streams.runtime.newest import POLL_MS, read_newest
from streams.runtime.recovery import reader
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.logs import get_logger

log = get_logger(__name__)

READY_PATIENCE_S: Final = 10.0
"""Lanes wait so long for the first model; then they begin with the prior, and say so."""
BACK_OFF_S: Final = 2.0
_SERVING: Final = SERVING.encode()
_POLICY: Final = POLICY.encode()
_KEYS: Final = frozenset({_SERVING, _POLICY})


class ModelFeed:
    """Keeps the scorer and the policy of now.

    Args:
        cluster: Where Kafka is.
        settings: Names the topic and the key that signs models.
        rules: Say which models fit, and how much one must have learned.
        metrics: Where measures go.
        on_scorer: Called with each new scorer, between two chunks.
        on_policy: Called with each new policy, between two chunks.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        rules: Rules,
        metrics: Metrics,
        on_scorer: Callable[[Scorer], object],
        on_policy: Callable[[Policy], object],
    ) -> None:
        self.scorer: Scorer = BgNbdScorer(float(rules.churn.horizon_ms))
        self._cluster = cluster
        self._source = TopicPartition(settings.topic_models, 0)
        self._keys = settings.model_keys
        self._rules = rules
        self._metrics = metrics
        self._on_scorer = on_scorer
        self._on_policy = on_policy
        self._policy = Policy()
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
        consumer = reader(self._cluster)
        await consumer.start()
        try:
            self._take(await read_newest(consumer, self._source, _KEYS))
            self._is_ready.set()
            while True:
                fetched = await consumer.getmany(self._source, timeout_ms=POLL_MS)
                records = fetched.get(self._source, ())
                self._take([(r.key, r.value) for r in records if r.key in _KEYS])
        finally:
            await consumer.stop()

    def _take(self, records: list[tuple[bytes, bytes | None]]) -> None:
        """Use the newest valid value of each key; count the others that came after it."""
        for wanted, use in ((_SERVING, self._use), (_POLICY, self._follow_policy)):
            for key, value in reversed(records):
                if key != wanted or value is None:
                    continue
                try:
                    use(value)
                except SnapshotRefused as refused:
                    log.warning("model_refused", reason=refused.reason.value, detail=str(refused))
                    self._metrics.add(Metric.MODEL_REFUSED, reason=refused.reason.value)
                else:
                    break

    def facts(self) -> dict[str, object]:
        """Return what /health says of the model in force."""
        serving = self._in_force
        return {} if serving is None else model_facts(serving)

    def _follow_policy(self, value: bytes) -> None:
        """Go by a policy.

        Raises:
            SnapshotRefused: It must not be used.
        """
        policy = load(value, self._keys, Policy)
        policies.check(policy, rules_hash=self._rules.hash)
        self._metrics.set(Metric.POLICY_EPISODES, policy.episodes)
        if policy.version != self._policy.version:
            self._policy = policy
            self._on_policy(policy)

    def _use(self, value: bytes) -> None:
        """Score with a model.

        Raises:
            SnapshotRefused: It must not be used.
        """
        serving = load(value, self._keys, Serving)
        check(serving, horizon_ms=self._rules.churn.horizon_ms, rules_hash=self._rules.hash)
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
