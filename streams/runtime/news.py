"""Who brings what comes into force in a worker of the pipeline: learner, operators, rules files."""

from collections.abc import Callable
from typing import Any

from models.bgnbd import BgNbdScorer
from streams.core.scoring import Scorer
from streams.intake.wire.schemas import Schemas
from streams.runtime.control_feed import ControlFeed
from streams.runtime.in_force import Board, InForce, decoders_of
from streams.runtime.live_orders import LiveOrders
from streams.runtime.metrics import Metrics
from streams.runtime.model_feed import ModelFeed
from streams.runtime.rules_watch import Loaded, RulesWatch
from streams.settings import Settings
from winback_sender.cluster import Cluster


class News:
    """What is in force, kept up to date.

    Args:
        cluster: Where Kafka is.
        settings: The operator's.
        metrics: Where measures go.
        loaded: The rules at first.
        load: Reads them anew when a file has changed.
        scorer: A frozen model; None follows the learner.
        schemas: What is known of a registry's.
        tell: Called after each change.

    Attributes:
        board: What is in force.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        metrics: Metrics,
        loaded: Loaded,
        load: Callable[[], Loaded],
        scorer: Scorer | None,
        schemas: Schemas,
        tell: Callable[[], object],
    ) -> None:
        rules = loaded.rules
        first = scorer or BgNbdScorer(float(rules.churn.horizon_ms))
        self._settings, self._schemas = settings, schemas
        self.board = Board(
            InForce(rules, loaded.version, decoders_of(settings, rules, schemas), first), tell
        )
        self._orders = LiveOrders(settings, cluster, metrics)
        self._controls = ControlFeed(
            cluster, settings, metrics,
            lambda found: self.board.change(orders=self._orders.allowed(found)),
        )  # fmt: skip
        self._watch = RulesWatch(loaded, load, metrics, self._adopt)
        self._models = None
        if scorer is None:
            self._models = ModelFeed(
                cluster, settings, rules, metrics,
                on_scorer=lambda found: self.board.change(scorer=found),
                on_policy=lambda found: self.board.change(policy=found),
            )  # fmt: skip

    def _adopt(self, found: Loaded) -> None:
        self.board.change(
            rules=found.rules, rules_version=found.version,
            decoders=decoders_of(self._settings, found.rules, self._schemas),
        )  # fmt: skip

    async def begin(self, background: Callable[[Any], object]) -> None:
        """Return when what is in force is known; ``background`` runs what goes on for ever."""
        background(self._controls.follow())
        await self._controls.wait_ready()
        if self._models is not None:
            background(self._models.follow())
            await self._models.wait_ready()
        background(self._watch.follow())

    def facts(self) -> dict[str, object]:
        """Return what /health says of it."""
        rules = {"version": self.board.now.rules_version, "refused": self._watch.refused or None}
        model = self._models.facts() if self._models is not None else {}
        controls = {"refused": self._orders.refused or None}
        return {"rules": rules, "controls": controls, "model": model}
