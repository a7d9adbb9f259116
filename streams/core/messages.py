"""Messages on our own topics: one typed struct each, the single source of every schema.

Those that senders read and write are the contract of the kit. Instants are ISO 8601 in UTC with
milliseconds; money is in minor units of the currency.
"""

import msgspec

from streams.core.budget import Spent
from streams.core.clock_names import ClockRecord
from streams.core.fuse import Fuse
from streams.core.input_fuse import FuseRecord
from streams.core.versions import JOURNAL


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


class TouchUnaccepted(msgspec.Struct, frozen=True, tag_field="type", tag="touch.unaccepted"):
    """No sender has said a word on a touch: it counts as never sent, until one does.

    Attributes:
        was: What was known of it: ``requested``, or ``revoked`` before anybody had spoken.
        is_void: Nobody else was treated in the case either: the exposure does not count.
        given_up_at: Some time after ``expires_at``, as the rules say.
    """

    touch_id: str
    case_id: str
    user_id: str
    channel: str
    was: str
    is_void: bool
    requested_at: str
    expires_at: str
    given_up_at: str


class LinkRefused(msgspec.Struct, frozen=True, tag_field="type", tag="identity.refused"):
    """Two ids that were said to be one person are not taken for one.

    Attributes:
        user_id: Under which id the person was to be known.
        other_id: The id that was to be given up.
        reason: ``shared_device``, ``cycle``, ``too_many_ids`` or ``placeholder``.
    """

    user_id: str
    other_id: str
    reason: str
    refused_at: str


class IdentityMerged(msgspec.Struct, frozen=True, tag_field="type", tag="identity.merged"):
    """What was known under two ids is one user's from now on.

    Attributes:
        user_id: Under which id the person is known.
        other_id: The id that was given up.
        value_net: What came with it, minor units.
        case_id: The open case that came with it and goes on; empty = none.
    """

    user_id: str
    other_id: str
    value_net: int
    case_id: str
    merged_at: str


def begin_of(tag: str, user_id: str) -> bytes:
    """Return how the JSON of a message about a user begins; the user is its first field."""
    return b'{"type":"%s","user_id":%s,' % (tag.encode(), msgspec.json.encode(user_id))


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


OfDecisions = (
    Decision | RiskChanged | Episode | TouchUnaccepted | LinkRefused | IdentityMerged | BudgetStatus
)
"""What can stand on ``win-back-decisions``."""


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
            came into force: ``$tick`` (what had arrived by this instant was read),
            ``$present`` (what time it was), ``$idle clock``, ``$model version``,
            ``$policy version``, ``$rules version``, ``$control key=value`` (from which instant on,
            when ordered). A lane that is restored says by what it goes; a policy without a version
            is none.
        watermark_ms: Event time that was reached.
        model_version: The model in force.
        rules_hash: `Rules.hash`.
        rules_version: Fingerprint of the files of the rules.
        version: Of the entry itself.
    """

    partition: int
    inputs: tuple[tuple[str, int, int], ...]
    watermark_ms: int
    model_version: str
    rules_hash: str
    rules_version: str = ""
    version: int = JOURNAL


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
        layout: Version of the state, and of winback that wrote it.
        outages: Begin and end of every outage that was announced; no end = not over.
        controls: Orders of operators that were taken: key, value, from which instant on, when
            ordered, what was before; as `controls.Taken`.
        gate: What was spent of the budget, and what follows from the days before.
        clocks: How far each source has come.
        told_ms: Latest instant of the wall clock that was told, 0 = there is only event time.
        present_ms: Watermark of then, if everything had been read.
        keys: Id of each key that the state was made with, and until when it is needed.
        definition: What ``rules_hash`` stands for, in words.
        fuses: Topics of which records were rejected of late, and those that are not read on.
        holdout_salt: With which it was drawn who is held out; empty = not known.
        users: How many there are.
    """

    applied: dict[str, int]
    watermark_ms: int
    fired_ms: int
    rules_hash: str
    layout: str
    outages: tuple[tuple[int, int | None], ...] = ()
    controls: tuple[tuple[str, str, int, int, str], ...] = ()
    gate: GateRecord | None = None
    clocks: tuple[ClockRecord, ...] = ()
    told_ms: int = 0
    present_ms: int = 0
    keys: tuple[tuple[str, int], ...] = ()
    definition: dict[str, str] = {}
    fuses: tuple[FuseRecord, ...] = ()
    holdout_salt: str = ""
    users: int = 0
