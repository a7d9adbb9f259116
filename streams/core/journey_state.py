"""What is not numeric in a user's state: stage, consent, and the open case."""

import msgspec

from streams.core.lifecycle import Stage


class OpenTouch(msgspec.Struct, frozen=True, array_like=True):
    """A touch of the open case.

    Attributes:
        touch_id: Its deterministic id.
        channel: Where it was to be sent.
        at_ms: When it was released, epoch ms.
        expires_ms: After this it must not be sent.
        status: Last word of the sender; ``requested`` until there is one.
    """

    touch_id: str
    channel: str
    at_ms: int
    expires_ms: int
    status: str = "requested"


class Case(msgspec.Struct, frozen=True, array_like=True):
    """One attempt to win a user back, from the alert to the return or the end of the playbook.

    Attributes:
        case_id: Its deterministic id.
        playbook: Name of the playbook that runs.
        variant: Variant of the playbook by salted hash.
        step: Number of steps that are done.
        trigger: ``risk`` or ``silence``: what opened it.
        is_held_out: The holdout withholds every touch; decisions are recorded all the same.
        decided_ms: When the next touch was decided, if it was put off since; else 0.
        treated_before_ms: TREATED_AT when the case was opened.
        touches: Touches requested, in order.
    """

    case_id: str
    playbook: str
    variant: str
    step: int
    trigger: str
    is_held_out: bool
    decided_ms: int = 0
    treated_before_ms: float = 0.0
    touches: tuple[OpenTouch, ...] = ()


class Profile(msgspec.Struct, frozen=True, array_like=True):
    """The part of a user's state that only decisions read.

    Attributes:
        stage: Lifecycle stage.
        consents: Channel to whether the user said yes; a channel that is absent is unknown.
        is_suppressed: The user opted out of everything.
        zone: IANA time zone, empty = the default of the rules.
        source: Acquisition source, empty = unknown.
        contacts_ms: Instants of the touches (and of withheld ones) within the longest cap window.
        traits: Further traits that the rules keep.
        case: The open case.
    """

    stage: Stage = Stage.NEW
    consents: dict[str, bool] = {}
    is_suppressed: bool = False
    zone: str = ""
    source: str = ""
    contacts_ms: tuple[int, ...] = ()
    traits: dict[str, str] = {}
    case: Case | None = None
