"""A world: some workers, a broker, a history, and what goes wrong, all from one seed.

``python -m tests.deterministic.world SEED [--trace] [--bug NAME]`` plays one again, the same.
"""

import argparse
import asyncio
import logging
import sys
import time
import traceback
import warnings
from bisect import bisect_left
from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.core.partition_record import PARTITION_KEY
from streams.runtime.dead_letters import Notices
from streams.runtime.producer import FencedError
from tests.deterministic.actors import Others, Trouble
from tests.deterministic.broker import Broker
from tests.deterministic.disk import Disk, troubles_of
from tests.deterministic.doubles import NoMetrics, NoObserver, installed
from tests.deterministic.group import Group
from tests.deterministic.logs import State
from tests.deterministic.loop import Process, SeededLoop, StalledError
from tests.deterministic.oracle import Findings, examine, journal
from tests.deterministic.setting import FIRST_RULES, Setting, setting_of
from tests.deterministic.story import (
    FAULTS_S,
    describe,
    faults_of,
    puts_of,
    shape_of,
    wall_ms,
)
from tests.deterministic.worker import Worker

FILES_SHARE: Final = 0.4
"""Worlds in which workers keep state files."""
CALM_S: Final = 120.0
"""So long after the last fault everything must be applied."""
LOOK_S: Final = 0.5
CLOSES_MAX: Final = 20
REST_S: Final = 3.0
"""The wall clock goes on for so long when all is applied."""
RESTART_S: Final = (0.2, 4.0)


class _Applied(msgspec.Struct):
    applied: dict[str, int]


class Outcome(NamedTuple):
    """What came of a world.

    Attributes:
        seed: Its own.
        findings: What is wrong.
        steps: Callbacks that ran.
        seconds: Virtual time that passed.
        touches: Touches that were requested.
        lives: Processes that lived.
        story: What happened, if it was traced.
    """

    seed: int
    findings: list[str]
    steps: int
    seconds: float
    touches: int
    lives: int
    story: list[str]


class World:
    """Everything there is in a seed.

    Args:
        seed: Of all chance.
        is_traced: Whether to remember what happened.
    """

    def __init__(self, seed: int, *, is_traced: bool = False) -> None:
        plan = Random(f"plan {seed}")
        self.seed, self.shape = seed, shape_of(plan)
        shape = self.shape
        self.setting: Setting = setting_of(shape.kind)
        self.puts = puts_of(plan, shape, self.setting)
        self.faults = faults_of(plan, shape)
        disk = Random(f"disk {seed}")
        self.has_files = disk.random() < FILES_SHARE
        self.file_age_max_ms = round(disk.choice((1.0, 6.0, 30.0)) * shape.pace_ms)
        self.disk_troubles = troubles_of(disk, shape.workers, FAULTS_S)
        self.commit_interval_s = plan.choice((0.0, 0.05, 0.3))
        self.unready_share = plan.choice((0.0, 0.3, 0.3))
        self.random = Random(f"chance {seed}")
        self.disks = {number: Disk(self.random) for number in range(shape.workers)}
        self.loop = SeededLoop(self.random)
        self.broker = Broker(self.loop, self.random)
        self.group = Group(self.loop, self.random, shape.partitions)
        self.partitions, self.is_live = shape.partitions, shape.is_live
        self.follows_models = shape.follows_models
        self.metrics: Any = NoMetrics()
        self.observer = NoObserver()
        self.notices = Notices("dead")
        self.rules_version = dict.fromkeys(range(shape.workers), FIRST_RULES)
        self.workers: dict[int, Worker] = {}
        self.lives = self.touches = 0
        self.is_over = False
        self.findings = Findings()
        self.story: list[str] = []
        self._is_traced = is_traced
        self.skew_ms = dict.fromkeys(range(shape.workers), 0)
        self._readings: list[tuple[int, float]] = []
        self._dead: list[Worker] = []

    # -- time

    def now_ms(self, number: int) -> int:
        """Return what a worker takes for the time of day."""
        at_ms = self.wall_ms(number)
        self._readings.append((at_ms, self.loop.time()))
        return at_ms

    def wall_ms(self, number: int) -> int:
        """Return the same, where nothing follows from it but how old a file is."""
        return wall_ms(self.shape, self.loop.time()) + self.skew_ms[number]

    def read_the_clock_s(self, at_ms: int) -> float:
        """Return when, in virtual time, a worker can have read this instant or a later one first.

        A tick may stop on its way to the instant that was read.
        """
        if self._readings and self._readings[0] != (-1, 0.0):
            self._readings = [(-1, 0.0), *_falling(sorted(self._readings))]
        place = bisect_left(self._readings, (at_ms, 0.0))
        return self._readings[place][1] if place < len(self._readings) else 0.0

    def note(self, process: Process | None, what: str) -> None:
        """Remember what happened."""
        if self._is_traced:
            name = "" if process is None else process.name
            self.story.append(f"{self.loop.time():9.4f} {name:>5} {what}")

    # -- its course

    def run(self) -> Outcome:
        """Let it all happen."""
        logging.disable(logging.CRITICAL)
        asyncio.set_event_loop(self.loop)
        try:
            with installed():
                self.loop.run_until_complete(self._course())
        except StalledError as error:
            self.findings.append(f"stalled: {error}")
        finally:
            self._bury()
            logging.disable(logging.NOTSET)
        self.findings += [f"unhandled: {error!r}" for error in self.loop.failures]
        return Outcome(
            self.seed, list(self.findings), self.loop.steps, self.loop.time(), self.touches,
            self.lives, self.story,
        )  # fmt: skip

    def judge(self) -> None:
        """Compare with the replay; the product's own code is to be whole again by now."""
        if not self.findings:
            self.findings += examine(self)

    async def _course(self) -> None:
        loop, broker = self.loop, self.broker
        others, trouble = Others(self), Trouble(self)
        for topic, partitions in self._topics().items():
            broker.create(topic, partitions)
        for put in self.puts:
            loop.call_in(put.at_s, others.put, put)
        for fault in self.faults:
            loop.call_in(fault.at_s, trouble.happen, fault)
        if self.has_files:
            for each in self.disk_troubles:
                loop.call_in(each.at_s, trouble.befall, each)
        if self.shape.changes_rules:
            for number in range(self.shape.workers):
                loop.call_in(self.random.uniform(1.0, 9.0), others.change_rules, number)
        watching = loop.spawn(None, self.group.watch(), "group")
        hearing = loop.spawn(None, others.send(), "senders")
        for number in range(self.shape.workers):
            loop.call_in(self.random.uniform(0.0, 2.0), self._begin, number, 0)
        await asyncio.sleep(FAULTS_S)
        hearing.cancel()
        await self._calm()
        watching.cancel()

    def _topics(self) -> dict[str, int]:
        setting = self.setting
        alone = (setting.settings.topic_control, setting.settings.topic_models)
        streams = setting.streams
        shared = (
            *setting.sources, *streams.of_core.values(), streams.dead_letters, streams.journal,
            setting.settings.topic_users_changelog,
        )  # fmt: skip
        return dict.fromkeys(shared, self.partitions) | dict.fromkeys(alone, 1)

    async def _calm(self) -> None:
        """Wait until everything is applied and durable; then let everybody leave."""
        until_s = self.loop.time() + CALM_S
        while not self._is_applied():
            if self.loop.time() > until_s or self.findings:
                self.findings.append(f"not applied {CALM_S:g} s after the last fault")
                return
            await asyncio.sleep(LOOK_S)
        if self.is_live:
            await self._rest()
        self.is_over = True
        for worker in self.workers.values():
            worker.stop()
        while not all(worker.process.is_dead for worker in self.workers.values()):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)

    async def _rest(self) -> None:
        """Let time pass, and see that it moves every partition."""
        before_ms = wall_ms(self.shape, self.loop.time())
        until_s = self.loop.time() + CALM_S
        await asyncio.sleep(REST_S)
        while not all(self._ticked_ms(number) > before_ms for number in range(self.partitions)):
            if self.loop.time() > until_s:
                self.findings.append("the clock moves nothing")
                return
            await asyncio.sleep(LOOK_S)

    def _ticked_ms(self, number: int) -> int:
        for entry in reversed(journal(self, number)):
            for name, at_ms, _ in reversed(entry.inputs):
                if name == "$tick":
                    back_ms = min(self.skew_ms.values())
                    return at_ms - back_ms
        users = self.broker.logs[self.setting.settings.topic_users_changelog, number]
        return 0 if users.end else 1 << 62  # Who has no users has no timers, and says nothing.

    def _is_applied(self) -> bool:
        if any(not worker.process.is_dead and worker.is_rebalancing
               for worker in self.workers.values()):  # fmt: skip
            return False
        if any(log.stable_end != log.end for log in self.broker.logs.values()):
            return False
        sources = self.setting.sources
        for number in range(self.partitions):
            applied = self.durable(number)
            for topic in sources:
                log = self.broker.logs[topic, number]
                behind = applied.get(topic, log.begin)
                if any(offset >= behind for offset, _ in log.committed()):
                    return False
        return True

    def durable(self, number: int) -> dict[str, int]:
        """Return up to where the sources of a partition are durably applied."""
        log = self.broker.logs[self.setting.settings.topic_users_changelog, number]
        for entry in reversed(log.entries):
            if entry is None or entry.said is None or entry.said[0] != PARTITION_KEY:
                continue
            if entry.transaction is None or entry.transaction.state is State.COMMITTED:
                return msgspec.json.decode(entry.said[1] or b"", type=_Applied).applied
        return {}

    def commit(self, member: int, generation: int, offsets: dict[TopicPartition, int]) -> None:
        """Keep for the group what a worker says it has done, and see whether it is true."""
        for place, offset in offsets.items():
            durable = self.durable(place.partition).get(place.topic, 0)
            log = self.broker.logs[tuple(place)]
            if any(durable <= at < offset for at, _ in log.committed()):
                self.findings.append(f"{place} acknowledged to {offset}, durable to {durable}")
        self.group.commit(member, generation, offsets)

    # -- workers

    def _begin(self, number: int, life: int) -> None:
        if self.is_over:
            return
        self.lives += 1
        worker = self.workers[number] = Worker(self, number, life)
        worker.process.on_death = lambda: self._died(worker, life)
        worker.process.clock_ms = worker.now_ms
        self.note(worker.process, "begins")
        worker.start()

    def _died(self, worker: Worker, life: int) -> None:
        self.note(worker.process, "is dead")
        self._dead.append(worker)
        failure = worker.failure
        if failure is not None and not isinstance(failure, FencedError | KafkaError):
            self.findings.append(f"{worker.process.name} crashed: {failure!r}")
            self._show(failure)
        if not self.is_over:
            delay_s = self.random.uniform(*RESTART_S)
            self.loop.call_in(delay_s, self._begin, worker.number, life + 1)

    def _show(self, failure: BaseException) -> None:
        if self._is_traced:
            self.story += traceback.format_exception(failure)

    def _bury(self) -> None:
        """End the tasks that never ended, and those that this makes, without a word."""
        buried: set[asyncio.Task[Any]] = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # Some have not even begun.
            while left := asyncio.all_tasks(self.loop) - buried:
                for task in left:
                    _bury(task)
                buried |= left
        asyncio.set_event_loop(None)


def _bury(task: asyncio.Task[Any]) -> None:
    """Close a coroutine; one that waits for something while it is closed is closed again."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    for _ in range(CLOSES_MAX):
        try:
            task.get_coro().close()
        except Exception:  # noqa: BLE001 (nobody is left to be told)
            continue
        return


def _falling(readings: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return, for each reading, the first instant at which it or a later one was read."""
    first, found = float("inf"), []
    for at_ms, seconds in reversed(readings):
        first = min(first, seconds)
        found.append((at_ms, first))
    return found[::-1]


def play(seed: int, *, is_traced: bool = False, bug: Callable[[], Any] | None = None) -> Outcome:
    """Play a world, perhaps with a planted bug, and judge it."""
    world = World(seed, is_traced=is_traced)
    if bug is None:
        outcome = world.run()
    else:
        with bug():
            outcome = world.run()
    world.judge()
    return outcome._replace(findings=list(world.findings), touches=world.touches)


def main() -> int:
    """Play one world again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--trace", action="store_true", help="tell what happens")
    parser.add_argument("--bug", default="", help="with a planted bug of tests.deterministic.bugs")
    asked = parser.parse_args()
    world = World(asked.seed)
    print(describe(world.shape, world.puts, world.faults))  # noqa: T201 (that is its purpose)
    bug = None
    if asked.bug:
        from tests.deterministic.bugs import BUGS  # noqa: PLC0415 (it imports this)

        bug = BUGS[asked.bug]
    started_s = time.process_time()
    outcome = play(asked.seed, is_traced=asked.trace, bug=bug)
    print(*outcome.story, sep="\n")  # noqa: T201
    seconds = time.process_time() - started_s
    print(  # noqa: T201
        f"seed {outcome.seed}: {outcome.steps} steps, {outcome.seconds:.1f} virtual s, "
        f"{outcome.lives} lives, {outcome.touches} touches, {seconds:.3f} s CPU"
    )
    print(*(outcome.findings or ["nothing is wrong"]), sep="\n")  # noqa: T201
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
