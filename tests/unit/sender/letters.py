"""Messages of ``win-back`` for stories."""

import msgspec

from streams.core.time import DAY_MS, iso
from winback_sender.contract.messages import TouchRequested, TouchRevoked, to_json
from winback_sender.contract.parts import Experiment, Priority, Reason, ReasonText, Risk, TouchUser
from winback_sender.engine.inbox import Letter, Message, Unread

START_MS = 1_488_358_800_000
"""2017-03-01T09:00Z, a Wednesday."""


def touch(
    touch_id: str,
    user_id: str = "ada",
    *,
    not_before_ms: int = START_MS,
    expires_ms: int = START_MS + 2 * DAY_MS,
    channel: str = "sms",
) -> TouchRequested:
    return TouchRequested(
        touch_id=touch_id,
        case_id=f"case-{user_id}",
        user_id=user_id,
        step=1,
        steps_total=3,
        channel=channel,
        template_key="member_care_greeting",
        params={},
        offer={},
        not_before=iso(not_before_ms),
        expires_at=iso(expires_ms),
        audience_local_timezone="Asia/Shanghai",
        purpose="member_care",
        risk=Risk(
            probability=0.61,
            horizon_days=30.0,
            level="high",
            reasons=(Reason("silence", 1.2, ReasonText("silent for long", "沉默较久")),),
            model_version="v1",
            scored_at=iso(not_before_ms),
        ),
        user=TouchUser("at_risk", "high", 120_000, "CNY", iso(START_MS - 9 * DAY_MS), "", {}),
        priority=Priority("important_calm", None),
        experiment=Experiment("member_care", "a", 0.1),
    )


def revoked(touch_id: str, user_id: str = "ada") -> TouchRevoked:
    return TouchRevoked(touch_id, f"case-{user_id}", user_id, "returned", iso(START_MS))


def letters(
    *messages: Message | Unread | None, at_ms: int = START_MS, partition: int = 0
) -> list[Letter]:
    """Return messages as neighbours on a partition, from offset 0 on."""
    return [
        Letter(
            partition, offset, at_ms, message, b"key",
            to_json(message) if isinstance(message, msgspec.Struct) else b"?", at_ms,
        )
        for offset, message in enumerate(messages)
    ]  # fmt: skip
