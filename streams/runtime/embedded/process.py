"""Who a process is: a pid alone can be somebody else's by now."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final, NamedTuple

_POLL_S: Final = 0.02


class Identity(NamedTuple):
    """A process, told apart from a later one with the same pid."""

    pid: int
    started: str


def identity(pid: int) -> Identity | None:
    """Return the process of a pid, or None when there is none (or only its zombie)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return _identity_by_ps(pid) if not Path("/proc/self/stat").exists() else None
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before may hold blanks and brackets
    state, started_ticks = fields[0], fields[19]
    return None if state in "ZX" else Identity(pid, started_ticks)


def is_alive(who: Identity) -> bool:
    """Whether this very process still runs."""
    return identity(who.pid) == who


def send(who: Identity, number: signal.Signals) -> None:
    """Send a signal to this very process, or to nobody."""
    if is_alive(who):
        try:
            os.kill(who.pid, number)
        except ProcessLookupError:
            return


def wait_gone(who: Identity, timeout_s: float) -> bool:
    """Wait for the end of a process; return whether it came in time."""
    deadline = time.monotonic() + timeout_s
    while is_alive(who):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _identity_by_ps(pid: int) -> Identity | None:
    """Ask ``ps`` where there is no /proc (macOS, BSD)."""
    answer = subprocess.run(  # noqa: S603 (a number and fixed words)
        ["ps", "-o", "state=,lstart=", "-p", str(pid)],  # noqa: S607 (ps is where the system has it)
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    state, _, started = answer.stdout.strip().partition(" ")
    return Identity(pid, started.strip()) if state and not state.startswith("Z") else None
