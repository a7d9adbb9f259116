"""The processes of the sender under test: started, killed, stopped, and watched."""

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from winback_sender.clock import now_ms
from winback_sender.conformance.evidence import End, Life
from winback_sender.standins.server import HOST

STOP_S_MAX: Final = 30.0
"""So long a sender may take to finish what is under way; Kubernetes, too, waits 30 s."""
LAST_LINES: Final = 2
LAST_WORDS_S: Final = 0.5
PAUSE_AFTER_DEATH_S: Final = 1.0
"""What ended by itself is started again, as any supervisor does."""


class _Process:
    def __init__(self, name: str, popen: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.popen = popen
        self.start_ms = now_ms()
        self.stop_by_s: float | None = None


class Fleet:
    """Runs a command several times side by side; every process has a web port that stays its own.

    Args:
        command: As on a command line.
        environ: Of every process.
        folder: Where their output goes.
    """

    def __init__(self, command: str, environ: Mapping[str, str], folder: Path) -> None:
        self._command = shlex.split(command)
        self._environ = environ
        self._folder = folder
        self._running: dict[str, _Process] = {}
        self._to_start: dict[str, float] = {}
        self._ports: dict[str, int] = {}
        self._ended: list[Life] = []

    @property
    def names(self) -> list[str]:
        """The processes that run, oldest first."""
        return list(self._running)

    @property
    def lives(self) -> list[Life]:
        """Every process so far."""
        running = [Life(each.name, each.start_ms, None, End.RUNNING) for each in
                   self._running.values()]  # fmt: skip
        return self._ended + running

    def callback_url(self, name: str) -> str:
        """Return where a process has its web server."""
        if name not in self._ports:
            self._ports[name] = _free_port()
        return f"http://{HOST}:{self._ports[name]}"

    def last_words(self, name: str) -> str:
        """Return the last lines that a process has written."""
        text = (self._folder / f"{name}.log").read_text(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return "; ".join(lines[-LAST_LINES:]) or "it said nothing"

    def start(self, name: str, after_s: float = 0.0) -> None:
        """Start a process, now or in a while."""
        if after_s:
            self._to_start[name] = time.monotonic() + after_s
            return
        port = self.callback_url(name).rpartition(":")[2]
        with (self._folder / f"{name}.log").open("ab") as out:
            popen = subprocess.Popen(  # noqa: S603 (the command is the user's own)
                self._command, env={**self._environ, "WINBACK_SENDER_WEB_PORT": port},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        self._running[name] = _Process(name, popen)

    def kill(self, name: str) -> None:
        """End a process and its children with -9."""
        process = self._running.pop(name)
        _signal(process.popen, signal.SIGKILL)
        self._end(process, End.KILLED)

    def stop(self, name: str) -> None:
        """Ask a process to end; `watch` sees whether it does."""
        process = self._running[name]
        if process.stop_by_s is None:
            _signal(process.popen, signal.SIGTERM)
            process.stop_by_s = time.monotonic() + STOP_S_MAX

    def watch(self) -> None:
        """Take note of what has ended, and start what is due."""
        for process in tuple(self._running.values()):
            if process.popen.poll() is not None:
                del self._running[process.name]
                asked = process.stop_by_s is not None
                self._end(process, End.STOPPED if asked else End.DIED)
                if not asked:
                    self.start(process.name, PAUSE_AFTER_DEATH_S)
            elif process.stop_by_s is not None and time.monotonic() > process.stop_by_s:
                del self._running[process.name]
                _signal(process.popen, signal.SIGABRT)  # Python and Go say where they are.
                time.sleep(LAST_WORDS_S)
                _signal(process.popen, signal.SIGKILL)
                self._end(process, End.HUNG)
        for name, at_s in tuple(self._to_start.items()):
            if name not in self._running and time.monotonic() >= at_s:
                del self._to_start[name]
                self.start(name)

    def stop_all(self) -> None:
        """Ask all processes to end, and wait until they have."""
        self._to_start.clear()
        for name in self.names:
            self.stop(name)
        while self._running:
            self.watch()
            time.sleep(0.02)
        self._to_start.clear()

    def kill_all(self) -> None:
        """End all processes at once."""
        self._to_start.clear()
        for name in self.names:
            self.kill(name)

    def _end(self, process: _Process, end: End) -> None:
        code = process.popen.wait()
        _signal(process.popen, signal.SIGKILL)  # Children that outlived it.
        self._ended.append(Life(process.name, process.start_ms, now_ms(), end, code))


def _signal(popen: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, number)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])
