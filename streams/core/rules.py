"""Rules: every business number of a deployment, in the units that the core computes with."""

from datetime import time
from hashlib import blake2b
from typing import Final

import msgspec

from models.feature_list import columns_in_use
from streams.core.budget import Budget
from streams.core.ids import Ids, share_of
from streams.core.meanings import Meaning
from streams.core.outages import Span
from streams.core.playbook import Playbook
from streams.core.sources import Rates, Source
from streams.core.time import DAY_MS, MINUTE_MS
from streams.core.told_apart import Trait
from streams.core.verdict import ContactPolicy

NO_BUDGET: Final = Budget({}, 5 * MINUTE_MS, "UTC", "UTC", time(0), time(0))


MANY: Final = 2
"""Of more tiers than this the two highest are important."""


class Churn(msgspec.Struct, frozen=True):
    """What leaving means.

    Attributes:
        horizon_ms: H: silence of this length is churn.
        min_active_days: Below so many active days nothing is said about a user.
        kinds: The event names that the model tells apart, one to six.
    """

    horizon_ms: int
    min_active_days: int
    kinds: tuple[str, ...]

    @property
    def period_ms(self) -> int:
        """Δ = H/4, the period of the hazard."""
        return self.horizon_ms // 4

    @property
    def limit_ms(self) -> int:
        """2H: beyond this silence a user is no longer observed."""
        return 2 * self.horizon_ms

    @property
    def check_ms(self) -> int:
        """H/30: a silent user is scored again after each such span."""
        return self.horizon_ms // 30

    @property
    def rescore_ms(self) -> float:
        """H/10,000: an activity that follows the last scored one more closely is not scored."""
        return self.horizon_ms / 10_000


class AlertPolicy(msgspec.Struct, frozen=True):
    """When a score becomes an alert.

    Attributes:
        probability: P(this silence reaches H) from which the risk is high.
        exit_probability: Below this a high risk is over (hysteresis).
        elevated_probability: From here the risk is elevated.
        cool_down_ms: No new case so long after the last one was closed.
        backstop_ms: Silence that alerts whatever the model says.
        examples_min: Fewer matured examples behind the model: only the backstop alerts.
        is_muted: Nobody is alerted at all: of a back-test that asks for scores alone.
    """

    probability: float
    exit_probability: float
    elevated_probability: float
    cool_down_ms: int
    backstop_ms: int
    examples_min: int
    is_muted: bool = False


class Holdout(msgspec.Struct, frozen=True):
    """Who is never touched, so that the effect of touches can be known.

    Attributes:
        share: How many.
        salt: Who.
        window_ms: So long after an exposure it is known what became of it.
    """

    share: float
    salt: str
    window_ms: int


class Rules(msgspec.Struct, frozen=True):
    """The business rules of a deployment.

    Attributes:
        churn: What leaving means.
        meanings: Event name to what it means.
        is_other_activity: Whether an event that is not named counts as activity.
        currency: Money in another one is refused.
        minor_units: Minor units of one major unit (100 fen = 1 yuan).
        lateness_ms: How far the watermark stays behind the newest event.
        alert: When a score becomes an alert.
        holdout: Who is never touched.
        contact: When contact is allowed.
        zone: Time zone of users whose own is unknown.
        tiers: Value tier and the share of the users with value in it or above, highest first.
        playbooks: Journeys; the first that fits is taken.
        traits: Names of the traits that are kept and handed on to the senders.
        traits_told_apart: Name and value of the traits that the model tells apart, at most five.
        grid_salt: Salt of the users' phases.
        carry_over_ms: How long after a touch a user's examples are left out of learning.
        ids: Maker of ids.
        outages: Spans in which the source logged nothing.
        tier_names: Value tiers, highest first.
        important: The tiers whose users a touch calls important: the two highest of many.
        hash: Fingerprint of what state and examples depend on: a change of it needs a migration.
        is_promotion_automatic: Whether evidence alone puts a better model in force.
        mode: ``observe``, ``holdout-only`` or ``live``.
        budget: How much contact a day is affordable.
        stake_least: What is at stake with a user of no value, minor units.
        explore_share: Share of the cases in which contact is made though it is believed to be vain.
        sources: Topics of other people's formats, and how they are understood.
        rates: Currency to its worth in the currency of the rules; one that is absent is refused.
    """

    churn: Churn
    meanings: dict[str, Meaning]
    is_other_activity: bool
    currency: str
    minor_units: int
    lateness_ms: int
    alert: AlertPolicy
    holdout: Holdout
    contact: ContactPolicy
    zone: str
    tiers: tuple[tuple[str, float], ...]
    playbooks: tuple[Playbook, ...]
    traits: tuple[str, ...]
    traits_told_apart: tuple[Trait, ...]
    grid_salt: str
    carry_over_ms: int
    ids: Ids
    outages: tuple[Span, ...] = ()
    tier_names: tuple[str, ...] = ()
    important: tuple[str, ...] = ()
    hash: str = ""
    is_promotion_automatic: bool = True
    mode: str = "observe"
    budget: Budget = NO_BUDGET
    stake_least: float = 100.0
    explore_share: float = 0.05
    sources: tuple[Source, ...] = ()
    rates: Rates = {}

    def __post_init__(self) -> None:
        churn = self.churn
        parts = (churn.horizon_ms, churn.kinds, self.traits_told_apart)
        source = (sorted(self.meanings.items()), self.is_other_activity, self.minor_units)
        text = repr((*parts, *source, self.grid_salt))
        digest = blake2b(text.encode(), digest_size=8).hexdigest()
        names = tuple(name for name, _ in self.tiers)
        msgspec.structs.force_setattr(self, "hash", digest)
        msgspec.structs.force_setattr(self, "tier_names", names)
        msgspec.structs.force_setattr(self, "important", names[: 2 if len(names) > MANY else 1])

    def phase_ms(self, user_id: str) -> int:
        """Return the offset of a user's grid within a period."""
        return int(share_of(self.grid_salt, user_id) * self.churn.period_ms)

    def is_held_out(self, user_id: str) -> bool:
        """Return whether a user belongs to the holdout."""
        return share_of(self.holdout.salt, user_id) < self.holdout.share

    @property
    def tier_shares(self) -> tuple[float, ...]:
        """Share of the users with value who are in each tier or above it."""
        return tuple(share for _, share in self.tiers)

    @property
    def alert_days(self) -> float:
        """Active days from which a user may be alerted; infinity = nobody is."""
        return float("inf") if self.alert.is_muted else float(self.churn.min_active_days)

    def is_rationed(self, channel: str) -> bool:
        """Return whether touches on a channel have to wait for a place."""
        return self.contact.channel(channel).kind in self.budget.per_day

    def cost_of(self, channel: str) -> float:
        """Return what a touch on a channel costs, minor units."""
        return self.contact.channel(channel).cost_minor

    def meaning(self, event: str) -> Meaning:
        """Return what an event of this name means."""
        default = Meaning.ACTIVITY if self.is_other_activity else Meaning.IGNORED
        return self.meanings.get(event, default)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features that a model should use under these rules."""
        return columns_in_use(len(self.churn.kinds), len(self.traits_told_apart))

    @property
    def horizon_days(self) -> float:
        """H in days."""
        return self.churn.horizon_ms / DAY_MS


def fed(rules: Rules) -> Rules:
    """Return rules for a log that is fed in: no sender keeps pace, so no touch is given up."""
    contact = msgspec.structs.replace(rules.contact, unheard_ms=None)
    return msgspec.structs.replace(rules, contact=contact)
