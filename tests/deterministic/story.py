"""What happens in a world, from its seed: who does what when, and what goes wrong."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final, NamedTuple

from streams.core.partitioner import partition_of_key
from streams.core.time import DAY_MS, HOUR_MS, iso
from tests.deterministic.logs import Place, Said
from tests.deterministic.setting import Setting, serving_record

START_MS: Final = 1_483_228_800_000 + 40 * DAY_MS
PRODUCING_S: Final = 8.0
FAULTS_S: Final = 14.0
EVENTS: Final = ("view", "view", "view", "purchase", "refund", "complaint", "cancel_page_viewed")


class Shape(NamedTuple):
    """How large a world is, and of which kind.

    Attributes:
        kind: Of the deployment.
        partitions: Of every topic that is read.
        workers: How many processes.
        users: How many ids.
        events: How many records of activity.
        is_live: Whether the wall clock moves timers.
        follows_models: Whether the learner puts models in force.
        has_orders: Whether operators order something.
        changes_rules: Whether the rules files change, at another moment for each worker.
        pace_ms: Wall clock in a second of virtual time, ms.
    """

    kind: str
    partitions: int
    workers: int
    users: int
    events: int
    is_live: bool
    follows_models: bool
    has_orders: bool
    changes_rules: bool
    pace_ms: int


class Put(NamedTuple):
    """Somebody appends records at an instant of virtual time.

    Attributes:
        at_s: When.
        place: Where.
        said: What.
        lasts_s: How long its transaction is open; 0 = there is none.
        is_taken_back: Whether that is aborted.
    """

    at_s: float
    place: Place
    said: tuple[Said, ...]
    lasts_s: float = 0.0
    is_taken_back: bool = False


class Fault(NamedTuple):
    """Something goes wrong.

    Attributes:
        at_s: When.
        what: Which.
        worker: Whom it concerns.
        amount: Seconds, steps, or ms.
    """

    at_s: float
    what: str
    worker: int
    amount: float


KINDS: Final = (
    "kill", "kill", "kill", "pause", "pause", "stop", "down", "slow", "lossy", "rebalance",
    "rebalance", "slow_storm", "slow_storm", "lose_transactions", "compact", "compact", "clock",
    "freeze", "freeze", "kill_all", "storm", "undecided", "undecided_storm", "unmarked",
    "unmarked_storm",
)  # fmt: skip


def shape_of(random: Random) -> Shape:
    """Return the measures of a world."""
    is_live = random.random() < 0.5
    return Shape(
        kind=random.choice(("one", "one", "late", "rationed", "several")),
        partitions=random.choice((1, 1, 2, 2, 3, 4)),
        workers=random.choice((1, 2, 2, 3)),
        users=random.randint(2, 7),
        events=random.randint(12, 44),
        is_live=is_live,
        follows_models=random.random() < 0.4,
        has_orders=random.random() < 0.35,
        changes_rules=random.random() < 0.2,
        pace_ms=3 * HOUR_MS if is_live else 30 * HOUR_MS,
    )


def puts_of(random: Random, shape: Shape, setting: Setting) -> list[Put]:
    """Return what others write, in order of time."""
    puts = []
    told: list[tuple[float, str, dict[str, Any]]] = []
    for number in range(shape.events):
        at_s = random.uniform(0.0, PRODUCING_S)
        topic = random.choice(setting.outside)
        if told and random.random() < 0.15:  # A producer sends once more what it has sent.
            before_s, topic, body = random.choice(told)
            at_s = min(PRODUCING_S, before_s + random.choice((0.0, 0.5, 3.0)))
        else:
            body = _event(random, shape, number, at_s)
            told.append((at_s, topic, body))
        puts.append(_put(random, shape, topic, at_s, body))
    puts += _orders(random, shape, setting)
    puts += _models(random, shape, setting)
    puts += _last_words(random, shape, setting)
    return sorted(puts)


def wall_ms(shape: Shape, at_s: float) -> int:
    """Return the true time of day at an instant of virtual time, epoch ms UTC."""
    return START_MS + round(at_s * shape.pace_ms)


def _event(random: Random, shape: Shape, number: int, at_s: float) -> dict[str, Any]:
    user = f"u{random.randrange(shape.users)}"
    late_ms = random.choice((0, 0, 0, HOUR_MS, 9 * HOUR_MS, 3 * DAY_MS))
    name = random.choice(EVENTS)
    body: dict[str, Any] = {
        "event_id": f"e{number}", "user_id": user, "event": name,
        "event_time": wall_ms(shape, at_s) - late_ms - random.randint(0, 1000),
    }  # fmt: skip
    if name in {"purchase", "refund"}:
        body |= {"amount": random.randint(1, 400), "currency": "CNY"}
    if random.random() < 0.04:
        body["event"] = "erasure_requested"
    if random.random() < 0.05:
        other = f"u{random.randrange(shape.users)}"
        body |= {"event": "$identify", "properties": {"anonymous_id": other}}
    return body


def _put(random: Random, shape: Shape, topic: str, at_s: float, body: dict[str, Any]) -> Put:
    key, value = body["user_id"].encode(), json.dumps(body).encode()
    if random.random() < 0.04:
        value = random.choice((b"no json", b"{}", value.replace(b'"u', b'"x')))
    place = (topic, partition_of_key(key, shape.partitions))
    said = (key, value, list[tuple[str, bytes]](), wall_ms(shape, at_s))
    if random.random() < 0.08:
        lasts_s = random.uniform(0.01, 3.0)
        return Put(at_s, place, (said,), lasts_s, is_taken_back=random.random() < 0.5)
    return Put(at_s, place, (said,))


def _orders(random: Random, shape: Shape, setting: Setting) -> list[Put]:
    if not shape.has_orders:
        return []
    puts = []
    for number in range(random.randint(1, 4)):
        at_s = random.uniform(0.0, PRODUCING_S)
        key, value = random.choice((
            ("mode", "observe"), ("mode", "live"), ("mode", "off"), ("stop", "on"),
            ("stop", "off"), ("pause/channel/sms", "on"), ("pause/channel/sms", "off"),
        ))  # fmt: skip
        ahead_s = random.choice((0.0, 0.0, 1.0, -1.0))
        body = {
            "key": key, "value": value, "by": "ops",
            "ordered_at": iso(wall_ms(shape, at_s) + number),
            "effective_at": iso(wall_ms(shape, at_s + ahead_s)),
        }  # fmt: skip
        said = (key.encode(), json.dumps(body).encode(), [], wall_ms(shape, at_s))
        puts.append(Put(at_s, (setting.settings.topic_control, 0), (said,)))
    return puts


def _models(random: Random, shape: Shape, setting: Setting) -> list[Put]:
    if not shape.follows_models:
        return []
    place = (setting.settings.topic_models, 0)
    puts = []
    for _ in range(random.randint(1, 4)):
        at_s = random.uniform(0.0, PRODUCING_S)
        key, value = serving_record(f"told_{random.randint(1, 3)}", "one")
        puts.append(Put(at_s, place, ((key, value, [], wall_ms(shape, at_s)),)))
    return puts


def _last_words(random: Random, shape: Shape, setting: Setting) -> list[Put]:
    """Return the watermark with which a file ends, so that timers fire without a clock."""
    if shape.is_live:
        return []
    at_ms = wall_ms(shape, PRODUCING_S) + random.choice((0, DAY_MS, 5 * DAY_MS))
    body = {"event_id": "$", "user_id": "$", "event": "$watermark", "event_time": at_ms}
    said = (b"$watermark", json.dumps(body).encode(), list[tuple[str, bytes]](), at_ms)
    return [
        Put(PRODUCING_S + 0.1, (topic, number), (said,))
        for topic in setting.outside
        for number in range(shape.partitions)
    ]


def faults_of(random: Random, shape: Shape) -> list[Fault]:
    """Return what goes wrong, in order of time."""
    faults = []
    for _ in range(random.choice((0, 1, 2, 3, 4, 6))):
        what = random.choice(KINDS)
        amount = {
            "kill": random.randint(1, 60), "pause": random.uniform(2.0, 14.0),
            "freeze": random.uniform(8.0, 20.0),
            "down": random.choice((0.5, 3.0, 9.0)), "slow": random.uniform(1.0, 4.0),
            "slow_storm": random.uniform(1.0, 4.0),
            "undecided": random.uniform(0.5, 14.0), "undecided_storm": random.uniform(0.5, 14.0),
            "unmarked": random.uniform(0.5, 14.0), "unmarked_storm": random.uniform(0.5, 14.0),
            "lossy": random.uniform(1.0, 4.0), "compact": random.randint(0, 6),
            "clock": random.choice((-1, 1)) * random.choice((60_000, HOUR_MS, DAY_MS)),
        }.get(what, 0.0)  # fmt: skip
        at_s = random.uniform(0.1, FAULTS_S)
        if faults and random.random() < 0.5:  # Trouble does not come alone.
            at_s = min(FAULTS_S, faults[-1].at_s + random.uniform(0.0, 1.5))
        faults.append(Fault(at_s, what, random.randrange(shape.workers), amount))
    return sorted(faults)


def describe(shape: Shape, puts: Sequence[Put], faults: Sequence[Fault]) -> str:
    """Return a world in a few lines."""
    lines = [str(shape), f"{len(puts)} records of others"]
    lines += [
        f"{fault.at_s:7.2f}s {fault.what} w{fault.worker} {fault.amount:g}" for fault in faults
    ]
    return "\n".join(lines)
