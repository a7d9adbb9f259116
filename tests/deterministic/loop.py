"""An event loop whose time is a number and whose order is a seed's.

Nothing sleeps: when no callback is ready, the time jumps to the next timer. Among the callbacks
that are ready any may be next, so that a seed explores interleavings at every await. A callback
belongs to the process in whose context it was made; one that died runs no more, and one that is
paused runs what had gathered when it goes on.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, Final
from weakref import WeakSet


class StalledError(Exception):
    """Nothing is left to happen, and somebody still waits; or it would never end."""


class Process:
    """What dies and pauses as one.

    Attributes:
        name: For traces.
        is_dead: Nothing of it runs any more.
        steps: Callbacks that it has run.
        left: Its tasks, once it is dead: held, or they would be tidied up whenever memory is.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_paused = False
        self.steps = 0
        self.dies_at: int | None = None
        self.on_death: Callable[[], None] = lambda: None
        self.clock_ms: Callable[[], int] = lambda: 0
        self.held: list[Any] = []
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self.left: list[asyncio.Task[Any]] = []

    def die(self) -> None:
        """End here and now; nothing is tidied up."""
        self.is_dead = True
        self.left = list(self.tasks)
        for task in self.left:
            task._log_traceback = False  # type: ignore[attr-defined]  # Nobody is left to ask why.
        self.held.clear()
        self.on_death()


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
WORLD: Final = copy_context()
"""Context of what belongs to no process: brokers, faults, the story."""
STEP_S: Final = 1e-5
"""What a callback costs of virtual time: who only yields must not stop the clocks."""
STEPS_MAX: Final = 200_000


class SeededLoop(asyncio.BaseEventLoop):
    """Virtual time and seeded order.

    Args:
        random: Chooses among what is ready.
    """

    _ready: list[Any]  # type: ignore[assignment]
    _scheduled: list[Any]

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._ready = []
        self._chance = random.random
        self.now_s = 0.0
        self.steps = 0
        self.set_task_factory(_known_to_its_process)
        self.failures: list[BaseException] = []
        self.set_exception_handler(self._fail)

    def time(self) -> float:
        """Return the virtual time, seconds."""
        return self.now_s

    def _fail(self, _loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context["message"])
        self.failures.append(error)

    def _run_once(self) -> None:
        ready = self._ready
        self.now_s += STEP_S
        if not ready or (self._scheduled and self._scheduled[0]._when <= self.now_s):
            self._jump()
        place = int(self._chance() * len(ready)) if len(ready) > 1 else 0
        handle = ready[place]
        ready[place] = ready[-1]
        ready.pop()
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)
        if process is not None:
            if process.is_dead:
                return
            if process.is_paused:
                process.held.append(handle)
                return
            process.steps += 1
            if process.dies_at is not None and process.steps >= process.dies_at:
                process.die()
                return
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise StalledError(f"{STEPS_MAX} callbacks, and it is not over")
        handle._run()

    def _jump(self) -> None:
        """Move on to the next instant at which something is due."""
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            if self._ready:
                return
            raise StalledError("nothing is left to happen")
        self.now_s = max(self.now_s, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self.now_s:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            self._ready.append(handle)

    def go_on(self, process: Process) -> None:
        """Let a paused process run what has gathered."""
        process.is_paused = False
        self._ready += process.held
        process.held = []

    def spawn(
        self, process: Process | None, work: Coroutine[Any, Any, Any], name: str = ""
    ) -> asyncio.Task[Any]:
        """Start a task as part of a process, or of none."""
        context: Context = WORLD.copy()
        context.run(PROCESS.set, process)
        return self.create_task(work, name=name, context=context)

    def call_in(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        """Call something that belongs to no process, later."""
        self.call_later(seconds, callback, *args, context=WORLD)

    def _write_to_self(self) -> None:
        """There is no other thread."""

    def _process_events(self, _events: object) -> None:
        """There is nothing but callbacks."""


def _known_to_its_process(
    loop: Any, work: Coroutine[Any, Any, Any], context: Context | None = None
) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    process = (context or copy_context()).get(PROCESS)
    if process is not None:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        process.tasks.add(task)
        if process.is_dead:
            process.left.append(task)
    return task
