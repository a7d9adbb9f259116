"""What a touch is made of: why, of whom, how urgent, compared with what."""

from typing import Annotated

import msgspec
from msgspec import Meta

# What a schema says and a reader does not check: a message is never refused for it.
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Share = Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": 1})]
Id = Annotated[str, Meta(extra_json_schema={"minLength": 1})]


class ReasonText(msgspec.Struct, frozen=True):
    """A reason in words.

    Attributes:
        en: English.
        zh: Chinese.
    """

    en: str
    zh: str


class Reason(msgspec.Struct, frozen=True):
    """Why a user is at risk.

    Attributes:
        code: Group of features, such as ``silence``.
        weight: Its share of the score, log-odds toward leaving.
        text: The same in words.
        change: By how much that share moved since the score before.
    """

    code: str
    weight: float
    text: ReasonText
    change: float = 0.0


class Risk(msgspec.Struct, frozen=True):
    """What the model said when the touch was decided.

    Attributes:
        probability: That this silence reaches the horizon, calibrated.
        horizon_days: Silence after which a user has left.
        level: Band of the risk: calm, elevated, high.
        reasons: The strongest first.
        model_version: Which model said so.
        scored_at: When.
    """

    probability: Share
    horizon_days: float
    level: str
    reasons: tuple[Reason, ...]
    model_version: str
    scored_at: Instant


class TouchUser(msgspec.Struct, frozen=True):
    """What a sender may want to know of the user; never a contact address.

    Attributes:
        lifecycle_stage: new, active, slipping, at_risk, lapsed, won_back, gone.
        value_tier: By the operator's rules.
        value_net: Purchases less refunds, minor units of the currency.
        currency: ISO 4217.
        last_active_at: When the silence began.
        acquisition_source: Where the user came from; empty = not known.
        traits: What the company told of the user, such as a name to be used in the greeting.
    """

    lifecycle_stage: str
    value_tier: str
    value_net: int
    currency: str
    last_active_at: Instant
    acquisition_source: str
    traits: dict[str, str]


class Priority(msgspec.Struct, frozen=True):
    """In which order people would work.

    Attributes:
        quadrant: Important (value) by urgent (risk): ``important_urgent`` … ``ordinary_calm``.
        rank: Quantile of the expected loss among all users at risk; null while fewer than 20 are.
    """

    quadrant: str
    rank: Share | None


class Experiment(msgspec.Struct, frozen=True):
    """What is compared with what.

    Attributes:
        playbook: Name of the playbook.
        variant: Which of its variants.
        holdout_share: Share of the users who are not contacted, for comparison.
    """

    playbook: str
    variant: str
    holdout_share: Share
