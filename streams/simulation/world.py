"""A world: everybody in it and all that would happen, drawn beforehand from a seed."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec
import numpy as np

from streams.core.time import DAY_MS, MINUTE_MS
from streams.simulation.kinds import CHANNELS, F64, KINDS, Rng, Span, visits
from streams.simulation.scenario import Scenario

DRAWS: Final = 24
"""Touches whose effect is drawn beforehand for each user; later ones take the last draw again."""

HOLIDAY_LEFT: Final = 0.2
"""Share of the visits that take place on a holiday all the same."""

WEALTH: Final = 0.8
"""Standard deviation of the logarithm of what users of one kind spend."""

GRUMBLE: Final = 0.5
"""Share of those who leave in anger who say so."""

WECHAT: Final = 0.6
"""Share of the users who subscribed to messages by WeChat."""

COIN: Final = 0.5

SKEW_MS: Final = 50 * MINUTE_MS  # Within the hour by which an event may be ahead of its record.


class Event(NamedTuple):
    """Something that happens to a user at an instant."""

    at_ms: int
    name: str
    amount: float | None = None
    properties: dict[str, Any] | None = None


class Person(msgspec.Struct, frozen=True):
    """One user, with everything that could happen.

    Attributes:
        user_id: The name on the topic.
        kind: Kind of user, the truth.
        untouched: What the user does when left alone, in order of time.
        said: What the user says of itself and to us: traits, consents, opt-out, erasure.
        reserve: What the user does after a touch brought it back; instants count from the return.
        draws: Uniform number of each touch, which decides on its effect.
        delays_ms: Time from each touch to the return that it brings.
        skew_ms: By how much the user's clock is ahead.
        dead: A channel on which nothing arrives, or empty.
        is_bot: Nobody.
    """

    user_id: str
    kind: str
    untouched: tuple[Event, ...]
    said: tuple[Event, ...]
    reserve: tuple[Event, ...]
    draws: tuple[float, ...]
    delays_ms: tuple[int, ...]
    skew_ms: int = 0
    dead: str = ""
    is_bot: bool = False


class World(msgspec.Struct, frozen=True):
    """All that is known beforehand.

    Attributes:
        scenario: What it was made from.
        seed: With what chance.
        start_ms: First instant, epoch ms UTC.
        end_ms: First instant after it.
        horizon_ms: H.
        people: Everybody, bots last.
    """

    scenario: Scenario
    seed: int
    start_ms: int
    end_ms: int
    horizon_ms: int
    people: tuple[Person, ...]


def make_world(scenario: Scenario, seed: int) -> World:
    """Return the world of a scenario and a seed; the same two give the same world."""
    rng = generator(scenario, seed, "world")
    start = datetime.fromisoformat(scenario.start).replace(tzinfo=UTC)
    start_ms = round(start.timestamp() * 1_000)
    horizon_ms = round(scenario.horizon_days * DAY_MS)
    names = list(scenario.mix)
    shares = np.array([scenario.mix[name] for name in names])
    kinds = rng.choice(len(names), scenario.users, p=shares / shares.sum()).tolist()
    people = [
        _person(scenario, rng, f"u{number:05}", names[kind], start_ms)
        for number, kind in enumerate(kinds)
    ]
    people += [_bot(scenario, rng, f"bot{number}", start_ms) for number in range(scenario.bots)]
    end_ms = start_ms + scenario.days * DAY_MS
    return World(scenario, seed, start_ms, end_ms, horizon_ms, tuple(people))


def generator(scenario: Scenario, seed: int, what: str) -> Rng:
    """Return the chance of one part of a world; parts do not disturb one another."""
    return np.random.default_rng([seed, crc32(scenario.name.encode()), crc32(what.encode())])


def _person(scenario: Scenario, rng: Rng, user_id: str, kind: str, start_ms: int) -> Person:
    horizon = scenario.horizon_days
    length = scenario.days / horizon
    is_new = rng.random() < scenario.new_share
    begin = rng.random() * length * 0.8 if is_new else 0.0
    span = Span(begin, length + 1.0, rng.uniform(*scenario.gap))
    at = KINDS[kind].lives(rng, span) * horizon
    wealth = float(np.exp(WEALTH * rng.standard_normal()))
    untouched = _lived(scenario, rng, kind, at, wealth)
    stay = visits(rng, 0.0, 6.0 if kind == "persuadable" else 2.0, span.gap) * horizon
    reserve = _acts(rng, kind, np.concatenate((np.zeros(1), stay)), wealth)
    ms = horizon * DAY_MS
    channels = list(CHANNELS)
    return Person(
        user_id=user_id,
        kind=kind,
        untouched=_moved(untouched, start_ms),
        said=_moved(_said(scenario, rng, begin * horizon), start_ms),
        reserve=_moved(reserve, 0),
        draws=tuple(rng.random(DRAWS).tolist()),
        delays_ms=tuple((0.02 * ms + rng.exponential(0.08 * ms, DRAWS)).astype(int).tolist()),
        skew_ms=int(rng.uniform(-SKEW_MS, SKEW_MS)) if rng.random() < scenario.noise.skewed else 0,
        dead=channels[int(rng.integers(len(channels)))]
        if rng.random() < scenario.senders.dead
        else "",
    )


def _lived(scenario: Scenario, rng: Rng, kind: str, at: F64, wealth: float) -> list[Event]:
    """Return the events of visits (instants in days), bent by what happens to everybody."""
    for begin, days in scenario.holidays:
        at = at[(at < begin) | (at >= begin + days) | (rng.random(len(at)) < HOLIDAY_LEFT)]
    for begin, share in scenario.exits:
        if rng.random() < share:
            at = at[at < begin]
    for begin in scenario.campaigns:
        at = np.sort(np.concatenate((at, begin + rng.random(1 + int(3 * rng.random())))))
    events = _acts(rng, kind, at, wealth)
    if KINDS[kind].grumbles and len(events) and rng.random() < GRUMBLE:
        last = events[-1]
        wrath = ("complaint", None) if rng.random() < COIN else ("refund", 30.0)
        events.append(Event(last.at_ms + 5 * MINUTE_MS, *wrath))
    for begin, share in scenario.complaints:
        if rng.random() < share:
            events.append(Event(round((begin + rng.random()) * DAY_MS), "complaint"))
    return events


def _acts(rng: Rng, kind: str, at_days: F64, wealth: float) -> list[Event]:
    """Return what a user does at its visits: a purchase or a look, and some further looks."""
    truth, count = KINDS[kind], len(at_days)
    buys = (rng.random(count) < truth.buys).tolist()
    sizes = np.round(truth.spends * wealth * np.exp(0.5 * rng.standard_normal(count)), 2).tolist()
    more = rng.poisson(truth.acts, count).tolist()
    minutes = rng.integers(1, 40, sum(more)).tolist()
    events, place = [], 0
    for at, is_bought, size, further in zip(
        np.round(at_days * DAY_MS).astype(int).tolist(), buys, sizes, more, strict=True
    ):
        events.append(Event(at, "purchase", size) if is_bought else Event(at, "visit"))
        events += [
            Event(at + minute * MINUTE_MS, "visit") for minute in minutes[place : place + further]
        ]
        place += further
    return events


def _said(scenario: Scenario, rng: Rng, begin_day: float) -> list[Event]:
    """Return what a user lets us know, at the beginning and on the way."""
    wishes, zones = scenario.wishes, scenario.zones
    at = round(begin_day * DAY_MS)
    left = scenario.days - begin_day
    chances = rng.random(7).tolist()
    later = [at + round(share * left * DAY_MS) for share in rng.random(5).tolist()]
    zone = zones[int(rng.integers(len(zones)))]
    events = [Event(at, "traits_set", None, {"zone": zone, "acquisition_source": "ads"})]
    if chances[0] >= wishes.unknown:
        events += [_consent(at, channel, is_granted=True) for channel in CHANNELS]
    if chances[6] < WECHAT:
        told = {"channel": "wechat", "tokens": int(1 + 3 * rng.random())}
        events.append(Event(at, "channel_reach", None, told))
    picked = list(CHANNELS)[int(rng.integers(len(CHANNELS)))]
    if chances[1] < wishes.refused:
        events.append(_consent(at, picked, is_granted=False))
    if chances[2] < wishes.changing:
        events.append(_consent(later[0], "sms", is_granted=False))
        events.append(_consent(later[1], picked, is_granted=bool(rng.random() < COIN)))
    if chances[3] < wishes.opting_out:
        events.append(Event(later[2], "opt_out"))
    if chances[4] < wishes.erased:
        events.append(Event(later[3], "erasure_requested"))
    if chances[5] < wishes.moving:
        there = zones[int(rng.integers(len(zones)))]
        events.append(Event(later[4], "traits_set", None, {"zone": there}))
    return events


def _consent(at: int, channel: str, *, is_granted: bool) -> Event:
    return Event(at, "consent_changed", None, {"channel": channel, "granted": is_granted})


def _bot(scenario: Scenario, rng: Rng, user_id: str, start_ms: int) -> Person:
    """Return a bot: thousands of events within three days, then nothing."""
    begin = rng.random() * max(scenario.days - 3.0, 1.0)
    at = np.sort(begin + 3.0 * rng.random(scenario.bot_events))
    events = [Event(round(day * DAY_MS), "visit") for day in at.tolist()]
    consents = [_consent(round(begin * DAY_MS), channel, is_granted=True) for channel in CHANNELS]
    return Person(
        user_id, "doomed", _moved(events, start_ms), _moved(consents, start_ms), (),
        (1.0,) * DRAWS, (DAY_MS,) * DRAWS, is_bot=True,
    )  # fmt: skip


def _moved(events: list[Event], by_ms: int) -> tuple[Event, ...]:
    """Return events in order of time, later by a span."""
    moved = (Event(event.at_ms + by_ms, *event[1:]) for event in events)
    return tuple(sorted(moved, key=_at))


def _at(event: Event) -> int:
    return event.at_ms
