"""Who runs the shares of a back-test: this process alone, or one process for each share.

Orders are answered in the order in which they were given. What is answered does not depend on who
answers.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import process_time
from traceback import format_exc
from types import TracebackType
from typing import Any, Final, Protocol, Self

from streams.errors import UserError
from streams.replay.share import Share
from streams.replay.timeline import Timeline
from streams.replay.told import Ended, Judged, OneShareError, Setup, Task, Taught

STOP_S: Final = 5.0
"""So long a worker may take to leave before it is ended."""
JOB_BYTES: Final = 1 << 20
"""So much of a log, packed or not, keeps a process busy for longer than it takes to begin."""


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def jobs_for(path: str) -> int:
    """Return how many processes a log is worth: one per core, unless it is small or no file."""
    try:
        return min(cores(), 1 + Path(path).stat().st_size // JOB_BYTES)
    except OSError:
        return 1


class Crew(Protocol):
    """Runs shares."""

    def teach(self, tasks: Sequence[Task]) -> None:
        """Order a slice to be run unscored: a task for each share."""

    def taught(self) -> list[Taught]:
        """Return what the oldest slice that was ordered taught, by share."""

    def judge(self, timeline: Timeline) -> None:
        """Order the oldest slice that was not judged yet to be run again, and scored."""

    def judged(self) -> list[Judged]:
        """Return what was thought of users in the oldest slice that was ordered, by share."""

    def end(self) -> list[Ended]:
        """Return what it all came to, by share."""

    @property
    def cpu_s(self) -> list[float]:
        """CPU time of each process that was started, s; known at the end."""


class Alone:
    """This process runs the only share.

    Args:
        setup: Of the share.

    Attributes:
        share: It.
    """

    def __init__(self, setup: Setup) -> None:
        self.share = Share(setup)
        self._taught: deque[Taught] = deque()
        self._judged: deque[Judged] = deque()

    def teach(self, tasks: Sequence[Task]) -> None:
        """Run a slice unscored."""
        (task,) = tasks
        self._taught.append(self.share.teach(task))

    def taught(self) -> list[Taught]:
        """Return what it taught."""
        return [self._taught.popleft()]

    def judge(self, timeline: Timeline) -> None:
        """Run the oldest slice again, scored."""
        self._judged.append(self.share.judge(timeline))

    def judged(self) -> list[Judged]:
        """Return what was thought of users."""
        return [self._judged.popleft()]

    def end(self) -> list[Ended]:
        """Return what it all came to."""
        return [self.share.end()]

    @property
    def cpu_s(self) -> list[float]:
        """No process was started."""
        return []


class Crowd:
    """A process for each share.

    Args:
        setups: Of the shares.

    Attributes:
        processes: Their ids.
        cpu_s: CPU time of each, s; known at the end.
    """

    def __init__(self, setups: Sequence[Setup]) -> None:
        self._hands = [_Hand(setup) for setup in setups]
        self.cpu_s: list[float] = []
        self.processes = [hand.process_id for hand in self._hands]

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let everybody go, whatever they are at."""
        for hand in self._hands:
            hand.dismiss()
        for hand in self._hands:
            hand.wait()

    def teach(self, tasks: Sequence[Task]) -> None:
        """Order a slice to be run unscored."""
        for hand, task in zip(self._hands, tasks, strict=True):
            hand.order("teach", task)

    def taught(self) -> list[Taught]:
        """Return what it taught."""
        return [hand.answer("teach") for hand in self._hands]

    def judge(self, timeline: Timeline) -> None:
        """Order the oldest slice to be run again, scored."""
        for hand in self._hands:
            hand.order("judge", timeline)

    def judged(self) -> list[Judged]:
        """Return what was thought of users."""
        return [hand.answer("judge") for hand in self._hands]

    def end(self) -> list[Ended]:
        """Return what it all came to."""
        for hand in self._hands:
            hand.order("end")
        found = [hand.answer("end") for hand in self._hands]
        self.cpu_s = [cpu_s for _, cpu_s in found]
        return [ended for ended, _ in found]


class _Hand:
    """A process, and what it answered so far.

    A thread reads its answers as they come, so that neither side waits for the other to read.
    """

    def __init__(self, setup: Setup) -> None:
        # Started anew, not forked: this process may have threads, and locks that they hold.
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, setup), daemon=True)
        self._process.start()
        self.process_id = self._process.pid or 0
        theirs.close()
        self._answers: dict[str, SimpleQueue[Any]] = {
            name: SimpleQueue() for name in ("teach", "judge", "end")
        }
        Thread(target=self._listen, daemon=True).start()

    def order(self, name: str, *args: Any) -> None:
        with suppress(OSError):  # It is gone; its last answer says why.
            self._line.send((name, args))

    def answer(self, name: str) -> Any:
        """Return the next answer to an order of that name.

        Raises:
            Exception: What went wrong there.
        """
        found = self._answers[name].get()
        if isinstance(found, BaseException):
            raise found
        return found

    def _listen(self) -> None:
        try:
            while True:
                name, found = self._line.recv()
                self._tell(found, name)
        except (EOFError, OSError):
            self._tell(RuntimeError("a process of the back-test ended before its work was done"))

    def _tell(self, found: Any, name: str = "") -> None:
        for each in [name] if name else self._answers:
            self._answers[each].put(found)

    def dismiss(self) -> None:
        self._process.terminate()

    def wait(self) -> None:
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._process.kill()


def _serve(line: Connection, setup: Setup) -> None:
    """Do what is ordered until nobody orders any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who gives the orders.
    share = Share(setup)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            name, args = line.recv()
            try:
                found = getattr(share, name)(*args)
            except (UserError, OneShareError) as error:
                line.send(("", error))
                return
            except Exception:  # noqa: BLE001 (whatever it is, it is told where orders come from)
                line.send(("", RuntimeError(f"in a process of the back-test:\n{format_exc()}")))
                return
            line.send((name, (found, process_time()) if name == "end" else found))
