"""Effects: what a step asks for, in the imperative, as frozen data."""

import msgspec

from streams.core.journey_state import Exposure
from streams.core.messages import (
    Decision,
    Episode,
    IdentityMerged,
    LinkRefused,
    RiskChanged,
    TouchUnaccepted,
)
from winback_sender.contract.messages import CaseClosed, TouchRequested, TouchRevoked


class RequestTouch(msgspec.Struct, frozen=True):
    """Ask a sender for one touch; ``touch_id`` makes a repeat harmless."""

    touch: TouchRequested
    at_ms: int


class RevokeTouch(msgspec.Struct, frozen=True):
    """Take a touch back that may not have left yet.

    ``is_foreign``: it was requested for an id that was given up, which may be of another partition.
    """

    revocation: TouchRevoked
    at_ms: int
    is_foreign: bool = False


class CloseCase(msgspec.Struct, frozen=True):
    """Tell everybody that a case has ended; ``is_foreign`` as in `RevokeTouch`."""

    closed: CaseClosed
    at_ms: int
    is_foreign: bool = False


class RecordDecision(msgspec.Struct, frozen=True):
    """Put a decision and its reason on record."""

    decision: Decision
    at_ms: int


class RecordEpisode(msgspec.Struct, frozen=True):
    """Put on record what became of an exposed user, and teach it."""

    episode: Episode
    exposure: Exposure
    at_ms: int


class RecordRisk(msgspec.Struct, frozen=True):
    """Put on record that a user's risk moved to another band."""

    changed: RiskChanged
    at_ms: int


class RecordUnaccepted(msgspec.Struct, frozen=True):
    """Put on record that no sender has spoken of a touch."""

    unaccepted: TouchUnaccepted
    at_ms: int


class Note(msgspec.Struct, frozen=True):
    """Count something that changed nothing, so that it can be seen."""

    name: str
    at_ms: int


class ForgetUser(msgspec.Struct, frozen=True):
    """Delete the user's state and refuse what still comes about the user for a while.

    ``is_other_id``: the person was erased under another id; this is one that was given up.
    """

    user_id: str
    at_ms: int
    is_other_id: bool = False


class ClaimId(msgspec.Struct, frozen=True):
    """Ask for what is known under another id of the user."""

    other_id: str
    user_id: str
    event_id: str
    at_ms: int


class RefuseLink(msgspec.Struct, frozen=True):
    """Put on record that two ids are not made one person; ``key`` is an id of this partition."""

    refused: LinkRefused
    key: str
    at_ms: int


class RecordMerge(msgspec.Struct, frozen=True):
    """Put on record that two ids have become one person."""

    merged: IdentityMerged
    at_ms: int


class ForgetMembers(msgspec.Struct, frozen=True):
    """Erase what is left of the other ids of a user; ``ids`` are all of the person."""

    members: tuple[str, ...]
    ids: tuple[str, ...]
    at_ms: int


Effect = (
    RequestTouch
    | RevokeTouch
    | CloseCase
    | RecordDecision
    | RecordEpisode
    | RecordRisk
    | RecordUnaccepted
    | Note
    | ForgetUser
    | ClaimId
    | RefuseLink
    | RecordMerge
    | ForgetMembers
)
