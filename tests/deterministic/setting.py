"""What worlds have in common, and what is dear to make: rules, decoders, models, topics."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.roster_records import SERVING
from models.snapshot import Phase, Serving, sign
from streams.core.clock_names import expected_clocks
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.scoring import Scorer
from streams.core.sources import Form, KeyedBy, Source
from streams.core.time import DAY_MS, HOUR_MS
from streams.intake.bulk import bulk_feedback, bulk_native
from streams.runtime.engine_topics import Streams, streams_of
from streams.runtime.in_force import InForce
from streams.settings import Settings
from tests.unit.core.stories import ToldScorer

ORDERS: Final = "orders"
FIRST_RULES: Final = "rules-1"
SECOND_RULES: Final = "rules-2"
HORIZON_MS: Final = 3 * DAY_MS

TEXT: Final = """
mode: live
channels: {{wechat: {{reach: any}}, sms: {{hours: always}}, call: {{hours: always}}}}
churn: {{horizon: 3d, min_active_days: 2}}
lateness: {lateness}
contact: {{consent_default: granted, zone: UTC, unheard_after: 2d,
          quiet_hours: {{start: "00:00", end: "00:00"}}}}
holdout: {{share: {holdout}}}
{budget}
"""


class Setting(NamedTuple):
    """A deployment.

    Attributes:
        settings: The operator's.
        rules: Version to rules; their hash is the same.
        sources: Topics that are read.
        outside: Those of them that others write activity to.
        clocks: Of a partition.
        decoders: By topic.
        streams: Where records go.
        scorers: Version to model.
    """

    settings: Settings
    rules: Mapping[str, Rules]
    sources: tuple[str, ...]
    outside: tuple[str, ...]
    clocks: tuple[str, ...]
    decoders: Mapping[str, Any]
    streams: Streams
    scorers: Mapping[str, Scorer]

    @property
    def first_scorer(self) -> Scorer:
        """What scores until something else is in force."""
        return self.scorers["told_0"]

    def first(self, rules_version: str = FIRST_RULES) -> InForce:
        """Return what is in force when a worker starts."""
        rules = self.rules[rules_version]
        return InForce(rules, rules_version, self.decoders, self.first_scorer)


@cache
def setting_of(kind: str) -> Setting:
    """Return one of the deployments: ``one``, ``late``, ``rationed``, ``several``."""
    settings = Settings()
    rules = {
        version: _rules(kind, holdout)
        for version, holdout in ((FIRST_RULES, 0.2), (SECOND_RULES, 0.5))
    }
    first = rules[FIRST_RULES]
    outside = (settings.topic_activity, *(source.topic for source in first.sources))
    native = bulk_native(first)
    decoders = dict.fromkeys(outside, native) | {settings.topic_feedback: bulk_feedback()}
    own = (settings.topic_activity, settings.topic_feedback, settings.topic_identity)
    return Setting(
        settings, rules, (*own, *outside[1:]), outside, expected_clocks(first.sources, {}),
        decoders, streams_of(settings), {scorer.version: scorer for scorer in _scorers()},
    )  # fmt: skip


def _rules(kind: str, holdout: float) -> Rules:
    lateness = "6h" if kind == "late" else "0s"
    budget = "budget: {touches_per_day: 2, calls_per_day: 1}" if kind == "rationed" else ""
    rules = parse_rules(TEXT.format(lateness=lateness, holdout=holdout, budget=budget))
    if kind != "several":
        return rules
    orders = Source(
        topic=ORDERS, form=Form.JSON, lateness_ms=3 * HOUR_MS, keyed_by=KeyedBy.USER,
        idle_after_ms=3_000,
    )  # fmt: skip
    return msgspec.structs.replace(rules, sources=(orders,))


class _Told(ToldScorer):
    """A model with a name of its own."""

    def __init__(self, number: int) -> None:
        half_days = 0.4 + 0.35 * number

        def reach(silence_days: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(silence_days / (silence_days + half_days))

        super().__init__(reach, float(HORIZON_MS))
        self.version = f"told_{number}"


@cache
def _scorers() -> tuple[_Told, ...]:
    return tuple(_Told(number) for number in range(4))


@cache
def serving_record(version: str, kind: str) -> tuple[bytes, bytes]:
    """Return the record with which the learner puts a model in force."""
    setting = setting_of(kind)
    serving = Serving(
        version=version, champion=version, phase=Phase.LEARNED, horizon_ms=HORIZON_MS,
        examples=1_000, rules_hash=setting.rules[FIRST_RULES].hash,
    )  # fmt: skip
    return SERVING.encode(), sign(serving, setting.settings.model_keys)
