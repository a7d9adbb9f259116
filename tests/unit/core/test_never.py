"""Never: worlds full of disorder around clock changes and leap days, and a judge who knows the law.

The judge reads what came in and what went out, and nothing else of the core than the rules' text.
"""

from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.inputs import (
    Acted,
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    OptedOut,
    ReachChanged,
    TraitsSet,
    WatermarkPassed,
)
from streams.core.partition import Partition
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.core.stories import F64, ToldScorer, rules_of
from tests.unit.core.test_quiet_hours import ZONES, changes, ms

STEPS: Final = """
- name: care
  exit: [returned]
  steps:
  - {channel: wechat, template_key: a}
  - {channel: sms, template_key: b, wait: 6h}
  - {channel: call, template_key: c, wait: 6h}
  - {channel: sms, template_key: d, wait: 12h}
- name: sorry
  match: {triggers: [complaint]}
  exit: [replied]
  steps: [{channel: sms, template_key: e}, {channel: call, template_key: f, wait: 6h}]
"""
HELD_OUT: Final = 0.3
OPENS: Final = {"wechat": (9, 21), "sms": (9, 20), "call": (10, 18)}
CAPS: Final = (("", 3, 4 * DAY_MS), ("sms", 1, 2 * DAY_MS))
USERS: Final = ("ada", "bo", "cy", "di", "eve", "fay")
WORDS: Final = ("accepted", "sent", "delivered", "failed", "clicked", "unknown", "handled")


def law(zone: str) -> str:
    return f"""{{consent_default: denied, zone: {zone}, caps: [{{touches: 3, per: 4d}}]}}"""


CHANNELS: Final = (
    '{sms: {hours: {start: "08:00", end: "20:00"}, caps: [{touches: 1, per: 2d}]}, '
    'call: {hours: {start: "10:00", end: "18:00"}}}'
)


class Judge:
    """Holds every touch against what had come in before it."""

    def __init__(self, zone: str, held_out: frozenset[str]) -> None:
        self.zone, self.held_out = ZoneInfo(zone), held_out
        self.consents: dict[tuple[str, str], tuple[int, bool]] = {}
        self.silenced: set[str] = set()
        self.tokens: Counter[tuple[str, str]] = Counter()
        self.sent: list[tuple[str, str, int]] = []
        self.ids: set[str] = set()
        self.over: set[str] = set()
        self.seen: set[str] = set()

    def hear(self, signal: Input) -> None:
        """Take note of what comes in."""
        match signal:
            case ConsentChanged(user, at_ms, channel, is_granted):
                self._say(user, channel, at_ms, is_granted=is_granted)
            case OptedOut(user, at_ms, channel) if channel:
                self._say(user, channel, at_ms, is_granted=False)
            case OptedOut(user) | Erased(user) | FeedbackReceived(user, status="opted_out"):
                self.silenced.add(user)
            case ReachChanged(user, event_id, _, channel, tokens) if event_id not in self.seen:
                self.seen.add(event_id)
                self.tokens[user, channel] += tokens

    def _say(self, user: str, channel: str, at_ms: int, *, is_granted: bool) -> None:
        known_ms, known = self.consents.get((user, channel), (-1, False))
        if at_ms > known_ms or (at_ms == known_ms and known and not is_granted):
            self.consents[user, channel] = (at_ms, is_granted)

    def see(self, message: dict[str, str]) -> None:
        """Judge what goes out."""
        if message["type"] == "case.closed":
            self.over.add(message["case_id"])
        if message["type"] != "touch.requested":
            return
        user, channel, at_ms = message["user_id"], message["channel"], ms(message["not_before"])
        assert message["touch_id"] not in self.ids, "sent twice"
        assert message["case_id"] not in self.over, "the user is back, or gone for good"
        assert user not in self.silenced, "the user wants no contact"
        assert user not in self.held_out, "the user belongs to the holdout"
        assert self.consents.get((user, channel), (0, False))[1], "no consent"
        hour = datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(self.zone).hour
        assert OPENS[channel][0] <= hour < OPENS[channel][1], "it is night"
        if channel == "wechat":
            self.tokens[user, channel] -= 1
            assert self.tokens[user, channel] >= 0, "no permission"
        self.ids.add(message["touch_id"])
        self.sent.append((user, channel, at_ms))
        for where, most, per_ms in CAPS:
            window = [
                at
                for who, how, at in self.sent
                if who == user and where in {"", how} and at_ms - per_ms < at
            ]
            assert len(window) <= most, "too often"


def happening(chance: Random, at_ms: int, number: int) -> Input:
    """Return something that a user, or the company, does."""
    user, channel = chance.choice(USERS), chance.choice(("wechat", "sms", "call"))
    kind = chance.random()
    at_ms -= chance.choice((0, 0, 0, 20_000, 50 * MINUTE_MS, 2 * DAY_MS))
    if kind < 0.5:
        trigger = chance.choice(("", "", "complaint"))
        return Acted(user, f"e{number}", at_ms, 1.0, 0, -1, bool(trigger), trigger)
    if kind < 0.92:
        return ConsentChanged(user, at_ms, channel, chance.random() < 0.8)
    if kind < 0.97:
        return ReachChanged(user, f"r{number}", at_ms, "wechat", tokens=1)
    if kind < 0.992:
        return OptedOut(user, at_ms, chance.choice(("", channel)))
    return Erased(user, at_ms)


def soon(silence_days: F64) -> F64:
    """Risk that passes one half after a day and a half."""
    return np.asarray(silence_days / (silence_days + 1.5))


def world(seed: int) -> Judge:
    """Live through three weeks around a clock change or a leap day, and return the judge."""
    chance, zone = Random(seed), ZONES[seed % len(ZONES)]
    rules = rules_of(
        contact=law(zone), channels=CHANNELS, playbooks=STEPS, holdout=f"{{share: {HELD_OUT}}}",
        churn="{horizon: 8d, min_active_days: 2}",
    )  # fmt: skip
    judge = Judge(zone, frozenset(user for user in USERS if rules.is_held_out(user)))
    partition = Partition(0, rules, ToldScorer(soon, 8 * DAY_MS))
    middle = chance.choice((*changes(zone), ms("2016-02-29T12:00+00:00")))
    at_ms, end_ms = middle - 12 * DAY_MS, middle + 8 * DAY_MS
    todo: list[Input] = [TraitsSet(user, at_ms, zone) for user in USERS]
    todo += [Acted(user, f"{user}{n}", at_ms + n * DAY_MS) for n in range(3) for user in USERS]
    out: list[tuple[str, str]] = []
    number, at_ms = 0, middle - 9 * DAY_MS
    while at_ms < end_ms:
        for signal in todo:
            judge.hear(signal)
            partition.apply([signal])
            out += _judged(partition, judge)
        number, at_ms = number + 1, at_ms + chance.randrange(4 * HOUR_MS)
        todo = [WatermarkPassed(at_ms), happening(chance, at_ms, number)]
        if chance.random() < 0.2:
            todo.append(todo[-1])
        if out and chance.random() < 0.4:
            user, touch_id = chance.choice(out)
            outcome = chance.choice(("", "hard", "soft", "no_answer"))
            todo.append(FeedbackReceived(user, at_ms, touch_id, chance.choice(WORDS), outcome))
    return judge


def test_nobody_is_ever_written_to_against_the_law() -> None:
    """A world for every zone; the judge raises on the first touch that must not be."""
    sent = [len(world(seed).sent) for seed in range(len(ZONES))]
    assert sum(sent) > 5 * len(sent), "worlds in which nobody is written to prove nothing"


def _judged(partition: Partition, judge: Judge) -> list[tuple[str, str]]:
    """Return user and id of the touches that went out, each held against the law."""
    made = []
    for record in partition.take().outputs.get("touches", ()):
        message = msgspec.json.decode(record.value)
        judge.see(message)
        if message["type"] == "touch.requested":
            made.append((message["user_id"], message["touch_id"]))
    return made
