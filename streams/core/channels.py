"""Channels: what each costs, when law allows it, what it asks for, how much of it is too much."""

from typing import Final, Literal, NamedTuple

import msgspec

from streams.core.quiet_hours import Closed
from streams.core.time import DAY_MS

Kind = Literal["message", "person"]
"""The class of a channel: a message costs money, a person costs the time of staff."""

FAILURES_MAX: Final = 2
"""Hard failures in a row after which a channel is given up for a user, unless rules say another."""

TOUCHES_KEPT_MS: Final = 7 * DAY_MS
"""So long the topics of touches and feedback keep their records, unless an operator says other."""

UNHEARD_MS: Final = DAY_MS
"""So long after its expiry a touch is given up of which no sender has said a word: longer than a
sender that was down needs to say what it knows, short beside what the topic keeps."""

EXPIRES_LATEST_MS: Final = TOUCHES_KEPT_MS - UNHEARD_MS - DAY_MS
"""A touch that may be sent for longer than this asks for a topic that keeps more than by default: a
sender that was down must find what it has to tell of, and a day more, for retention is coarse."""

CONTACTS_KEPT_MS: Final = 30 * DAY_MS
"""Touches older than this count for no cap; the rules refuse a longer window."""


class Usual(NamedTuple):
    """What is usual for a channel; the rules may say otherwise.

    Attributes:
        kind: Its class.
        cost: What a touch costs, major units of the currency (yuan).
        hours: When law and providers allow it, local time; None = always.
        is_recorded: It needs a subscription token or an open window on record.
    """

    kind: Kind
    cost: float = 0.0
    hours: tuple[str, str] | None = None
    is_recorded: bool = False


DAYTIME: Final = ("08:00", "20:00")
"""The safest window that SMS providers have in common (Qiniu 8-20, Huawei 8-21)."""

CATALOGUE: Final[dict[str, Usual]] = {
    "sms": Usual("message", 0.05, DAYTIME),
    "wechat": Usual("message", is_recorded=True),
    "email": Usual("message", 0.01),
    "push": Usual("message"),
    "webhook": Usual("message"),
    "call": Usual("person", 3.0, DAYTIME),
    "wecom": Usual("person", 0.5),
}
"""The channels that winback knows; the rules may add others."""


class Cap(msgspec.Struct, frozen=True):
    """At most so many touches within a rolling window: the span (now - per, now]."""

    touches: int
    per_ms: int


class Channel(msgspec.Struct, frozen=True):
    """What the rules say of one channel.

    Attributes:
        kind: Its class.
        cost_minor: What a touch costs, minor units.
        is_recorded: It needs a subscription token or an open window on record.
        failures_max: Hard failures in a row after which it is given up for a user.
        caps: Frequency caps of this channel alone.
        closed: When nothing goes out on it.
    """

    kind: Kind = "message"
    cost_minor: float = 0.0
    is_recorded: bool = False
    failures_max: int = FAILURES_MAX
    caps: tuple[Cap, ...] = ()
    closed: Closed = Closed()
