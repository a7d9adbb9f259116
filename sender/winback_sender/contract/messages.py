"""The messages between winback and its senders: one typed struct each, the source of every schema.

Instants are ISO 8601 in UTC with milliseconds; money is in minor units of the currency. Whoever
reads a message passes over fields that it does not know. A field never changes its meaning and
never goes; what cannot live with that is a message of a new type.
"""

from datetime import datetime
from functools import cache
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from winback_sender.contract.parts import Experiment, Id, Instant, Priority, Risk, TouchUser
from winback_sender.contract.versions import HEADER, dataschema
from winback_sender.contract.words import Status

Headers = list[tuple[str, bytes]]

OUTCOME_MAX: Final = 200  # Characters.
CHANNEL_MAX: Final = 32  # Characters of a channel's name.


class Output(NamedTuple):
    """One record to be written to a topic."""

    key: bytes | None
    value: bytes
    headers: Headers


class TouchRequested(msgspec.Struct, frozen=True, tag_field="type", tag="touch.requested"):
    """Please contact this user once, not before and not after the stated instants.

    Attributes:
        touch_id: The same touch never has two. Hand it to the provider as your own id.
        case_id: The attempt to win the user back that the touch belongs to.
        user_id: Whom; also the key of the record. Ask your own system for the address.
        step: Which step of the journey, from 1.
        steps_total: How many it has.
        channel: Through which channel: sms, wechat, call and so on.
        template_key: Which text; the sender knows its template at the provider.
        params: Variables of the text.
        offer: What is offered, such as a coupon; empty = nothing.
        not_before: Not before this instant.
        expires_at: Not at this instant or later.
        audience_local_timezone: The user's zone, IANA name; hours of the law are hours there.
        purpose: What the contact is for, as consent and law ask.
        risk: Why now.
        user: Of whom.
        priority: Whom first.
        experiment: What is compared.
    """

    touch_id: Id
    case_id: str
    user_id: Id
    step: int
    steps_total: int
    channel: str
    template_key: str
    params: dict[str, str]
    offer: dict[str, str]
    not_before: Instant
    expires_at: Instant
    audience_local_timezone: str
    purpose: str
    risk: Risk
    user: TouchUser
    priority: Priority
    experiment: Experiment


class TouchRevoked(msgspec.Struct, frozen=True, tag_field="type", tag="touch.revoked"):
    """Do not send this touch any more if it has not left.

    Attributes:
        touch_id: Which touch.
        case_id: Of which case.
        user_id: Whose; also the key of the record.
        reason: Why: the user is back, opted out or was erased, or an operator stopped it.
        revoked_at: When.
    """

    touch_id: Id
    case_id: str
    user_id: Id
    reason: str
    revoked_at: Instant


class CaseClosed(msgspec.Struct, frozen=True, tag_field="type", tag="case.closed"):
    """The attempt to win this user back has ended; nothing is to be done.

    Attributes:
        case_id: Which case.
        user_id: Whose; also the key of the record.
        outcome: How it ended: ``returned``, ``converted``, ``exhausted``, ``opted_out`` and so on.
        touches: How many touches were requested.
        is_held_out: The user was not to be contacted, for comparison.
        opened_at: When it began.
        closed_at: When it ended.
    """

    case_id: Id
    user_id: Id
    outcome: str
    touches: int
    is_held_out: bool
    opened_at: Instant
    closed_at: Instant


class UserErased(msgspec.Struct, frozen=True, tag_field="type", tag="user.erased"):
    """Forget this user: the person has asked for it, or their company has.

    What is under way is taken back by messages of its own; this one is also said of users of whom
    no touch is out. Delete what you have stored under the id: journals, lists, caches.

    Attributes:
        user_id: Whom; also the key of the record.
        erased_at: When.
    """

    user_id: Id
    erased_at: Instant


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a touch, in the words of a sender.

    Attributes:
        touch_id: Which touch; empty for a word that belongs to none, such as an opt-out by phone.
        user_id: Whose; also the key of the record.
        status: What can be said of the touch.
        at: When, ISO 8601 with a zone or epoch milliseconds.
        outcome: What it comes to. Of ``failed``: hard, soft, unsent; of ``handled``: reached,
            promised, refused, no_answer, busy, wrong_number. Any other is read by people only.
        channel: Through which channel.
        reason: Why, a code for people and reports: ``revoked``, ``no_address``, a provider's code.
        provider: Who carried it.
        provider_ref: What the provider calls it.
    """

    touch_id: str
    user_id: Id
    status: Annotated[str, Meta(extra_json_schema={"enum": [str(word) for word in Status]})]
    at: (
        Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})]
        | Annotated[int, Meta(extra_json_schema={"minimum": 1})]
    )
    outcome: Annotated[str, Meta(extra_json_schema={"maxLength": OUTCOME_MAX})] = ""
    channel: Annotated[str, Meta(extra_json_schema={"maxLength": CHANNEL_MAX})] = ""
    reason: str = ""
    provider: str = ""
    provider_ref: str = ""


OfWinBack = TouchRequested | TouchRevoked | CaseClosed | UserErased
"""What can stand on ``win-back``."""

_JSON: Final = msgspec.json.Encoder()


def cloud_event(kind: str, event_id: str, source: str, at_iso: str, subject: str) -> Headers:
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
        ("content-type", b"application/json"),
    ]


@cache
def _of_kind(kind: str) -> Headers:
    """Return the headers that all messages of a kind share."""
    return [("ce_type", f"winback.{kind}".encode()), (HEADER, dataschema(kind).encode())]


def to_json(message: msgspec.Struct) -> bytes:
    """Return the JSON of a message."""
    return _JSON.encode(message)
