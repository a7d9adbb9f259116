"""The processes of the demo: each with a log file, none left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.errors import Exit, UserError

PROGRAM: Final = (sys.executable, "-c", "from streams.cli import main; main()")
TAIL_LINES: Final = 8


class Child:
    """One ``winback`` process.

    Attributes:
        name: What people call it.
        log_path: What it says on standard error.
        is_expected_to_end: Its end is no accident.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.name = name
        self.process = process
        self.log_path = log_path
        self.is_expected_to_end = False

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    @property
    def was_killed(self) -> bool:
        """Whether it was ended as a power cut would."""
        return self.process.poll() == -signal.SIGKILL

    def log_tail(self) -> str:
        """Return its last words."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])


class Children:
    """All processes of one demo.

    Args:
        directory: Where their logs go; it exists.
        environ: Their environment.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._environ = dict(environ)
        self._all: list[Child] = []

    def start(self, name: str, *arguments: str, niceness: int = 0, **settings: str) -> Child:
        """Start ``winback`` with arguments and settings of its own.

        Standard output goes to ``NAME.txt``, what it says besides to its log.

        Each has a session of its own, so that Ctrl-C reaches the demo alone, which ends them.
        """
        log_path = self._directory / f"{name}.log"
        with log_path.open("wb") as log, (self._directory / f"{name}.txt").open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 (our own program)
                [*PROGRAM, *arguments], env=self._environ | settings, stdin=subprocess.DEVNULL,
                stdout=out, stderr=log, start_new_session=True,
            )  # fmt: skip
        if niceness:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
        child = Child(name, process, log_path)
        self._all.append(child)
        return child

    def named(self, name: str) -> Child:
        """Return the process of a name."""
        return next(child for child in self._all if child.name == name)

    def kill(self, child: Child) -> None:
        """End a process as a power cut would."""
        child.is_expected_to_end = True
        child.process.kill()
        child.process.wait()

    def stop(self, *children: Child, patience_s: float) -> None:
        """Ask processes to end in order, all at once; kill those that take longer."""
        for child in children:
            child.is_expected_to_end = True
            child.process.send_signal(signal.SIGTERM)
        end_s = time.monotonic() + patience_s
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, end_s - time.monotonic()))
            if child.is_alive:
                self.kill(child)

    def demand_alive(self) -> None:
        """Check that nobody has ended who should not have.

        Raises:
            UserError: With the last lines of the log.
        """
        for child in self._all:
            code = child.process.poll()
            if code is not None and code != 0 and not child.is_expected_to_end:
                raise UserError(
                    f"{child.name} ended with code {code}:\n{child.log_tail()}",
                    f"its whole log: {child.log_path}",
                    Exit.FAILED,
                )

    def close(self) -> None:
        """Kill and reap whoever still runs."""
        for child in self._all:
            if child.is_alive:
                child.process.kill()
        for child in self._all:
            child.process.wait()
