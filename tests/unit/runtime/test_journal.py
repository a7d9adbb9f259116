"""The journal holds all that a run depends on: with it the same states are made again."""

import json
import random
from itertools import count
from typing import Any

from streams.core.clocks import Clocks
from streams.core.decoded import inputs_of
from streams.core.native import make_decode
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.time import DAY_MS, HOUR_MS
from streams.intake.bulk import Bulk
from streams.runtime.dead_letters import Notices
from streams.runtime.engine_topics import streams_of
from streams.runtime.in_force import InForce
from streams.runtime.journal import IDLE, PRESENT, TICK
from streams.runtime.metrics import Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.ticks import Tick
from tests.unit.core.clock_stories import CRM, ORDERS, of_topics
from tests.unit.core.stories import ToldScorer, by_silence, day
from tests.unit.runtime.teaching import SETTINGS, chunk

RULES = of_topics()
STREAMS = streams_of(SETTINGS)
OWN_TOPIC = SETTINGS.topic_activity
CLOCKS = ("", ORDERS, CRM)
Records = dict[str, list[tuple[bytes, bytes]]]


def core() -> Partition:
    return Partition(0, RULES, ToldScorer(by_silence), clocks=CLOCKS)


def told(topic: str, number: int, at_ms: int, chance: random.Random) -> tuple[bytes, bytes]:
    user = f"u{chance.randrange(5)}"
    body = {
        "event_id": f"{topic}-{number}", "user_id": user, "event": "view", "event_time": at_ms,
    }  # fmt: skip
    return user.encode(), json.dumps(body).encode()


def live(seed: int) -> tuple[PipelineEngine, Records, list[Any]]:
    """Let a worker live for some weeks: what it did, what it read, and its journal."""
    chance, now = random.Random(seed), [day(0)]
    decode = make_decode(RULES)
    decoders = dict.fromkeys((OWN_TOPIC, ORDERS, CRM), Bulk(decode))
    in_force = InForce(RULES, "v1", decoders, ToldScorer(by_silence))
    engine = PipelineEngine(
        core(), lambda: in_force, STREAMS, Metrics(), Notices("dead"), lambda: now[0]
    )
    log: Records = {topic: [] for topic in decoders}
    steps: list[Any] = []
    for number in count():
        now[0] += round(chance.uniform(0.1, 20) * HOUR_MS)
        if now[0] > day(40):
            return engine, log, steps
        action = chance.random()
        if action < 0.5:
            topic = chance.choice(list(log))
            late_ms = chance.choice([0, HOUR_MS, 9 * HOUR_MS, 90 * DAY_MS])
            records = [told(topic, number, now[0] - late_ms, chance)]
            engine.apply(chunk(topic, len(log[topic]), records))
            log[topic] += records
            engine.applied[topic] = len(log[topic])
        elif action < 0.6:
            engine.fall_idle(chance.choice(CLOCKS))
        else:
            while not engine.tick(Tick(now[0]), 12 * HOUR_MS):
                pass
        if chance.random() < 0.3:
            for entry in engine.take().outputs.get(SETTINGS.topic_journal, []):
                steps += json.loads(entry.value or b"")["inputs"]
    raise AssertionError


def again(log: Records, steps: list[Any]) -> Partition:
    """Do what a journal says."""
    partition, decode = core(), make_decode(RULES)
    for name, start, end in steps:
        if name == TICK:
            partition.tick(start)
        elif name == PRESENT:
            partition.clocks.tell(start)
        elif name.startswith(IDLE):
            partition.fall_idle(name.removeprefix(IDLE))
        else:
            piece = chunk(name, start, log[name][start:end]).columns
            columns = zip(piece.keys, piece.values, piece.timestamps_ms, strict=True)
            decoded = [(decode(*record), record[2]) for record in columns]
            inputs = [(signal, at_ms) for found, at_ms in decoded for signal in inputs_of(found)]
            arrived = [at_ms for _, at_ms in inputs]
            partition.apply(
                [signal for signal, _ in inputs], STREAMS.clocks.get(name, name), arrived
            )
    return partition


def test_a_run_under_the_wall_clock_is_made_again_from_its_journal() -> None:
    for seed in range(4):
        engine, log, steps = live(seed)
        rest = engine.take()
        for entry in rest.outputs.get(SETTINGS.topic_journal, []):
            steps += json.loads(entry.value or b"")["inputs"]
        assert {TICK, PRESENT} <= {step[0] for step in steps}
        replayed = again(log, steps)
        lived: Clocks = engine.core.clocks
        assert replayed.watermark_ms == engine.core.watermark_ms
        assert replayed.clocks.record() == lived.record()
        assert dict(replayed.values()) == dict(engine.core.values())
        assert PARTITION_KEY not in dict(replayed.values())


def test_of_two_ticks_in_one_commit_the_journal_keeps_both() -> None:
    """What is put off at the first waits until that instant, not until the second."""
    engine, _, _ = live(0)
    engine.take()
    for at_ms in (day(41), day(41) + 100):
        engine.tick(Tick(at_ms), 9 * DAY_MS)

    (entry,) = engine.take().outputs[SETTINGS.topic_journal]
    steps = json.loads(entry.value or b"")["inputs"]
    assert [step[1] for step in steps if step[0] == TICK] == [day(41), day(41) + 100]


def test_who_has_no_wall_clock_goes_by_no_present_that_another_told() -> None:
    """Else nothing would be later than the moment of the change."""
    engine, _, _ = live(0)
    kept = {key: value for key, value in engine.take().changelog if value is not None}
    assert engine.core.clocks.told_ms > 0
    in_force = InForce(RULES, "v1", {ORDERS: Bulk(make_decode(RULES))}, ToldScorer(by_silence))
    heir = PipelineEngine(core(), lambda: in_force, STREAMS, Metrics(), Notices("dead"))
    heir.restore(kept)
    later = told(ORDERS, 1, day(400), random.Random(1))
    heir.apply(chunk(ORDERS, 0, [later]))

    outputs = heir.take().outputs
    assert SETTINGS.topic_dead_letters not in outputs
    (entry,) = outputs[SETTINGS.topic_journal]
    assert json.loads(entry.value or b"")["inputs"][3:] == [[PRESENT, 0, 0], [ORDERS, 0, 1]]
