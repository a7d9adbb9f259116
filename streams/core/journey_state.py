"""What is not numeric in a user's state: stage, consent, reach, the open case, the exposure."""

import msgspec

from streams.core.lifecycle import Stage
from streams.core.playbook import PlaybookStep


class OpenTouch(msgspec.Struct, frozen=True, array_like=True):
    """A touch of the open case.

    Attributes:
        touch_id: Its deterministic id.
        channel: Where it was to be sent.
        at_ms: When it was released, epoch ms.
        expires_ms: After this it must not be sent.
        status: Last word of the sender; ``requested`` until there is one.
        case_id: Of its case, where that is closed.
        user_id: For which id it was requested, where that was given up since.
    """

    touch_id: str
    channel: str
    at_ms: int
    expires_ms: int
    status: str = "requested"
    case_id: str = ""
    user_id: str = ""


class Case(msgspec.Struct, frozen=True, array_like=True):
    """One attempt to win a user back, from the alert to the return or the end of the playbook.

    It carries its own steps: a journey finishes on the version of the playbook that it began with.

    Attributes:
        case_id: Its deterministic id.
        playbook: Name of the playbook that runs.
        variant: Variant of the playbook.
        step: Number of steps that are done.
        trigger: What opened it: ``risk``, ``silence``, or the meaning of a risky event.
        is_held_out: The holdout withholds every touch; decisions are recorded all the same.
        decided_ms: When the next touch was decided, if it was put off since; else 0.
        touches: Touches requested, in order.
        version: Version of the playbook.
        propensity: Probability with which the variant was chosen.
        steps: The steps of the variant.
        exits: What ends the journey besides the law: returned, converted, replied, ...
        purpose: What the contact is for.
        close_after_ms: Wait after the last step before the case is closed as exhausted.
        expires_ms: When the journey ends in any case, epoch ms.
        put_off: Reason of the last time that the next touch was put off, empty = it was not.
        opened_as: Under which id it was opened, where that was given up since.
    """

    case_id: str
    playbook: str
    variant: str
    step: int
    trigger: str
    is_held_out: bool
    decided_ms: int = 0
    touches: tuple[OpenTouch, ...] = ()
    version: str = ""
    propensity: float = 1.0
    steps: tuple[PlaybookStep, ...] = ()
    exits: tuple[str, ...] = ()
    purpose: str = ""
    close_after_ms: int = 0
    expires_ms: int = 0
    put_off: str = ""
    opened_as: str = ""


class Reach(msgspec.Struct, frozen=True, array_like=True):
    """How well a user can be reached on one channel.

    Attributes:
        failures: Hard failures in a row.
        is_dead: The channel was given up for this user.
        tokens: One-time permissions on record (a WeChat subscription), each good for one message.
        open_until_ms: End of the window in which the user may be written to freely, 0 = none.
    """

    failures: int = 0
    is_dead: bool = False
    tokens: int = 0
    open_until_ms: int = 0


class Exposure(msgspec.Struct, frozen=True, array_like=True):
    """A user was treated, or would have been but for the holdout; what follows is not known yet.

    Attributes:
        case_id: Case of it.
        playbook: Playbook, variant and version of the case.
        channel: Of the first touch.
        at_ms: When the touch left, or would have.
        matures_ms: When the answer is complete.
        is_held_out: Which arm.
        propensity: Probability of the variant, given that the user is treated.
        value_net: Net value then, minor units.
        dimensions: Name to value of what reports split by: tier, stage, source, reason, ...
        features: The features then, float32, as the model saw them.
        is_void: No sender took a touch of the case, so nobody was treated.
    """

    case_id: str
    playbook: str
    variant: str
    version: str
    channel: str
    at_ms: int
    matures_ms: int
    is_held_out: bool
    propensity: float
    probability: float
    value_net: float
    dimensions: dict[str, str]
    features: bytes
    is_void: bool = False


class Profile(msgspec.Struct, frozen=True, array_like=True):
    """The part of a user's state that only decisions read.

    Attributes:
        stage: Lifecycle stage.
        consents: Channel to whether the user said yes; a channel that is absent is unknown.
        is_suppressed: The user opted out of everything.
        zone: IANA time zone, empty = the default of the rules.
        source: Acquisition source, empty = unknown.
        contacts: Instant and channel of the touches (and of withheld ones) within the longest cap.
        traits: Further traits that the rules keep.
        case: The open case.
        reach: Channel to how well the user can be reached there; a channel that is absent is new.
        exposure: The pending exposure.
        consents_ms: Channel to when the user said so; the latest word counts.
        left: Touches of closed cases on which a sender's word is missing, latest last.
        treated_ms: Latest of the other touches of closed cases that are not known to be unsent.
        members: Other ids of the person to when they were claimed last.
        is_unasked: The id was erased once: nothing is presumed of whoever comes back under it.
    """

    stage: Stage = Stage.NEW
    consents: dict[str, bool] = {}
    is_suppressed: bool = False
    zone: str = ""
    source: str = ""
    contacts: tuple[tuple[int, str], ...] = ()
    traits: dict[str, str] = {}
    case: Case | None = None
    reach: dict[str, Reach] = {}
    exposure: Exposure | None = None
    consents_ms: dict[str, int] = {}
    left: tuple[OpenTouch, ...] = ()
    treated_ms: int = 0
    members: dict[str, int] = {}
    is_unasked: bool = False
