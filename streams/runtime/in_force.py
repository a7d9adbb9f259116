"""What is in force in a worker: the model, the rules, and what operators have ordered."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from models.policy import Policy
from streams.core.decoded import Decoded
from streams.core.inputs import Directive
from streams.core.routed import direct
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.intake.bulk import Bulk, bulk_decode, bulk_feedback, bulk_native
from streams.intake.wire.schemas import Schemas
from streams.settings import Settings


class InForce(NamedTuple):
    """What every lane of a worker goes by.

    Attributes:
        rules: The business rules.
        rules_version: Fingerprint of the files that they stand in.
        decoders: How the records of each source topic become inputs.
        scorer: The model.
        policy: What was learned of contacts; None = nothing yet.
        orders: What operators have ordered; None = nobody has asked yet.
    """

    rules: Rules
    rules_version: str
    decoders: Mapping[str, Bulk[Decoded]]
    scorer: Scorer
    policy: Policy | None = None
    orders: tuple[Directive, ...] | None = None


def decoders_of(settings: Settings, rules: Rules, schemas: Schemas) -> dict[str, Bulk[Decoded]]:
    """Return how the records of each source topic become inputs."""
    return {
        settings.topic_activity: bulk_native(rules),
        settings.topic_feedback: bulk_feedback(),
    } | {source.topic: bulk_decode(source, rules, schemas) for source in direct(rules.sources)}


class Board:
    """Where the lanes look, before each chunk and tick, whether something new is in force.

    Looking is what makes it sure: a lane that is restored while something changes has missed the
    news, but not the board.

    Args:
        now: What is in force at first.
        tell: Called after each change, so that it takes effect also where no chunk comes.
    """

    def __init__(self, now: InForce, tell: Callable[[], object]) -> None:
        self.now = now
        self._tell = tell

    def change(self, **what: Any) -> None:
        """Put something else in force."""
        self.now = self.now._replace(**what)
        self._tell()
