"""Who acts in a world beside the workers: producers, senders, and what goes wrong."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from tests.deterministic.broker import REQUEST_S
from tests.deterministic.disk import DiskTrouble
from tests.deterministic.logs import State, Transaction
from tests.deterministic.loop import Process
from tests.deterministic.setting import SECOND_RULES
from tests.deterministic.story import Fault, Put, wall_ms

if TYPE_CHECKING:
    from tests.deterministic.world import World


class Others:
    """Producers, senders, operators.

    Args:
        world: Where they live.
    """

    def __init__(self, world: "World") -> None:
        self._world = world

    def put(self, put: Put) -> None:
        self._world.note(None, f"put {put.place} {put.said[0][:2]}")
        if not put.lasts_s:
            self._world.broker.put(put.place, put.said)
            return
        transaction = Transaction(unmarked={put.place})
        self._world.broker.logs[put.place].append(put.said, self._world.loop.time(), transaction)
        self._world.loop.call_in(put.lasts_s, self._decide, put, transaction)

    def _decide(self, put: Put, transaction: Transaction) -> None:
        transaction.state = State.ABORTED if put.is_taken_back else State.COMMITTED
        self._world.broker.logs[put.place].mark(transaction, self._world.loop.time())
        self._world.broker.tell()

    async def send(self) -> None:
        """Carry out touches, and say so; sometimes twice, and sometimes never."""
        read = dict.fromkeys(range(self._world.partitions), 0)
        setting, random = self._world.setting, self._world.random
        while True:
            await asyncio.sleep(1.0)
            for number, offset in read.items():
                columns = self._world.broker.logs[setting.settings.topic_touches, number].read(
                    offset, 100
                )
                read[number] = columns.next_offset
                for key, value in zip(columns.keys, columns.values, strict=True):
                    touch = msgspec.json.decode(value or b"")
                    if touch["type"] != "touch.requested":
                        continue
                    for status in random.choice(((), ("sent",), ("sent", "delivered"),
                                                 ("sent", "clicked", "clicked"),
                                                 ("delivered", "opted_out"))):  # fmt: skip
                        self._say(number, key or b"", touch, status)

    def _say(self, number: int, key: bytes, touch: dict[str, Any], status: str) -> None:
        at_ms = wall_ms(self._world.shape, self._world.loop.time())
        body = {
            "touch_id": touch["touch_id"], "user_id": touch["user_id"], "status": status,
            "at": at_ms, "channel": touch["channel"],
        }  # fmt: skip
        place = (self._world.setting.settings.topic_feedback, number)
        self._world.broker.put(place, [(key, msgspec.json.encode(body), [], at_ms)])

    def change_rules(self, number: int) -> None:
        self._world.rules_version[number] = SECOND_RULES
        worker = self._world.workers.get(number)
        if worker is not None and not worker.process.is_dead:
            rules = self._world.setting.rules[SECOND_RULES]
            context = worker.context()
            context.run(worker.board.change, rules=rules, rules_version=SECOND_RULES)


class Trouble:
    """What goes wrong.

    Args:
        world: What it happens to.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._freezing: dict[Process, float] = {}
        self._frozen: list[Process] = []
        self._sticking: dict[int, float] = {}
        world.broker.on_commit, world.broker.on_ends = self._before_commit, self._thaw

    def happen(self, fault: Fault) -> None:
        worker = self._world.workers.get(fault.worker)
        self._world.note(None, f"fault {fault.what} w{fault.worker} {fault.amount:g}")
        faults: dict[str, Callable[[], None]] = {
            "down": lambda: self._be(fault.amount, "is_down"),
            "slow": lambda: self._slow(fault.amount),
            "slow_storm": lambda: self._slow_storm(fault.amount),
            "lossy": lambda: self._for(fault.amount, "lost_share", value=0.4, usual=0.0),
            "undecided": lambda: self._be(fault.amount, "is_undecided"),
            "undecided_storm": lambda: self._be(fault.amount, "is_undecided", in_storm=True),
            "unmarked": lambda: self._be(fault.amount, "is_unmarked"),
            "unmarked_storm": lambda: self._be(fault.amount, "is_unmarked", in_storm=True),
            "rebalance": self._world.group.upset,
            "storm": self._storm,
            "lose_transactions": self._world.broker.abort_all,
            "compact": lambda: self._compact(int(fault.amount)),
            "clock": lambda: self._jump(fault),
            "kill_all": self._kill_all,
        }
        if fault.what in faults:
            faults[fault.what]()
        elif worker is not None and not worker.process.is_dead:
            if fault.what == "kill":
                worker.process.dies_at = worker.process.steps + int(fault.amount)
            elif fault.what == "pause":
                self._pause(worker.process, fault.amount)
            elif fault.what == "freeze":
                self._freezing[worker.process] = fault.amount
            else:
                worker.context().run(worker.stop)

    def befall(self, trouble: DiskTrouble) -> None:
        """Let something happen to a disk."""
        self._world.note(None, f"disk {trouble.what} w{trouble.worker} {trouble.amount:g}")
        disk = self._world.disks[trouble.worker]
        if trouble.what == "killed":
            self._kill(trouble.worker)
        elif trouble.what == "stuck":
            self._sticking[trouble.worker] = trouble.amount
        elif trouble.what == "full":
            disk.is_full = True
            self._world.loop.call_in(trouble.amount, disk.make_room)
        else:
            disk.suffer(trouble.what)
            if trouble.what == "oldest":
                self._compact(0)
            self._kill(trouble.worker)

    def _kill(self, number: int) -> None:
        worker = self._world.workers.get(number)
        if worker is not None and not worker.process.is_dead:
            worker.process.die()

    def _pause(self, process: Process, seconds: float) -> None:
        process.is_paused = True
        self._world.loop.call_in(seconds, self._go_on, process)

    def _go_on(self, process: Process) -> None:
        if process.is_paused:
            self._world.note(process, "goes on")
            self._world.loop.go_on(process)

    def _before_commit(self, process: Process) -> None:
        self._freeze(process)
        for number in list(self._sticking):
            worker = self._world.workers.get(number)
            if worker is not None and worker.process is process:
                seconds = self._sticking.pop(number)
                self._world.note(process, "is stuck")
                self._be(seconds, "is_undecided")
                self._world.loop.call_in(seconds, self._kill, number)

    def _freeze(self, process: Process) -> None:
        """Pause who is about to commit: the worst of moments."""
        if (seconds := self._freezing.pop(process, None)) is not None:
            self._world.note(process, "is frozen")
            self._pause(process, seconds)
            self._frozen.append(process)

    def _thaw(self, topic: str) -> None:
        """Let those go on who were frozen, while somebody reads what they were to write."""
        if topic != self._world.setting.settings.topic_users_changelog:
            return
        frozen, self._frozen = self._frozen, []
        for process in frozen:
            delay_s = self._world.random.uniform(0.0, 2 * REQUEST_S) * self._world.broker.slowness
            self._world.loop.call_in(delay_s, self._go_on, process)

    def _be(self, seconds: float, what: str, *, in_storm: bool = False) -> None:
        self._for(seconds, what, value=True, usual=False)
        if in_storm:
            self._storm()

    def _for(self, seconds: float, what: str, *, value: float, usual: float) -> None:
        setattr(self._world.broker, what, value)
        self._world.loop.call_in(seconds, setattr, self._world.broker, what, usual)

    def _slow(self, seconds: float) -> None:
        factor = self._world.random.choice((15.0, 60.0, 400.0))
        self._for(seconds, "slowness", value=factor, usual=1.0)

    def _slow_storm(self, seconds: float) -> None:
        self._slow(seconds)
        self._storm()

    def _storm(self) -> None:
        for place in range(4):
            self._world.loop.call_in(0.7 * place, self._world.group.upset)

    def _compact(self, keep: int) -> None:
        topic = self._world.setting.settings.topic_users_changelog
        kept_s = 2 * self._world.file_age_max_ms / self._world.shape.pace_ms
        for number in range(self._world.partitions):
            log = self._world.broker.logs[topic, number]
            log.compact(keep=keep, deleted_before_s=self._world.loop.time() - kept_s)

    def _jump(self, fault: Fault) -> None:
        self._world.skew_ms[fault.worker] += int(fault.amount)

    def _kill_all(self) -> None:
        for worker in self._world.workers.values():
            if not worker.process.is_dead:
                worker.process.die()
