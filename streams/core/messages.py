"""Messages on our topics: one typed struct each, the single source of every schema.

Instants are ISO 8601 in UTC with milliseconds; money is in minor units of the currency.
"""

from typing import Final, NamedTuple

import msgspec

from streams.core.budget import Spent
from streams.core.fuse import Fuse

Headers = list[tuple[str, bytes]]


class Output(NamedTuple):
    """One record to be written to a topic."""

    key: bytes | None
    value: bytes
    headers: Headers


class ReasonText(msgspec.Struct, frozen=True):
    """A reason in words."""

    en: str
    zh: str


class Reason(msgspec.Struct, frozen=True):
    """Why a user is at risk: a feature group and its share of the score, log-odds toward leaving.

    ``change`` is by how much that share moved since the score before.
    """

    code: str
    weight: float
    text: ReasonText
    change: float = 0.0


class Risk(msgspec.Struct, frozen=True):
    """What the model said when the touch was decided."""

    probability: float
    horizon_days: float
    level: str
    reasons: tuple[Reason, ...]
    model_version: str
    scored_at: str


class TouchUser(msgspec.Struct, frozen=True):
    """What a sender may want to know of the user; never a contact address.

    ``value_net`` is in minor units of the currency: purchases less refunds.
    """

    lifecycle_stage: str
    value_tier: str
    value_net: int
    currency: str
    last_active_at: str
    acquisition_source: str
    traits: dict[str, str]


class Priority(msgspec.Struct, frozen=True):
    """Important (value) by urgent (risk); the rank is the quantile of the expected loss."""

    quadrant: str
    rank: float | None


class Experiment(msgspec.Struct, frozen=True):
    """Which playbook and variant the touch belongs to, and how many users are held out."""

    playbook: str
    variant: str
    holdout_share: float


class TouchRequested(msgspec.Struct, frozen=True, tag_field="type", tag="touch.requested"):
    """Please contact this user, not before and not after the stated instants.

    ``touch_id`` is deterministic: the same touch never has two. Hand it to the provider.
    """

    touch_id: str
    case_id: str
    user_id: str
    step: int
    steps_total: int
    channel: str
    template_key: str
    params: dict[str, str]
    offer: dict[str, str]
    not_before: str
    expires_at: str
    audience_local_timezone: str
    purpose: str
    risk: Risk
    user: TouchUser
    priority: Priority
    experiment: Experiment


class TouchRevoked(msgspec.Struct, frozen=True, tag_field="type", tag="touch.revoked"):
    """Do not send this touch any more if you still can."""

    touch_id: str
    case_id: str
    user_id: str
    reason: str
    revoked_at: str


class CaseClosed(msgspec.Struct, frozen=True, tag_field="type", tag="case.closed"):
    """The attempt to win this user back has ended."""

    case_id: str
    user_id: str
    outcome: str
    touches: int
    is_held_out: bool
    opened_at: str
    closed_at: str


class Decision(msgspec.Struct, frozen=True, tag_field="type", tag="decision"):
    """One decision about a user, also the decision to do nothing, with its reason.

    ``propensity`` is the probability of what was done, given everything that was known;
    ``variant_propensity`` that of the variant. ``expected_loss`` is in minor units.
    """

    user_id: str
    case_id: str
    step: int
    verdict: str
    reason: str
    channel: str
    trigger: str
    probability: float
    propensity: float
    model_version: str
    rules_hash: str
    decided_at: str
    touch_id: str = ""
    playbook: str = ""
    playbook_version: str = ""
    variant: str = ""
    variant_propensity: float = 1.0
    expected_loss: float = 0.0
    quadrant: str = ""
    value_tier: str = ""
    value_net: int = 0
    lifecycle_stage: str = ""
    acquisition_source: str = ""
    reasons: tuple[str, ...] = ()
    uplift: float | None = None
    mode: str = "live"
    is_fused: bool = False


class RiskChanged(msgspec.Struct, frozen=True, tag_field="type", tag="risk.changed"):
    """A user's risk moved from one band to another: calm, elevated, high."""

    user_id: str
    band: str
    band_before: str
    probability: float
    lifecycle_stage: str
    value_tier: str
    value_net: int
    acquisition_source: str
    model_version: str
    changed_at: str


class Episode(msgspec.Struct, frozen=True, tag_field="type", tag="episode"):
    """What became of a user who was treated, or would have been but for the holdout.

    Matured one window after the exposure, in both arms alike. Money is in minor units.

    Attributes:
        is_held_out: Which arm.
        propensity: Probability of this arm and variant.
        variant_propensity: That of the variant alone; 1 for a user who was held out.
        returned: Whether the user was active within the window.
        value_change: Net value at the end of the window less that at the exposure.
        dimensions: value_tier, lifecycle_stage, acquisition_source, reason, quadrant, trigger,
            cohort (month of the first activity).
    """

    user_id: str
    case_id: str
    playbook: str
    playbook_version: str
    variant: str
    channel: str
    is_held_out: bool
    propensity: float
    probability: float
    returned: bool
    value_change: int
    currency: str
    exposed_at: str
    matured_at: str
    dimensions: dict[str, str]
    variant_propensity: float = 1.0


class BudgetStatus(msgspec.Struct, frozen=True, tag_field="type", tag="budget.status"):
    """How a partition stands with its budget: at each day border, and when its fuse changes.

    Attributes:
        used: Channel class to touches requested today.
        share: Channel class to the partition's share of the day's budget; -1 = unlimited.
        waiting: Users who bid for a place.
        threshold: Smallest expected loss that got a place last, minor units.
        is_fused: Many more are at risk than usual; only the budget goes out.
    """

    partition: int
    day: str
    used: dict[str, int]
    share: dict[str, int]
    waiting: int
    threshold: float
    is_fused: bool
    at: str


class Control(msgspec.Struct, frozen=True):
    """An operator's order to every worker: mode, kill switch, pause of a playbook or channel.

    Attributes:
        key: What is controlled; also the Kafka key.
        value: ``on``, ``off`` (lifted), or the name of a mode.
        effective_at: Instant of event time from which on it is in force on every partition; one
            that is further takes it at once. Stop waits for nothing.
        ordered_at: When it was given.
        by: Who gave it.
    """

    key: str
    value: str
    effective_at: str
    ordered_at: str
    by: str


class JournalEntry(msgspec.Struct, frozen=True):
    """In which order one commit of a lane took its inputs: with it a run can be replayed.

    Attributes:
        partition: Of which partition.
        inputs: Topic, first and next offset; between them, with a ``$`` before their name, what
            came into force: ``$tick`` (watermark), ``$model version``, ``$policy version``,
            ``$rules version``, ``$control key=value`` (from which instant on, when ordered).
        watermark_ms: Event time that was reached.
        model_version: The model in force.
        rules_hash: `Rules.hash`.
        rules_version: Fingerprint of the files of the rules.
    """

    partition: int
    inputs: tuple[tuple[str, int, int], ...]
    watermark_ms: int
    model_version: str
    rules_hash: str
    rules_version: str = ""


class GateRecord(msgspec.Struct, frozen=True):
    """What a partition remembers of its gate.

    Attributes:
        last_ms: The last border.
        spent: Day to channel class to what was spent.
        tier_edges: Least value of each tier.
        fuse: What is usual.
        threshold: Smallest expected loss that got a place last.
        loss_edges: Quantiles of what is at risk with users.
    """

    last_ms: int
    spent: dict[int, dict[str, Spent]]
    tier_edges: tuple[float, ...]
    fuse: Fuse
    threshold: float
    loss_edges: tuple[float, ...] = ()


class PartitionRecord(msgspec.Struct, frozen=True):
    """What a partition remembers besides its users.

    Attributes:
        applied: Topic to the next offset to apply.
        watermark_ms: Event time before which nothing more is expected.
        fired_ms: Every timer up to here has fired.
        rules_hash: Churn definition the state was made with.
        layout: Which columns the states have.
        outages: Begin and end of every outage that was announced; no end = not over.
        controls: Orders of operators that were taken: key, value, from which instant on, when
            ordered, what was before; as `controls.Taken`.
        gate: What was spent of the budget, and what follows from the days before.
    """

    applied: dict[str, int]
    watermark_ms: int
    fired_ms: int
    rules_hash: str
    layout: str
    outages: tuple[tuple[int, int | None], ...] = ()
    controls: tuple[tuple[str, str, int, int, str], ...] = ()
    gate: GateRecord | None = None


_JSON: Final = msgspec.json.Encoder()


def cloud_event(
    kind: str,
    event_id: str,
    source: str,
    at_iso: str,
    subject: str,
    *,
    content: str = "application/json",
) -> Headers:
    """Return the headers of a CloudEvents 1.0 message in binary mode.

    Source:
        CloudEvents 1.0.2, Kafka Protocol Binding, §3.2.
    """
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", f"winback.{kind}".encode()),
        ("ce_time", at_iso.encode()),
        ("ce_subject", subject.encode()),
        ("content-type", content.encode()),
    ]


def to_json(message: msgspec.Struct) -> bytes:
    """Return the JSON of a message."""
    return _JSON.encode(message)
