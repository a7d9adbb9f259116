"""What a rules file may say: one strict struct a section, every default in its place."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from streams.core.rules import Meaning

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1)]

DEFAULT_TIERS: Final = {"high": 1_000.0, "regular": 100.0, "low": 0.0}
"""Value tier to its least net value, major units."""


class ChurnFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``churn:``."""

    horizon: str = "30d"
    min_active_days: Count = 5
    activity: str | list[str] = "all"


class AlertFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``alert:``."""

    probability: Probability = 0.5
    exit: Probability = 0.35
    elevated: Probability = 0.25
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


class CapFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of ``contact.caps``."""

    touches: Count
    per: str


class QuietFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``contact.quiet_hours``."""

    start: str = "21:00"
    end: str = "09:00"


class ContactFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``contact:``."""

    consent_default: str = "denied"
    caps: tuple[CapFile, ...] = (CapFile(touches=3, per="14d"),)
    quiet_hours: QuietFile = QuietFile()
    zone: str = "Asia/Shanghai"
    stale_after: str = "1d"


class StepFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a playbook."""

    channel: str
    template_key: str
    wait: str = "0s"
    expires: str = "2d"
    params: dict[str, str] = {}
    offer: dict[str, str] = {}


class MatchFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``match`` of a playbook."""

    tiers: list[str] = []
    sources: list[str] = []
    triggers: list[str] = []


class PlaybookFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One playbook."""

    name: str
    steps: Annotated[list[StepFile], Meta(min_length=1)]
    match: MatchFile = MatchFile()
    purpose: str = "member_care"
    close_after: str = "7d"


class MoneyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``money:``."""

    currency: str = "CNY"
    minor_units: Count = 100
    tiers: dict[str, float] = msgspec.field(default_factory=lambda: dict(DEFAULT_TIERS))


class OutageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of ``coverage.outages``: a day, or an instant with a zone, as YAML reads it."""

    start: Any = msgspec.field(name="from")
    end: Any = msgspec.field(name="to")


class CoverageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``coverage:``."""

    outages: tuple[OutageFile, ...] = ()


class RulesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rules file; every part has a default, so an empty file is a whole set of rules."""

    version: int = 1
    churn: ChurnFile = ChurnFile()
    kinds: tuple[str, ...] | None = None
    traits_told_apart: tuple[str, ...] = ()
    events: dict[Meaning, list[str]] = {}
    money: MoneyFile = MoneyFile()
    lateness: str = "1m"
    carry_over: str = ""
    alert: AlertFile = AlertFile()
    models: ModelsFile = ModelsFile()
    holdout: HoldoutFile = HoldoutFile()
    contact: ContactFile = ContactFile()
    playbooks: list[PlaybookFile] | None = None
    traits: Annotated[tuple[str, ...], Meta(max_length=32)] = ()
    grid_salt: str = "grid"
    coverage: CoverageFile = CoverageFile()


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
}
"""What well-known event names mean; ``events`` in the file replaces the names of a meaning."""

DEFAULT_PLAYBOOK: Final = PlaybookFile(
    name="member_care",
    steps=[
        StepFile(channel="wechat", template_key="member_care_greeting"),
        StepFile(channel="sms", template_key="member_care_benefit", wait="3d"),
        StepFile(channel="call", template_key="member_care_call", wait="5d", expires="3d"),
    ],
)
