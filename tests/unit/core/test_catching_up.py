"""Topics that are late, idle or hostile, and a worker that was away: nobody is written to too late.

A touch is stale when its user has acted since it was due, as far as anything that had arrived by
then could tell, or when it was due long before what a worker that keeps up would have reached. An
alert is missed when the worker that had everything in time gives it, and the user, still silent
when the other worker is up to date, gets nothing.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.clock_names import OWN
from streams.core.clocks import CATCH_UP_MS
from streams.core.inputs import Acted, ConsentChanged, Input
from streams.core.outbox import DECISIONS, TOUCHES
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.sources import Form, KeyedBy, Source
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.core.stories import GRANTED, ToldScorer, act, by_silence, day, rules_of

PAY, ORDERS, CRM, WEB = "pay", "orders", "crm", "web"
LATE = {PAY: 0, ORDERS: 6 * HOUR_MS, CRM: HOUR_MS, WEB: 0}
DAYS = 45
EVERY_MS = HOUR_MS
"""The worker of these stories reads and ticks once an hour."""


AWAY = (day(20), day(23))


def five_topics(text: str = GRANTED) -> Rules:
    sources = tuple(
        Source(topic=topic, form=Form.JSON, keyed_by=KeyedBy.USER, lateness_ms=late_ms)
        for topic, late_ms in LATE.items()
    )
    return msgspec.structs.replace(rules_of(text), sources=sources)


class Record(NamedTuple):
    """What a topic carries."""

    arrived_ms: int
    topic: str
    signal: Input


class Sent(NamedTuple):
    """A touch: when it was due, when it says that it leaves, and when it went out."""

    user_id: str
    due_ms: int
    leaves_ms: int
    wall_ms: int


def ms_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def lives(seed: int, users: int = 16) -> list[Record]:
    """Return what users do, over all topics: each comes daily, and stays away for a while."""
    chance, records = random.Random(seed), list[Record]()
    for number in range(users):
        user, at, gone = f"u{number}", chance.uniform(0, 2), chance.uniform(6, 20)
        while at < DAYS:
            topic = chance.choice([OWN, OWN, PAY, ORDERS, WEB])
            records.append(Record(day(at), topic, act(day(at), user)))
            at += chance.uniform(0.2, 1.4)
            if at > gone:
                at, gone = at + chance.uniform(9, 22), at + chance.uniform(30, 60)
    for number in range(users):
        signal = ConsentChanged(f"u{number}", day(1), "sms", is_granted=True)
        records.append(Record(day(1), CRM, signal))  # And never a word again: it is idle.
    return sorted(records, key=lambda record: record.arrived_ms)


def hostile(records: Sequence[Record], seed: int) -> list[Record]:
    """Return what a producer without a clock makes of it: times of any age, and all of it twice."""
    chance, told = random.Random(seed), list(records)
    for record in records:
        if record.topic != WEB or not isinstance(record.signal, Acted):
            continue
        at_ms, draw = record.arrived_ms, chance.random()
        strange = {0: HOUR_MS - 1, 1: 3 * DAY_MS, 2: 9_000 * DAY_MS, 3: -5_000 * DAY_MS}
        wrong_ms = at_ms + strange[int(draw * 4)]
        told.append(Record(at_ms, WEB, act(wrong_ms, f"nobody{int(draw * 40)}")))
        told.append(record._replace(arrived_ms=at_ms + MINUTE_MS))
    return sorted(told, key=lambda record: record.arrived_ms)


def late(records: Iterable[Record]) -> list[Record]:
    """Return the same records with the orders six hours late."""
    delay = {ORDERS: 6 * HOUR_MS}
    moved = (
        record._replace(arrived_ms=record.arrived_ms + delay.get(record.topic, 0))
        for record in records
    )
    return sorted(moved, key=lambda record: record.arrived_ms)


class Worker:
    """Reads what has arrived, hour by hour, unless it is away."""

    def __init__(self, records: Sequence[Record], rules: Rules, away: tuple[int, int]) -> None:
        self.core = Partition(
            0, rules, ToldScorer(by_silence), clocks=(OWN, *LATE), app_id="winback"
        )
        self.records, self.away, self.read = records, away, 0
        self.sent: list[Sent] = []
        self.further: list[Sent] = []
        self.put_off = 0

    def work(self, chance: random.Random) -> None:
        for hour in range(24 * (DAYS + 8)):
            now_ms = day(0) + hour * EVERY_MS
            if self.away[0] <= now_ms < self.away[1]:
                continue
            self.catch_up(now_ms, chance)
            if hour == 24 * 3:
                self.core.fall_idle(CRM)
            self.core.clocks.tell(now_ms)
            while (reached_ms := self.core.within(now_ms, 2 * HOUR_MS)) < now_ms:
                self.core.tick(reached_ms)
            self.core.tick(now_ms)
            self.note(now_ms)

    def catch_up(self, now_ms: int, chance: random.Random) -> None:
        """Read every topic to its end, in chunks, one or the other topic first."""
        queues: defaultdict[str, list[Record]] = defaultdict(list)
        while self.read < len(self.records) and self.records[self.read].arrived_ms <= now_ms:
            queues[self.records[self.read].topic].append(self.records[self.read])
            self.read += 1
        while queues:
            topic = chance.choice(sorted(queues))
            size = chance.randint(1, 20)
            chunk, queues[topic] = queues[topic][:size], queues[topic][size:]
            if not queues[topic]:
                del queues[topic]
            self.core.clocks.tell(now_ms)
            arrived = [record.arrived_ms for record in chunk]
            self.core.apply([record.signal for record in chunk], topic, arrived)
            self.note(now_ms)

    def note(self, now_ms: int) -> None:
        outputs = self.core.take().outputs
        for record in outputs.get(TOUCHES, []):
            said = json.loads(record.value or b"")
            if said["type"] == "touch.requested":
                due_ms, leaves_ms = ms_of(said["risk"]["scored_at"]), ms_of(said["not_before"])
                sent = Sent(said["user_id"], due_ms, leaves_ms, now_ms)
                (self.sent if said["step"] == 1 else self.further).append(sent)
        for record in outputs.get(DECISIONS, []):
            self.put_off += json.loads(record.value or b"").get("reason") == "catching_up"


def run(
    records: Sequence[Record], rules: Rules, seed: int = 0, away: tuple[int, int] = (0, 0)
) -> Worker:
    worker = Worker(records, rules, away)
    worker.work(random.Random(seed))
    return worker


@cache
def of_few() -> tuple[Rules, list[Record], Worker]:
    """Return rules, what a few users do as it arrives, and the worker that has it all in time."""
    rules, in_time = five_topics(), lives(5, users=8)
    return rules, late(hostile(in_time, 5)), run(in_time, rules)


def acts_of(records: Iterable[Record]) -> dict[str, list[tuple[int, int]]]:
    """Return event time and arrival of what each user did, in order of event time."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for arrived_ms, _, signal in records:
        if isinstance(signal, Acted):
            found[signal.user_id].append((signal.event_time_ms, arrived_ms))
    return {user: sorted(acts) for user, acts in found.items()}


def stale(worker: Worker) -> list[Sent]:
    """Return the touches that should not have left."""
    acts, late_ms = acts_of(worker.records), max(LATE.values())
    return [
        sent
        for sent in (*worker.sent, *worker.further)
        if sent.due_ms < sent.wall_ms - late_ms - CATCH_UP_MS
        or any(sent.due_ms < at <= arrived <= sent.wall_ms for at, arrived in acts[sent.user_id])
    ]


def silences(worker: Worker) -> dict[tuple[str, int], int]:
    """Return the silences, by user and last activity, that were answered, and when they end."""
    acts, found = acts_of(worker.records), {}
    for sent in worker.sent:
        times = [at for at, _ in acts[sent.user_id]]
        last = max(at for at in times if at <= sent.due_ms)
        found[sent.user_id, last] = min((at for at in times if at > last), default=1 << 60)
    return found


def missed(worker: Worker, oracle: Worker) -> set[tuple[str, int]]:
    """Return the silences of the oracle that last until the worker is back, and got no answer."""
    got, back_ms = silences(worker), worker.away[1]
    answered = silences(oracle).items()
    return {silence for silence, ends_ms in answered if silence not in got and ends_ms > back_ms}


def test_topics_that_are_late_idle_or_hostile_cost_no_alert() -> None:
    """One of five topics is six hours late, one idle, one says anything: it is as if none were."""
    in_time, rules = lives(0), five_topics()
    oracle, worker = run(in_time, rules), run(late(hostile(in_time, 0)), rules)
    assert len(oracle.sent) > 10
    assert stale(worker) == []
    assert missed(worker, oracle) == set()
    asked = {silence for silence in silences(worker) if not silence[0].startswith("nobody")}
    assert asked == silences(oracle).keys()


def test_after_three_days_away_nobody_is_written_to_too_late_and_nobody_is_missed() -> None:
    in_time, rules = lives(1), five_topics()
    oracle = run(in_time, rules)
    worker = run(late(hostile(in_time, 1)), rules, 1, AWAY)
    assert stale(worker) == []
    assert missed(worker, oracle) == set()
    assert worker.put_off > 0
    back_ms = AWAY[1]
    assert any(back_ms <= sent.wall_ms <= back_ms + HOUR_MS for sent in worker.sent), (
        "what was due meanwhile, and still holds, goes out at once"
    )
    returned = {ends for ends in silences(oracle).values() if AWAY[0] <= ends < back_ms}
    assert returned, "somebody came back meanwhile"


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1 << 20))
def test_it_does_not_matter_which_topic_is_read_first(seed: int) -> None:
    rules, records, oracle = of_few()
    worker = run(records, rules, seed, AWAY)
    assert stale(worker) == []
    assert missed(worker, oracle) == set()


def test_places_are_not_used_up_by_what_waits() -> None:
    """A day has two places; those of the days away are gone, and no more than two go out after."""
    budget = "{touches_per_day: 2, calls_per_day: 1, every: 1h}"
    rules = five_topics(f"{GRANTED}\nbudget: {budget}\n")
    worker = run(late(lives(1)), rules, 1, AWAY)
    assert stale(worker) == []
    due = [sent.due_ms for sent in (*worker.sent, *worker.further)]
    by_day = Counter((at_ms - day(0, 0)) // DAY_MS for at_ms in due)
    assert max(by_day.values()) <= 3
    back_ms = AWAY[1] - max(LATE.values())
    assert not [at_ms for at_ms in due if AWAY[0] < at_ms < back_ms]
    assert len([at_ms for at_ms in due if back_ms <= at_ms < back_ms + DAY_MS]) > 1


def test_the_night_is_that_of_the_wall_clock_where_timers_are_hours_late() -> None:
    """A touch of half past four that leaves at half past ten would wake somebody up."""
    nights = GRANTED.replace('start: "00:00", end: "00:00"', 'start: "21:00", end: "09:00"')
    worker = run(late(lives(0)), five_topics(nights))
    assert len(worker.sent) > 10
    for sent in (*worker.sent, *worker.further):
        assert 9 <= (sent.wall_ms - day(0, 0)) % DAY_MS // HOUR_MS < 21
        assert sent.leaves_ms == sent.wall_ms
        assert sent.due_ms <= sent.wall_ms - max(LATE.values())


STAYS = rules_of(
    playbooks="[{name: care, exit: [converted], steps: [{channel: sms, template_key: care_a}]}]"
)
RETURNS = rules_of(
    playbooks="[{name: care, exit: [returned], steps: [{channel: sms, template_key: care_a}]}]"
)


def kinds_of(rules: Rules, told_after_ms: int | None, *clocks: str) -> list[str]:
    """Return what goes out where a user acts an hour after a touch falls due, and time waits."""
    sources = (
        Source(topic=ORDERS, form=Form.JSON, keyed_by=KeyedBy.USER, lateness_ms=LATE[ORDERS]),
    )
    rules = msgspec.structs.replace(rules, sources=sources)
    alone = Partition(0, rules, ToldScorer(by_silence))
    alone.apply([act(day(0)), act(day(1)), act(day(40))])
    (first, *_) = alone.take().outputs[TOUCHES]
    due_ms = ms_of(json.loads(first.value or b"")["not_before"])
    partition = Partition(0, rules, ToldScorer(by_silence), clocks=clocks)
    if told_after_ms is not None:
        partition.clocks.tell(due_ms + told_after_ms)
    partition.apply([act(day(0)), act(day(1)), act(due_ms + HOUR_MS)])
    said = [json.loads(record.value or b"") for record in partition.take().outputs.get(TOUCHES, [])]
    return [each["type"] for each in said]


def test_nobody_is_written_to_about_a_silence_that_the_next_event_ends() -> None:
    """The event is there before time has come so far, for another topic is late."""
    assert kinds_of(RETURNS, HOUR_MS, OWN, ORDERS) == ["case.closed"]
    assert kinds_of(STAYS, HOUR_MS, OWN, ORDERS) == ["touch.requested"], "it ends nothing there"
    assert kinds_of(RETURNS, None, OWN, ORDERS) == ["case.closed"], "in event time, too"
    assert kinds_of(RETURNS, None, OWN) == ["touch.requested", "touch.revoked", "case.closed"], (
        "one topic alone is in order, so the log says when it was sent"
    )
