"""What a world is made from: one scenario, as data."""

from typing import Final

import msgspec

DST_ZONES: Final = (
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "America/Nuuk",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
)
"""Zones whose clocks change: by an hour or by half, at night or at midnight, north and south."""

SHANGHAI: Final = ("Asia/Shanghai",)
EVERYWHERE: Final = (*DST_ZONES, "Asia/Shanghai", "Asia/Kolkata", "UTC")

USUAL: Final = {
    "stable": 0.4,
    "drifting": 0.15,
    "seasonal": 0.1,
    "one_time": 0.1,
    "doomed": 0.1,
    "persuadable": 0.15,
}
"""A population in which most stay, some leave, and some of those can be held."""


class Outage(msgspec.Struct, frozen=True):
    """The source logs nothing from one day of the world to another.

    Attributes:
        begin: Day, from 0.
        days: Length.
        is_announced: Whether the service is told, when it begins and when it ends.
    """

    begin: float
    days: float
    is_announced: bool = False


class Noise(msgspec.Struct, frozen=True):
    """What the way from the user to the topic does to events; shares of 0 to 1.

    Attributes:
        late: Share of events that arrive late.
        late_hours: Mean delay of those.
        twice: Share that is delivered twice.
        skewed: Share of users whose clock is wrong, by up to 50 minutes either way.
    """

    late: float = 0.0
    late_hours: float = 1.0
    twice: float = 0.0
    skewed: float = 0.0


class Wishes(msgspec.Struct, frozen=True):
    """What users want of us; shares of the users.

    Attributes:
        unknown: No word on consent is on record, on any channel.
        refused: Said no to a channel at the beginning.
        changing: Take a consent back on the way, or give it.
        opting_out: Opt out of everything on the way.
        erased: Ask to be forgotten on the way.
        moving: Move to another zone on the way.
    """

    unknown: float = 0.0
    refused: float = 0.0
    changing: float = 0.0
    opting_out: float = 0.0
    erased: float = 0.0
    moving: float = 0.0


class Senders(msgspec.Struct, frozen=True):
    """How senders answer; shares of the touches.

    Attributes:
        fail: The touch does not arrive.
        dead: Share of the users who have a channel on which nothing ever arrives.
        late: The answer comes up to three days later.
        twice: The answer comes twice.
        contradict: A second answer says the opposite.
        strange: An answer for a touch or a user that nobody knows.
        opted_out: Of those who got it, who answer with an opt-out.
        silent: No answer at all.
    """

    fail: float = 0.03
    dead: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    contradict: float = 0.0
    strange: float = 0.0
    opted_out: float = 0.005
    silent: float = 0.0


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of world.

    Attributes:
        name: Permanent name.
        what: One sentence: what it shows.
        users: How many, without bots.
        days: How long it lasts.
        horizon_days: H.
        start: First day, ISO.
        mix: Kind of user to its share.
        effect: Factor on the true effect of every touch; 0 = touches do nothing.
        zones: Where users live.
        outages: When the source logs nothing.
        holidays: First day and length of spans in which four of five users do nothing.
        campaigns: Days on which everybody comes, and many only then.
        exits: Day and share of the users who leave at once, for good.
        complaints: Day and share of the users who complain.
        bots: Bots, each with its thousands of events.
        bot_events: Events of one bot.
        noise: What happens to events on their way.
        wishes: What users want of us.
        senders: How senders answer.
        gap: Least and greatest mean time between two visits of a user, in units of H.
        stops: Day and length of the times at which the kill switch is on.
        new_share: Share of the users who come on the way, not at the beginning.
        rules: Sections of the rules that differ, as YAML.
        step_hours: The loop looks at what came out so often.
        partitions: Of the topic.
    """

    name: str
    what: str
    users: int = 400
    days: int = 120
    horizon_days: float = 12.0
    start: str = "2024-01-08"
    mix: dict[str, float] = msgspec.field(default_factory=lambda: dict(USUAL))
    effect: float = 1.0
    zones: tuple[str, ...] = SHANGHAI
    outages: tuple[Outage, ...] = ()
    holidays: tuple[tuple[float, float], ...] = ()
    campaigns: tuple[float, ...] = ()
    exits: tuple[tuple[float, float], ...] = ()
    complaints: tuple[tuple[float, float], ...] = ()
    bots: int = 0
    bot_events: int = 3_000
    noise: Noise = Noise()
    wishes: Wishes = Wishes()
    senders: Senders = Senders()
    gap: tuple[float, float] = (0.1, 0.25)
    stops: tuple[tuple[float, float], ...] = ()
    new_share: float = 0.3
    rules: str = ""
    step_hours: float = 6.0
    partitions: int = 2
