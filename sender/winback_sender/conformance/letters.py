"""The records of a run, as winback would write them, and some as nobody should. Pure."""

import re
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from winback_sender.conformance.plan import Plan, Story, Touch
from winback_sender.contract.instants import iso
from winback_sender.contract.messages import (
    CaseClosed,
    Headers,
    TouchRequested,
    TouchRevoked,
    cloud_event,
    to_json,
)
from winback_sender.contract.parts import Experiment, Priority, Reason, ReasonText, Risk, TouchUser
from winback_sender.contract.versions import HEADER

SOURCE: Final = "/winback/conformance"
TEMPLATE: Final = "conformance_greeting"
VARIABLE: Final = "name"
ELSEWHERE: Final = "carrier_pigeon"
"""A channel that no sender has."""
RARE_NAME: Final = "𠮷野家😀🏽龘"
NEW_VERSION: Final = "urn:winback:touch.requested:99"


_ID: Final = re.compile(r"c[0-9a-f]{8}-[0-9]{4}")


def touch_of(text: str) -> str:
    """Return the touch that a message belongs to by its text, or nothing."""
    found = _ID.search(text)
    return found.group() if found else ""


class Kind(StrEnum):
    """What a record is to the judge."""

    TOUCH = "touch"
    REVOCATION = "revocation"
    UNREADABLE = "unreadable"
    OTHER = "other"


class Letter(NamedTuple):
    """A record to be written.

    Attributes:
        at_s: When, in seconds from the start.
        touch_id: Whose; of an unreadable record what is wrong with it.
        is_committed: Whether its transaction is.
    """

    at_s: float
    kind: Kind
    touch_id: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    is_committed: bool = True


class Scene(NamedTuple):
    """Where and when a run plays: instant of its start, channel, and a zone where it is midday."""

    start_ms: int
    channel: str
    zone: str

    def at_ms(self, after_s: float) -> int:
        """Return epoch ms of a time of the plan."""
        return self.start_ms + round(after_s * 1_000)


def letters(plan: Plan, scene: Scene) -> list[Letter]:
    """Return all records of a run in the order of publication."""
    found: list[Letter] = []
    for touch in plan.touches:
        found.append(_requested(touch, scene, touch.published_s))
        if touch.again_s is not None:
            found.append(_requested(touch, scene, touch.again_s))
        if touch.revoked_s is not None:
            found.append(_revoked(touch, scene))
    found += _others(plan, scene)
    return sorted(found, key=lambda letter: letter.at_s)  # stable: touches stand before their own


def _requested(touch: Touch, scene: Scene, at_s: float) -> Letter:
    at_iso = iso(scene.at_ms(at_s))
    headers = cloud_event("touch.requested", touch.touch_id, SOURCE, at_iso, touch.user_id)
    value = to_json(_message(touch, scene))
    if touch.story is Story.VERSION:
        headers = [*((name, text) for name, text in headers if name != HEADER),
                   (HEADER, NEW_VERSION.encode())]  # fmt: skip
    if touch.story in {Story.FIELDS, Story.VERSION}:
        value = _with_new_fields(value)
    return Letter(at_s, Kind.TOUCH, touch.touch_id, touch.user_id.encode(), value, headers,
                  touch.story is not Story.ABORTED)  # fmt: skip


def _message(touch: Touch, scene: Scene) -> TouchRequested:
    at_iso = iso(scene.at_ms(touch.published_s))
    person = touch.touch_id  # So the provider's books name it, also where there is no place for it.
    if touch.story is Story.RARE:
        person = f"{RARE_NAME}{person}"
    return TouchRequested(
        touch_id=touch.touch_id,
        case_id=f"case-{touch.user_id}",
        user_id=touch.user_id,
        step=touch.step,
        steps_total=9,
        channel=ELSEWHERE if touch.story is Story.CHANNEL else scene.channel,
        template_key=TEMPLATE,
        params={} if touch.story is Story.NO_VARIABLE else {VARIABLE: person},
        offer={},
        not_before=iso(scene.at_ms(touch.not_before_s)),
        expires_at=iso(scene.at_ms(touch.expires_s)),
        audience_local_timezone=scene.zone,
        purpose="member_care",
        risk=Risk(
            probability=0.61,
            horizon_days=30.0,
            level="high",
            reasons=(Reason("silence", 1.2, ReasonText("silent for long", "沉默较久")),),
            model_version="v1",
            scored_at=at_iso,
        ),
        user=TouchUser("at_risk", "high", 120_000, "CNY", at_iso, "", {}),
        priority=Priority("important_calm", None),
        experiment=Experiment("member_care", "a", 0.1),
    )


def _with_new_fields(value: bytes) -> bytes:
    data: dict[str, Any] = msgspec.json.decode(value)
    data["x_colour"] = {"of": ["tomorrow", 7, None]}
    data["user"]["x_shoe_size"] = 43
    return msgspec.json.encode(data)


def _revoked(touch: Touch, scene: Scene) -> Letter:
    assert touch.revoked_s is not None
    at_iso = iso(scene.at_ms(touch.revoked_s))
    message = TouchRevoked(touch.touch_id, f"case-{touch.user_id}", touch.user_id, "returned",
                           at_iso)  # fmt: skip
    headers = cloud_event("touch.revoked", f"{touch.touch_id}-revoked", SOURCE, at_iso,
                          touch.user_id)  # fmt: skip
    return Letter(touch.revoked_s, Kind.REVOCATION, touch.touch_id, touch.user_id.encode(),
                  to_json(message), headers, touch.story is not Story.KEPT)  # fmt: skip


def _others(plan: Plan, scene: Scene) -> list[Letter]:
    """Return records that are no touches: of kinds to pass over, and such as nobody can read."""
    half_s = plan.length_s / 2
    at_iso = iso(scene.at_ms(half_s))
    user_id = plan.touches[0].user_id
    closed = CaseClosed(f"case-{user_id}", user_id, "returned", 1, is_held_out=False,
                        opened_at=at_iso, closed_at=at_iso)  # fmt: skip
    of_tomorrow = cloud_event("touch.postponed", "postponed-1", SOURCE, at_iso, user_id)
    whole = to_json(_message(plan.touches[0], scene))
    requested = cloud_event("touch.requested", "unreadable", SOURCE, at_iso, user_id)
    half = whole[: len(whole) // 2]
    return [
        Letter(half_s, Kind.OTHER, "", user_id.encode(), to_json(closed),
               cloud_event("case.closed", "closed-1", SOURCE, at_iso, user_id)),
        Letter(half_s, Kind.OTHER, "", user_id.encode(),
               msgspec.json.encode({"type": "touch.postponed", "user_id": user_id}), of_tomorrow),
        Letter(half_s, Kind.OTHER, "", user_id.encode(), None, []),
        Letter(half_s, Kind.UNREADABLE, "a message cut in half", user_id.encode(), half,
               requested),
        Letter(half_s, Kind.UNREADABLE, "bytes that are no text", b"\xff\xfe", b"\xff\x00\xfe",
               requested),
        Letter(half_s, Kind.UNREADABLE, "a touch without its fields", user_id.encode(),
               msgspec.json.encode({"type": "touch.requested", "user_id": user_id}), requested),
    ]  # fmt: skip
