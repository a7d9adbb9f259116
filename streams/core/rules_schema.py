"""What a rules file may say: one strict struct a section, every default in its place."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from streams.core.contact_file import ChannelFile, ContactFile
from streams.core.meanings import Meaning
from streams.core.sources import LINK_EVENT
from streams.core.sources_schema import SourceFile
from winback_sender.documents.strict import Version

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Currency = Annotated[str, Meta(min_length=1, max_length=16)]
Count = Annotated[int, Meta(ge=1)]

DEFAULT_TIERS: Final = {"top": 0.05, "high": 0.2, "regular": 0.6, "low": 1.0}
"""Value tier to the share of the users with value who are in it or above it."""


class ChurnFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``churn:``."""

    horizon: str = "30d"
    min_active_days: Count = 5
    activity: str | list[str] = "all"


class AlertFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``alert:``."""

    probability: Probability | None = None
    exit: Probability | None = None
    elevated: Probability | None = None
    cool_down: str = ""
    backstop: str = ""
    examples_min: int = 500


class ModelsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``models:``."""

    promotion: Literal["automatic", "manual"] = "automatic"


class HoldoutFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``holdout:``."""

    share: Probability = 0.1
    salt: str = "holdout"
    window: str = ""


class MoneyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``money:``."""

    currency: str = "CNY"
    minor_units: Count = 100
    tiers: dict[str, Probability] = msgspec.field(default_factory=lambda: dict(DEFAULT_TIERS))
    stake_least: Annotated[float, Meta(ge=0.0)] = 1.0
    rates: dict[Currency, float] = {}


class BudgetFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``budget:``."""

    touches_per_day: Count | None = None
    calls_per_day: Count | None = None
    every: str = "5m"
    zone: str = ""
    instant: Probability = 0.1


class OutageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of ``coverage.outages``: a day, or an instant with a zone, as YAML reads it."""

    start: Any = msgspec.field(name="from")
    end: Any = msgspec.field(name="to")


class CoverageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``coverage:``."""

    outages: tuple[OutageFile, ...] = ()


class RulesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rules file; every part has a default, so an empty file is a whole set of rules."""

    version: Version = 1
    mode: Literal["observe", "holdout-only", "live"] = "observe"
    churn: ChurnFile = ChurnFile()
    kinds: tuple[str, ...] | None = None
    traits_told_apart: tuple[str, ...] = ()
    events: dict[Meaning, list[str]] = {}
    money: MoneyFile = MoneyFile()
    lateness: str = "1m"
    carry_over: str = ""
    alert: AlertFile = AlertFile()
    budget: BudgetFile = BudgetFile()
    models: ModelsFile = ModelsFile()
    holdout: HoldoutFile = HoldoutFile()
    contact: ContactFile = ContactFile()
    channels: dict[str, ChannelFile] = {}
    playbooks: Any = None  # see playbooks_schema.py
    traits: Annotated[tuple[str, ...], Meta(max_length=32)] = ()
    grid_salt: str = "grid"
    coverage: CoverageFile = CoverageFile()
    inputs: Annotated[dict[str, SourceFile], Meta(max_length=64)] = {}


DEFAULT_KINDS: Final = ("purchase", "refund")

DEFAULT_EVENTS: Final = {
    Meaning.PURCHASE: ["purchase", "order_paid"],
    Meaning.REFUND: ["refund", "order_refunded"],
    Meaning.COMPLAINT: ["complaint"],
    Meaning.CANCELLATION: ["cancel_page_viewed", "cancellation"],
    Meaning.CONSENT: ["consent_changed"],
    Meaning.OPT_OUT: ["opt_out", "unsubscribe"],
    Meaning.ERASURE: ["erasure_requested"],
    Meaning.TRAITS: ["traits_set"],
    Meaning.REACH: ["channel_reach"],
    Meaning.CORRECTION: ["value_corrected"],
    Meaning.LINK: [LINK_EVENT],
    Meaning.FEEDBACK: ["touch_feedback"],
}
"""What well-known event names mean; ``events`` in the file replaces the names of a meaning."""
