"""Inputs: what can happen to a user, in the past tense, as frozen data."""

from typing import Final, NamedTuple

import msgspec

ZONE: Final = "zone"
SOURCE: Final = "acquisition_source"
"""Names of the traits that have a meaning of their own."""


class Acted(msgspec.Struct, frozen=True, gc=False):
    """A user did something that counts as activity.

    Attributes:
        user_id: Key of the keyed state; also the Kafka key.
        event_id: Idempotency key given by the producer.
        event_time_ms: When it happened, epoch ms UTC.
        amount: Size of the activity as the model sees it (money in major units, or a count), >= 0.
        money_minor: Change of the user's net value, minor units; negative for a refund, 0 for most.
        slot: Which of the kinds told apart it is: its place in the rules, or -1 for none.
        is_risky: A complaint, refund or cancellation: scored at once.
        trigger: Which of them, empty = none of them.
    """

    user_id: str
    event_id: str
    event_time_ms: int
    amount: float = 0.0
    money_minor: int = 0
    slot: int = -1
    is_risky: bool = False
    trigger: str = ""


class ValueCorrected(msgspec.Struct, frozen=True):
    """What a user had bought turned out to be worth more or less; the user did nothing.

    Attributes:
        event_id: Idempotency key.
        event_time_ms: Of the correction.
        money_minor: Change of the net value, minor units.
    """

    user_id: str
    event_id: str
    event_time_ms: int
    money_minor: int


class Linked(msgspec.Struct, frozen=True):
    """Two ids are one person: what was known under the other id belongs to this user.

    Attributes:
        user_id: Under which id the person is known from now on.
        event_id: Idempotency key.
        other_id: The id that is given up: anonymous before a log-in, or an older account.
    """

    user_id: str
    event_id: str
    event_time_ms: int
    other_id: str


class Absorbed(msgspec.Struct, frozen=True):
    """What was known under an id that was given up came to the user.

    Attributes:
        user_id: Under which id the person is known.
        event_id: Of the link.
        event_time_ms: Watermark that the partition had reached.
        other_id: The id that was given up.
        state: Its changelog value.
        frozen_at: Grid instant of the user's example that the other id's first activity completes,
            0 = it completes none.
        frozen: Features of that example.
        is_example_lost: An activity of the other id completes one that cannot be told any more.
    """

    user_id: str
    event_id: str
    event_time_ms: int
    other_id: str
    state: bytes
    frozen_at: float = 0.0
    frozen: bytes = b""
    is_example_lost: bool = False


class ConsentChanged(msgspec.Struct, frozen=True):
    """A user said yes or no to a channel."""

    user_id: str
    event_time_ms: int
    channel: str
    is_granted: bool


class OptedOut(msgspec.Struct, frozen=True):
    """A user wants no more contact: on one channel, or on all of them when it is empty."""

    user_id: str
    event_time_ms: int
    channel: str = ""


class ReachChanged(msgspec.Struct, frozen=True):
    """The company told us how a user can be reached on a channel.

    Attributes:
        event_id: Idempotency key: permissions are counted, so none must count twice.
        tokens: One-time permissions that came (or went, negative), each good for one message.
        open_until_ms: End of a window in which the user may be written to, 0 = none was opened.
        is_reachable: Whether the user can be reached at all; None = nothing was said of that.
    """

    user_id: str
    event_id: str
    event_time_ms: int
    channel: str
    tokens: int = 0
    open_until_ms: int = 0
    is_reachable: bool | None = None


class TraitsSet(msgspec.Struct, frozen=True):
    """The company told us something lasting about a user.

    Attributes:
        zone: IANA time zone, empty = nothing was said.
        source: Acquisition source, empty = nothing was said.
        traits: Further traits.
        reached_ms: Watermark that the partition had reached before it; 0 = its own event time.
    """

    user_id: str
    event_time_ms: int
    zone: str = ""
    source: str = ""
    traits: dict[str, str] = {}
    reached_ms: int = 0

    @property
    def told(self) -> dict[str, str]:
        """All that was said, by the name of the trait."""
        own = {ZONE: self.zone, SOURCE: self.source}
        return self.traits | {name: text for name, text in own.items() if text}


class Erased(msgspec.Struct, frozen=True):
    """A user is to be forgotten."""

    user_id: str
    event_time_ms: int


class FeedbackReceived(msgspec.Struct, frozen=True):
    """A sender tells what became of a touch.

    Attributes:
        status: One of `FEEDBACK_STATUSES` of ``native.py``.
        outcome: Why, or with which result.
        channel: Of the touch, empty = the sender did not say.
    """

    user_id: str
    event_time_ms: int
    touch_id: str
    status: str
    outcome: str = ""
    channel: str = ""


class WatermarkPassed(msgspec.Struct, frozen=True):
    """A producer promises that nothing older than this follows on the partition.

    Attributes:
        clock: Of which clock: of one that the router keeps; empty = of the topic it stands on.
        is_idle: The clock of the router has nothing to say and holds nothing back.
    """

    event_time_ms: int
    clock: str = ""
    is_idle: bool = False


class OutageAnnounced(msgspec.Struct, frozen=True):
    """The source logged nothing of anybody from one instant to another.

    Attributes:
        event_time_ms: When it was announced; says nothing of the clock of the events.
        from_ms: Begin, epoch ms UTC.
        to_ms: End, not included; infinity while it is not over; not after the begin = taken back.
    """

    event_time_ms: int
    from_ms: float
    to_ms: float


class ObservationPaused(msgspec.Struct, frozen=True):
    """A user is not observed from one instant to another: nothing follows from its silence.

    Attributes:
        from_ms: Begin, epoch ms UTC.
        to_ms: End, not included; infinity = for good; not after the begin = taken back.
    """

    user_id: str
    event_time_ms: int
    from_ms: float
    to_ms: float


class Directive(NamedTuple):
    """An operator's order to the whole deployment, as `controls.py` understands it.

    Attributes:
        key: What is controlled: ``mode``, ``stop``, ``pause/playbook/<name>``, ...
        value: ``on``, ``off`` (lifted) or the name of a mode.
        at_ms: From which instant of event time on, epoch ms UTC.
        ordered_ms: When it was given, epoch ms UTC.
    """

    key: str
    value: str
    at_ms: int
    ordered_ms: int


class ControlSet(msgspec.Struct, frozen=True):
    """All orders of operators as they stand; what is not among them any more is lifted.

    Attributes:
        event_time_ms: When it was read; says nothing of the clock of the events.
        controls: At most one per key.
    """

    event_time_ms: int
    controls: tuple[Directive, ...]


class Cause(NamedTuple):
    """What a feature group adds to a score, log-odds: positive = toward leaving.

    Attributes:
        code: The group.
        weight: How much it adds.
        change: By how much that moved since the score before this one.
    """

    code: str
    weight: float
    change: float = 0.0


class Score(msgspec.Struct, frozen=True):
    """What the model says of one user at one instant.

    Attributes:
        reach: P(this silence reaches H), 0 … 1.
        model_version: Whose answer it is.
        examples: Matured examples behind it.
        causes: The feature groups that speak most for leaving.
        value: The user's decayed net value at that instant, minor units.
        lift: What contact does to P(return), and the standard error of that; None = not known.
        features: What the model saw, float32, or empty.
    """

    reach: float
    model_version: str
    examples: int
    causes: tuple[Cause, ...] = ()
    value: float = 0.0
    lift: tuple[float, float] | None = None
    features: bytes = b""


class Terms(msgspec.Struct, frozen=True):
    """What holds for everybody of a partition at an instant, besides the rules.

    Attributes:
        mode: ``observe``, ``holdout-only`` or ``live``.
        is_stopped: The kill switch is on.
        paused: Keys of the playbooks and channels that are paused.
        tier_edges: Least value of each tier, highest first; empty = not known yet.
        odds: Playbook to the probability of each variant, as the policy says.
        is_fused: Many more are at risk than usual.
        loss_edges: Quantiles of what is at risk with users, rising; empty = not known yet.
        put_off_ms: Until then a touch has to wait: more is known by now than at its instant.
        acts_ms: The user is known to act then, before time alone has come so far; 0 = is not.
        lag_ms: By so much a touch leaves later than its instant: timers wait for a topic that late.
    """

    mode: str
    is_stopped: bool = False
    paused: frozenset[str] = frozenset()
    tier_edges: tuple[float, ...] = ()
    odds: dict[str, tuple[float, ...]] = {}
    is_fused: bool = False
    loss_edges: tuple[float, ...] = ()
    put_off_ms: int = 0
    acts_ms: int = 0
    lag_ms: int = 0


class Stopped(msgspec.Struct, frozen=True):
    """The kill switch was thrown while the user had a case."""

    user_id: str
    event_time_ms: int


class Scored(msgspec.Struct, frozen=True):
    """The model answered for a user whose band moves or whose silence backstop has come.

    Attributes:
        lost_ms: How much of the silence counts as no time, for the source or the user was away.
    """

    user_id: str
    event_time_ms: int
    score: Score
    is_backstop: bool = False
    lost_ms: int = 0
    terms: Terms | None = None


class TimerFired(msgspec.Struct, frozen=True):
    """A deadline computed from the state has been reached; the score is of that instant.

    Attributes:
        lost_ms: As in `Scored`.
    """

    user_id: str
    event_time_ms: int
    score: Score | None = None
    lost_ms: int = 0
    terms: Terms | None = None


class TurnCame(msgspec.Struct, frozen=True):
    """Places were handed out, and it is the turn of a user who waits for one.

    Attributes:
        lost_ms: As in `Scored`.
        has_place: Whether there is one; without it the step that waits is given up.
    """

    user_id: str
    event_time_ms: int
    score: Score
    terms: Terms
    lost_ms: int = 0
    has_place: bool = True


class Troubled(msgspec.Struct, frozen=True):
    """A user complained, wants the money back, or is about to cancel: to be answered at once.

    Attributes:
        trigger: Which of it.
        has_place: Whether the day has a place left.
    """

    user_id: str
    event_time_ms: int
    trigger: str
    score: Score
    terms: Terms
    has_place: bool = True


Input = (
    Acted
    | ValueCorrected
    | Linked
    | Absorbed
    | ConsentChanged
    | OptedOut
    | ReachChanged
    | TraitsSet
    | Erased
    | FeedbackReceived
    | WatermarkPassed
    | OutageAnnounced
    | ObservationPaused
    | ControlSet
    | Stopped
    | Scored
    | TimerFired
    | TurnCame
    | Troubled
)
