"""A topic of examples as a small deployment left it: blocks, and an operator's guest among them."""

from functools import cache
from typing import Final

import msgspec
import numpy as np

from streams.core.outbox import EXAMPLES
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.orders import Action, guest
from streams.replay.blocks import Block
from streams.replay.fleet import Fleet
from streams.replay.mute import Mute, muted
from tests.unit.runtime.teaching import NOW_MS, order, trees

RULES_TEXT: Final = """
churn: {horizon: 8d, min_active_days: 2}
kinds: [visit, purchase]
alert: {examples_min: 60}
"""
DAY_MS = 86_400_000
START_MS = NOW_MS - 120 * DAY_MS
HORIZON_MS = 8 * DAY_MS


@cache
def rules() -> Rules:
    return parse_rules(RULES_TEXT)


@cache
def taught() -> tuple[bytes, ...]:
    """Return what the pipeline writes to the topic of examples of twenty users over 90 days."""
    chance = np.random.default_rng(3)
    rows = []
    for number in range(20):
        at_ms, gap = float(START_MS), chance.uniform(0.5, 5.0)
        leaves_ms = START_MS + chance.uniform(20, 130) * DAY_MS
        while (at_ms := at_ms + chance.exponential(gap) * DAY_MS) < leaves_ms:
            rows.append((int(at_ms), f"用户{number}", str(chance.choice(["visit", "purchase"]))))
    rows = sorted(row for row in rows if row[0] < START_MS + 90 * DAY_MS)
    fleet = Fleet(muted(rules()), Mute(), partitions=2, now_ms=NOW_MS)
    values = []
    for begin in range(0, len(rows), 15):
        part = rows[begin : begin + 15]
        times, users, events = (list(column) for column in zip(*part, strict=True))
        ids = [f"log:{begin + place}" for place in range(len(part))]
        read = Block(list(range(len(part))), ids, users, times, events, [None] * len(part), None)
        accepted = fleet.accept(read)
        fleet.apply(accepted, 0, len(part), times[-1])
        for stream, _, records in fleet.take():
            values += [record.value for record in records if stream == EXAMPLES]
    return tuple(values)


def with_orders(values: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Let a guest enter in the middle, and put it in force later."""
    snapshot = guest("mine", trees(), HORIZON_MS)
    body = msgspec.json.encode(snapshot).decode()
    entry = msgspec.msgpack.encode(order(Action.ADD, snapshot.name, body))
    word = msgspec.msgpack.encode(order(Action.PROMOTE, "guest_mine", at_ms=NOW_MS + 1))
    half, late = len(values) // 2, 3 * len(values) // 4
    return (*values[:half], entry, *values[half:late], word, *values[late:])
