"""The messages between winback and its senders: one typed struct each, the source of every schema.

Instants are ISO 8601 in UTC with milliseconds; money is in minor units of the currency. Whoever
reads a message passes over fields that it does not know. A field never changes its meaning and
never goes; what cannot live with that is a message of a new type.
"""

from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

import msgspec

from winback_sender.contract.versions import HEADER, dataschema

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


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a touch, in the words of a sender; key of the record is ``user_id``.

    Attributes:
        touch_id: Which touch; empty for a word that belongs to none, such as an opt-out by phone.
        user_id: Whose.
        status: One of `words.Status`.
        at: When, ISO 8601 with a zone or epoch milliseconds.
        outcome: What it comes to, one of `words.OUTCOMES` of the status, else read by people only.
        channel: Through which channel.
        reason: Why, a code for people and reports: ``revoked``, ``no_address``, a provider's code.
        provider: Who carried it.
        provider_ref: What the provider calls it.
    """

    touch_id: str
    user_id: str
    status: str
    at: datetime | int
    outcome: str = ""
    channel: str = ""
    reason: str = ""
    provider: str = ""
    provider_ref: str = ""


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
        *_of_kind(kind),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_time", at_iso.encode()),
        ("ce_subject", subject.encode()),
        ("content-type", content.encode()),
    ]


@cache
def _of_kind(kind: str) -> Headers:
    """Return the headers that all messages of a kind share."""
    return [("ce_type", f"winback.{kind}".encode()), (HEADER, dataschema(kind).encode())]


def to_json(message: msgspec.Struct) -> bytes:
    """Return the JSON of a message."""
    return _JSON.encode(message)
